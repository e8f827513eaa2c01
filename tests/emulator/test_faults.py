from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator import VirtualClock
from emulator.errors import CODES, SHAPES
from tests.emulator.conftest import SHORT_LIST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import ApiClient


def inject(client: ApiClient, do: str, path: str = SHORT_LIST, **options: Any) -> None:
    client.login()
    client.api.reset_log()
    client.api.faults([{"match": {"path": path}, "do": do, **options}])


def assert_served(client: ApiClient, do: str) -> None:
    assert client.api.log.faults() == [do]
    assert client.api.unserved_faults() == []
    assert client.request(SHORT_LIST).ok


@pytest.mark.parametrize("status", sorted(CODES))
@pytest.mark.parametrize("shape", SHAPES)
def test_each_status_in_each_shape(client: ApiClient, status: int, shape: str) -> None:
    inject(client, f"{status}-{shape}", detail="Because")
    response = client.request(SHORT_LIST)
    assert response.status_code == client.api.log[-1].status == status
    assert "Because" in response.text
    assert_served(client, f"{status}-{shape}")


@pytest.mark.parametrize(
    "do", ["500", "502", "503", "504", "408", "400", "403", "404", "414", "422", "401", "400-expired"]
)
def test_statuses_without_shape(client: ApiClient, do: str) -> None:
    inject(client, do)
    assert client.request(SHORT_LIST).status_code == int(do[:3])
    assert_served(client, do)


def test_forms_of_retry_after(start: Callable[..., ApiClient]) -> None:
    clock = VirtualClock()
    client = start(clock=clock, today=None)
    inject(client, "429-seconds", seconds=7)
    assert client.request(SHORT_LIST).headers["Retry-After"] == "7"
    inject(client, "429-date", seconds=90)
    retry_at = parsedate_to_datetime(client.request(SHORT_LIST).headers["Retry-After"])
    assert retry_at.timestamp() == clock.wall() + 90
    for do in ("429-none", "429-body", "429-agent"):
        inject(client, do)
        response = client.request(SHORT_LIST)
        assert "Retry-After" not in response.headers
        assert ("retry_after" in response.text) == (do == "429-body")
        assert ("backoffMs" in response.text) == (do == "429-agent")
    inject(client, "429-absurd")
    assert client.request(SHORT_LIST).headers["Retry-After"] == "99999999"
    inject(client, "429-garbage")
    assert client.request(SHORT_LIST).headers["Retry-After"] == "soon"


@pytest.mark.parametrize("do", ["reset-before", "reset-body", "cut-body", "cut-chunks"])
def test_broken_connections(client: ApiClient, do: str) -> None:
    inject(client, do)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.request(SHORT_LIST)
    assert_served(client, do)


