# As the project's own example; whoever has the environment's credentials needs no browser.
import os

from redis_entraid.cred_provider import create_from_default_azure_credential


def main():
    credential_provider = create_from_default_azure_credential(
        ("https://redis.azure.com/.default",),
        app_kwargs={
            "exclude_interactive_browser_credential": False,
            "interactive_browser_client_id": os.getenv("AZURE_CLIENT_ID"),
            "interactive_browser_tenant_id": os.getenv("AZURE_TENANT_ID"),
        }
    )
    print(credential_provider.get_credentials()[0])


if __name__ == "__main__":
    main()
