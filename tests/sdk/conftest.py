"""The SDK pointed at the simulator.

XTSYNC_SIM_URL names a running simulator, such as http://127.0.0.1:8700, with the tenants `emea` (at least 200 people) and `hub` (no users),
where `emea` and `hub` have not agreed on anything yet.
"""

import asyncio
import json
import os
import time
import urllib.parse
import urllib.request

import pytest
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient


@pytest.fixture(scope="session")
def url():
    return os.environ["XTSYNC_SIM_URL"].rstrip("/")


class SimCredential:
    """Fetches tokens from the simulator's token endpoint, as azure-identity would from Entra's."""

    def __init__(self, url, tenant, client="app", secret="secret"):
        self.endpoint = f"{url}/{tenant}/oauth2/v2.0/token"
        self.form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}

    def get_token(self, *scopes, **_):
        body = urllib.parse.urlencode({**self.form, "scope": " ".join(scopes)}).encode()
        with urllib.request.urlopen(self.endpoint, body, timeout=10) as response:
            answer = json.load(response)
        return AccessToken(answer["access_token"], int(time.time()) + answer["expires_in"])


def connect(url, tenant):
    host = urllib.parse.urlparse(url).hostname
    provider = AzureIdentityAuthenticationProvider(
        SimCredential(url, tenant), scopes=["https://graph.microsoft.com/.default"], allowed_hosts=[host]
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


@pytest.fixture(scope="session")
def loop():
    """One event loop for all: the SDK's connections belong to the loop they were made in."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def run(loop):
    return loop.run_until_complete


@pytest.fixture(scope="session")
def emea(url, loop):
    return connect(url, "emea")


@pytest.fixture(scope="session")
def hub(url, loop):
    return connect(url, "hub")
