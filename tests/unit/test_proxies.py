"""A proxy that cannot be used is rejected before the first request, without showing its value."""

from __future__ import annotations

import pytest

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.proxies import check_proxy

API = "https://api.fieldnation.com"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:canary4711@",
        "canary4711:x@",
        "http://",
        ":::",
        "http://[",
        "http://canary4711:port",
        "http://canary4711:99999",
        "http://canary 4711:1",
        "http://canary4711\n:1",
        "http://canary4711..example",
        f"http://{'canary4711' * 7}.example",
        "ftp://canary4711:1",
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, proxy: str) -> None:
    monkeypatch.setenv(name, proxy)
    with pytest.raises(SettingsError) as caught:
        check_proxy(API)
    assert str(caught.value) == (
        f"The environment variable {name.upper()} cannot be used: it must be a URL such as "
        "http://user:password@proxy.example.com:8080."
    )


def test_a_socks_proxy_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:1080")
    with pytest.raises(SettingsError, match="HTTPS_PROXY cannot be used: install the package PySocks"):
        check_proxy(API)


@pytest.mark.parametrize(
    "proxy",
    ["", "http://proxy.example:8080", "proxy.example:8080", "https://user:p%40ss@proxy.example", "http://[::1]:3128"],
)
def test_other_proxies_are_left_to_the_request(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    check_proxy(API)


def test_a_proxy_that_is_not_used_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://")
    check_proxy(API)
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    monkeypatch.setenv("NO_PROXY", "fieldnation.com")
    check_proxy(API)
