"""Each connection failure has its own cause and advice; a failure that will not go away by itself is not retried."""

from __future__ import annotations

import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tap_fieldnation.api.errors import Action, ApiError, SettingsError
from tap_fieldnation.api.transport import TokenLocation, Transport, check_proxy
from tests.unit.api.certificates import DAY, Signed, make, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AUTHORITY = make("authority")
TRUST = r"set the environment variable REQUESTS_CA_BUNDLE to a PEM file with "
UNKNOWN = rf"not from a known certificate authority\): {TRUST}the certificate of that authority"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def failure(origin: str, *, host_is_set: bool = True, timeout: float = 5.0) -> ApiError:
    transport = Transport(
        origin,
        user_agent="tap-test/1",
        token_location=TokenLocation.QUERY,
        timeout=timeout,
        max_connections=1,
        host_is_set=host_is_set,
    )
    with transport.session, pytest.raises(ApiError) as caught:
        transport.get("/x", {}, "canary4711")
    assert caught.value.__context__ is None
    assert "canary4711" not in str(caught.value)
    return caught.value


CERTIFICATES: dict[str, tuple[Callable[[], Signed], str]] = {
    "unknown authority": (lambda: make("server", AUTHORITY), UNKNOWN),
    "self-signed": (lambda: make("server"), rf"is self-signed\): {TRUST}that certificate"),
    "expired": (
        lambda: make("server", AUTHORITY, begins=-3 * DAY, ends=-DAY),
        r"has expired\): check this machine's clock",
    ),
    "not valid yet": (
        lambda: make("server", AUTHORITY, begins=DAY, ends=3 * DAY),
        r"is not valid yet\): check this machine's clock",
    ),
    "of another host": (
        lambda: make("server", AUTHORITY, host=x509.DNSName("elsewhere.example")),
        r"is for another host\): check the network and api_url",
    ),
    "of another address": (
        lambda: make("server", AUTHORITY, host=x509.DNSName("127.0.0.1")),
        r"is for another host\): check the network and api_url",
    ),
}


@pytest.mark.parametrize(("certificate", "words"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_a_certificate_that_is_not_accepted(
    certificate: Callable[[], Signed], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "authority" not in words and "self-signed" not in words:
        (tmp_path / "authority.pem").write_bytes(AUTHORITY.pem())
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with serving(certificate(), tmp_path) as url:
        error = failure(url)
    assert error.rule.action is Action.FAIL
    assert str(error).startswith("/x could not be read (the server's certificate ")
    assert re.search(words, str(error)), str(error)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_advice_for_an_unknown_authority_works(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authority.pem").write_bytes(AUTHORITY.pem())
    monkeypatch.setenv(variable, str(tmp_path / "authority.pem"))
    with serving(make("server", AUTHORITY), tmp_path) as url:
        transport = Transport(
            url, user_agent="tap-test/1", token_location=TokenLocation.QUERY, timeout=5.0, max_connections=1
        )
        with transport.session:
            assert transport.get("/x", {}, "t").body == b"{}"


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nxx\n"])
def test_a_file_without_certificates(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if content is not None:
        (tmp_path / "authority.pem").write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with serving(make("server", AUTHORITY), tmp_path) as url:
        error = failure(url)
    assert error.rule.action is Action.FAIL
    assert "(the CA certificates could not be read): check the path in REQUESTS_CA_BUNDLE" in str(error)


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts a server that receives something and answers with some bytes; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def start(answer: bytes) -> int:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    with listener:
        yield start


def test_a_server_without_tls(answering: Callable[[bytes], int]) -> None:
    error = failure(f"https://127.0.0.1:{answering(b'HTTP/1.1 400 Bad Request' + b'x' * 100)}")
    assert error.rule.action is Action.FAIL
    assert "(the server does not use TLS): check the network and api_url" in str(error)


def test_a_tls_handshake_that_the_server_refuses(answering: Callable[[bytes], int]) -> None:
    error = failure(f"https://127.0.0.1:{answering(bytes([21, 3, 3, 0, 2, 2, 70]))}")
    assert error.rule.action is Action.FAIL
    assert "(the TLS handshake failed: tlsv1 alert protocol version)" in str(error)


def test_a_connection_that_ends_in_the_tls_handshake_is_tried_again(answering: Callable[[bytes], int]) -> None:
    assert failure(f"https://127.0.0.1:{answering(b'')}").rule.action is Action.RECONNECT


@pytest.mark.parametrize(
    ("host_is_set", "advice"), [(True, "check the network and api_url, and"), (False, "check the network, and")]
)
def test_a_connection_that_is_refused(advice: str, *, host_is_set: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}", host_is_set=host_is_set)
    assert error.rule.action is Action.RECONNECT
    assert f"(the connection was refused): {advice} run again" in str(error)


def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure("https://nowhere.example")
    assert error.rule.action is Action.RECONNECT
    assert "(the name of the host could not be resolved): check the network and api_url" in str(error)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    error = failure("https://nowhere.example", host_is_set=False)
    assert "(the name of the proxy could not be resolved): check the network and HTTPS_PROXY, and" in str(error)


@pytest.mark.parametrize(
    ("status", "action"),
    [(403, Action.FAIL), (407, Action.FAIL), (502, Action.RECONNECT), (503, Action.RECONNECT)],
)
def test_a_proxy_that_refuses(
    status: int, action: Action, answering: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = answering(f"HTTP/1.1 {status} No\r\n\r\n".encode())
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:canary4711@127.0.0.1:{port}")
    error = failure("https://host.example")
    assert error.rule.action is action
    assert f"(the proxy refused the connection with HTTP {status}): check HTTPS_PROXY." in str(error)


@pytest.mark.parametrize("url", ["http://u:p@", "http://", "http://[::1", "http://host:99999", "http://host:port", ":"])
def test_a_proxy_that_is_no_url(url: str) -> None:
    with pytest.raises(SettingsError, match=r"HTTPS_PROXY .* is not a URL") as caught:
        check_proxy(url)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("url", [None, "http://proxy.example:3128", "proxy.example:3128", "socks5://user:x@[::1]:1080"])
def test_a_proxy_that_is_a_url(url: str | None) -> None:
    check_proxy(url)
