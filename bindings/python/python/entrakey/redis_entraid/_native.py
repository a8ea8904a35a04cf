"""What redis-entraid's factories are given, as entrakey's own configuration."""

import logging
import threading

from redis.auth.err import RequestTokenErr

from .. import _errors
from .._provider import Provider
from ._errors import as_request_error
from ._token import token_of, token_of_entrakey

_log = logging.getLogger("entrakey.redis_entraid")


class Application:
    """In the place of msal's application or azure-identity's credential: a configuration of entrakey's."""

    def __init__(self, options, last_resort=None):
        self.options = options
        self.last_resort = last_resort  # makes a credential of azure-identity, asked when no other identity is there
        self._provider = None
        self._lock = threading.Lock()

    def request_token(self, force_refresh=False):
        """For who asks the identity provider itself. A credential provider has a provider of its own."""
        try:
            return token_of_entrakey(self._own_provider(force_refresh).get_token())
        except _errors.EntrakeyError as error:
            if self.last_resort is None or error.retriable:
                raise as_request_error(error) from None
            refused = error
        return self._from_last_resort(refused)

    def _own_provider(self, anew):
        with self._lock:
            if anew and self._provider is not None:
                self._provider.close()
                self._provider = None
            if self._provider is None:
                self._provider = Provider(**self.options)
            return self._provider

    def _from_last_resort(self, refused):
        try:
            credential = self.last_resort()
        except ImportError:
            raise as_request_error(refused) from None
        try:
            return token_of(credential.get_token(self.options["scope"]).token)
        except Exception as error:
            raise RequestTokenErr(error) from error


def scope_of(resource):
    return f"{resource.rstrip('/')}/.default"


def service_principal(config, scopes):
    """None if there is an option that only msal has."""
    app = _application(config.app_kwargs or {})
    if app is None:
        return None
    options = {"client_id": config.client_id, "tenant_id": config.tenant_id, "scope": " ".join(scopes)}
    if config.timeout:
        options["request_timeout_ms"] = max(int(config.timeout * 1000), 10_000)
    # The secret comes last: no frame holds it while another option fails.
    credential = _credential(config.client_credential)
    return None if credential is None else {**options, **credential, **app}


def _credential(given):
    """msal's client_credential: a secret, or one of several dictionaries."""
    if isinstance(given, str):
        return {"identity": "service_principal", "client_secret": given}
    if not isinstance(given, dict):
        return None
    if "client_assertion" in given:
        assertion = given["client_assertion"]
        return {"assertion_callback": assertion if callable(assertion) else lambda: assertion}
    chain = given.get("public_certificate")
    if "private_key_pfx_path" in given:
        certificate = {"certificate_path": given["private_key_pfx_path"], "send_certificate_chain": bool(chain)}
    elif "private_key" in given and isinstance(chain, str):
        certificate = {"private_key": given["private_key"], "certificate": chain, "send_certificate_chain": True}
    elif "private_key" in given and "thumbprint" in given:
        certificate = {"private_key": given["private_key"], "certificate_thumbprint": given["thumbprint"]}
    else:
        return None
    if given.get("passphrase"):
        certificate["certificate_password"] = given["passphrase"]
    return {"identity": "service_principal", **certificate}


def _application(given):
    """Of msal's own options those that have a counterpart here."""
    options = {}
    for name, value in given.items():
        if name == "authority":
            host, _, tenant = _without_scheme(value).partition("/") if value else ("", "", "")
            options["authority_host"] = f"https://{host}"
            if tenant.strip("/"):
                options["tenant_id"] = tenant.strip("/")
        elif name == "verify" and isinstance(value, str):
            options["ca_file"] = value
        elif name == "verify" and value is True or value is None:
            pass
        elif name == "proxies" and isinstance(value, dict) and value.get("https"):
            options["proxy"] = value["https"]
        elif name in ("instance_discovery", "validate_authority", "app_name", "app_version", "enable_pii_log"):
            pass  # no effect here: we do no discovery, and tell Entra nothing about the program
        else:
            return None
    return options


def default_credential(config, scopes):
    """None if there is an option that only azure-identity has."""
    options = {"identity": "default", "scope": " ".join(scopes)}
    if config.authority:
        options["authority_host"] = config.authority if "://" in config.authority else f"https://{config.authority}"
    for name, value in (config.app_kwargs or {}).items():
        if name == "managed_identity_client_id":
            options["client_id"] = value
        elif is_interactive(name) or value is None:
            pass  # the browser is not a link of our chain, it is the last resort after it
        else:
            return None
    return options


def is_interactive(option):
    return "interactive_browser" in option


def required(find, name, options):
    try:
        return find(name)
    except ImportError as error:
        given = ", ".join(sorted(options or {})) or "this credential"
        raise ImportError(
            f"{given}: entrakey has no counterpart, so {name} itself is used, and it is not installed: pip install "
            f"{'azure-identity' if name.startswith('Default') else 'msal'}, or leave the option out."
        ) from error


def say_ignored(what, options):
    if options:
        _log.warning("%s are ignored: %s", what, ", ".join(sorted(options)))


def _without_scheme(url):
    return url.split("://", 1)[-1]
