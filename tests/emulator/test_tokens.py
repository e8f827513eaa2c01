from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from emulator import VirtualClock
from tests.emulator.conftest import SHORT_LIST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import ApiClient


def test_client_credentials_grant(client: ApiClient) -> None:
    response = client.login()
    assert response.json() == {"access_token": client.token, "token_type": "Bearer", "expires_in": 3600}
    assert client.api.issued_tokens == [client.token]
    assert quote(client.token, safe="") != client.token  # it has to be escaped in a URL
    assert client.api.log[0].sent_secret
    assert client.api.log[0].path == "/authentication/api/oauth/token"


def test_password_grant(client: ApiClient) -> None:
    response = client.login(grant_type="password", username=client.api.username, password=client.api.password)
    assert response.json()["refresh_token"]
    assert client.request(SHORT_LIST).ok


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"grant_type": "password", "scope": "api"}, 400, "invalid_scope"),
        ({"grant_type": "password", "username": "x", "password": "y"}, 400, "invalid_grant"),
    ],
)
def test_invalid_token_requests(client: ApiClient, body: dict[str, Any], status: int, error: str) -> None:
    response = client.login(**body)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert client.api.issued_tokens == []


def test_token_endpoint_only_accepts_json_by_post(client: ApiClient) -> None:
    url = f"{client.api.url}/authentication/api/oauth/token"
    form = {"grant_type": "client_credentials", "client_id": client.api.client_id}
    assert client.session.post(url, data=form, timeout=5).status_code == 400
    assert client.session.get(url, timeout=5).status_code == 405


def test_disabled_grant(start: Callable[..., ApiClient]) -> None:
    client = start(client_credentials=False)
    assert client.login().json()["error"] == "unauthorized_client"
    assert client.login(grant_type="password", username=client.api.username, password=client.api.password).ok


def test_token_in_query_or_header(start: Callable[..., ApiClient]) -> None:
    client = start()
    client.login()
    url = f"{client.api.url}/api/rest/v2{SHORT_LIST}"
    bearer = {"Authorization": f"Bearer {client.token}"}
    assert client.session.get(url, headers=bearer, timeout=5).ok
    assert client.request(SHORT_LIST).ok
    client.api.switch(header_token=False)
    assert client.session.get(url, headers=bearer, timeout=5).status_code == 401
    client.api.switch(header_token=True, query_token=False)
    assert client.request(SHORT_LIST).status_code == 401
    assert all(entry.sent_token for entry in client.api.log.of(SHORT_LIST))


def test_expired_token(start: Callable[..., ApiClient]) -> None:
    clock = VirtualClock()
    client = start(clock=clock, today=None)
    assert client.request(SHORT_LIST).ok
    clock.advance(3601)
    response = client.request(SHORT_LIST)
    assert response.status_code == 401
    assert response.json() == {"error": "invalid_token", "error_description": "The access token expired"}
    client.api.switch(expired_as_400=True)
    response = client.request(SHORT_LIST)
    assert (response.status_code, response.json()["message"]) == (400, "Expired token")
    client.login()
    assert client.request(SHORT_LIST).ok


def test_missing_and_invalid_token(client: ApiClient) -> None:
    url = f"{client.api.url}/api/rest/v2/workorders"
    assert requests.get(url, timeout=5).json()["code"] == "AUTHENTICATION_REQUIRED"
    response = requests.get(url, params={"access_token": "nonsense"}, timeout=5)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


def test_log_masks_tokens(client: ApiClient) -> None:
    client.request("/workorders", columns="id")
    assert client.api.log[-1].params["access_token"] == "***"
    assert not any(secret in repr(client.api.log.entries()) for secret in client.api.secrets)
