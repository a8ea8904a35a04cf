"""redis-py and valkey-py: credentials for each new connection, and re-authentication of those that are open.

    client = redis.Redis(..., ssl=True, credential_provider=CredentialProvider(provider))
"""

from ._attach import attach
from ._credential_provider import CredentialProvider, address_remap

__all__ = ["CredentialProvider", "address_remap", "attach"]