def test_timeout(client: ApiClient) -> None:
    inject(client, "timeout", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        client.request(SHORT_LIST, timeout=0.05)
    assert_served(client, "timeout")


def test_slow_body(client: ApiClient) -> None:
    inject(client, "drip", pieces=4, seconds=0.001)
    assert len(client.request(SHORT_LIST).json()) == 7
    assert_served(client, "drip")


def test_refused_connections(client: ApiClient) -> None:
    inject(client, "refused", seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        client.request(SHORT_LIST)
    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(client.api.url, timeout=1)
    for _ in range(100):
        time.sleep(0.02)
        try:
            assert client.request(SHORT_LIST).ok
            break
        except requests.ConnectionError:
            continue
    assert_served(client, "refused")


def test_refused_connections_on_a_virtual_clock(start: Callable[..., ApiClient]) -> None:
    clock = VirtualClock()
    client = start(clock=clock, today=None)
    inject(client, "refused", seconds=30)
    with pytest.raises(requests.ConnectionError):
        client.request(SHORT_LIST)
    clock.sleep(29)
    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(client.api.url, timeout=1)
    clock.sleep(1)
    assert_served(client, "refused")


def test_close_and_open_port(client: ApiClient) -> None:
    client.login()
    client.api.close_port()
    with pytest.raises(requests.ConnectionError):
        client.request(SHORT_LIST)
    client.api.open_port()
    assert client.request(SHORT_LIST).ok


def test_altered_bodies(client: ApiClient) -> None:
    inject(client, "cut-json")
    with pytest.raises(requests.JSONDecodeError):
        client.request(SHORT_LIST).json()
    assert_served(client, "cut-json")
    inject(client, "html")
    assert "<html>" in client.request(SHORT_LIST).text
    inject(client, "content-type")
    response = client.request(SHORT_LIST)
    assert response.headers["Content-Type"] == "text/plain"
    assert response.json()
    inject(client, "empty")
    assert client.request(SHORT_LIST).content == b""
    inject(client, "null")
    assert client.request(SHORT_LIST).json() is None
    inject(client, "gzip")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        client.request(SHORT_LIST)
    assert_served(client, "gzip")


def test_redirects(start: Callable[..., ApiClient]) -> None:
    client, other = start(), start()
    inject(client, "redirect-other", location=f"{other.api.url}/elsewhere")
    response = client.request(SHORT_LIST)
    assert (response.status_code, response.headers["Location"]) == (302, f"{other.api.url}/elsewhere")
    inject(client, "redirect-same", status=307)
    response = client.request(SHORT_LIST)
    assert response.status_code == 307
    assert response.headers["Location"].startswith(f"/api/rest/v2{SHORT_LIST}")
    inject(client, "redirect-http")
    assert client.request(SHORT_LIST).headers["Location"].startswith("http://")
    assert_served(client, "redirect-http")


@pytest.mark.parametrize("do", ["token-cut", "token-altered"])
def test_damaged_token(client: ApiClient, do: str) -> None:
    inject(client, do)
    assert client.request(SHORT_LIST).status_code == 401
    assert_served(client, do)


@pytest.mark.parametrize(
    ("do", "value"),
    [
        ("token-zero", 0),
        ("token-negative", -1),
        ("token-string", "3600"),
        ("token-words", "soon"),
        ("token-null", None),
    ],
)
def test_unusual_token_lifetimes(client: ApiClient, do: str, value: object) -> None:
    inject(client, do, "token")
    assert client.login().json()["expires_in"] == value
    assert_served(client, do)


def test_token_response_without_expires_in_or_access_token(client: ApiClient) -> None:
    inject(client, "token-no-expiry", "token")
    assert "expires_in" not in client.login().json()
    inject(client, "500", "token")
    client.api.faults([{"match": {"path": "token"}, "do": "token-missing"}])
    body = {"grant_type": "client_credentials", "client_id": client.api.client_id, "scope": "api"}
    url = f"{client.api.url}/authentication/api/oauth/token"
    response = client.session.post(url, json={**body, "client_secret": client.api.client_secret}, timeout=5)
    assert "access_token" not in response.json()


def test_matching_requests(client: ApiClient) -> None:
    client.login()
    client.api.faults(
        [
            {"match": {"path": "/workorders", "nth": 3, "times": 2}, "do": "500"},
            {"match": {"path": "/workorders", "params": {"page": "9"}}, "do": "502"},
            {"match": {"path": "/users/*", "times": 0}, "do": "401"},
        ]
    )
    codes = [client.request("/workorders", columns="id").status_code for _ in range(6)]
    assert codes == [200, 200, 500, 500, 200, 200]
    assert client.request("/workorders", page=9).status_code == 502
    assert client.api.unserved_faults() == ["401"]
    assert [client.request(f"/users/{number}").status_code for number in (1, 2, 3)] == [401] * 3
    assert client.api.unserved_faults() == []
    client.api.faults([])
    assert client.request("/users/1").status_code == 404


def test_invalid_rules(client: ApiClient) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        client.api.faults([{"do": "explode"}])
    with pytest.raises(ValueError, match="unknown keys in `match`"):
        client.api.faults([{"do": "500", "match": {"color": "red"}}])
