"""The token is sent to the API only: it is in no request object, response or exception, and sent to no other host."""

from __future__ import annotations

import contextlib
import gc
import gzip
import http.server
import json
import logging
import socket
import struct
import threading
import time
import traceback
import tracemalloc
import types
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_fieldnation.api import redact
from tap_fieldnation.api import transport as transport_module
from tap_fieldnation.api.body import MAX_BODY
from tap_fieldnation.api.errors import Action, ApiError, SettingsError
from tap_fieldnation.api.transport import TokenLocation, Transport, checked_origin
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_fieldnation.api.clock import Clock

# With every character that means something in a URL.
TOKEN = "canary4711+/=&?#%20 ~x"
both_locations = pytest.mark.parametrize("token_location", TokenLocation)


class Server(http.server.ThreadingHTTPServer):
    """Returns the entry of `responses` for each path, and records what it received."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, str, dict[str, str], bytes]] = []
        self.responses: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.connections: set[tuple[str, int]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append((self.command, self.path, dict(self.headers), body))
        self.server.connections.add(self.client_address)
        status, headers, payload = self.server.responses.get(urlsplit(self.path).path, (200, {}, b'{"a": 1}'))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(payload)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    do_POST = do_GET  # noqa: N815

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(5)


@pytest.fixture
def transport(server: Server) -> Iterator[Transport]:
    transport = make_transport(server.url)
    yield transport
    transport.session.close()


def make_transport(
    origin: str, token_location: TokenLocation = TokenLocation.QUERY, timeout: float = 5.0, clock: Clock | None = None
) -> Transport:
    return Transport(
        origin, user_agent="tap-test/1", token_location=token_location, timeout=timeout, max_connections=2, clock=clock
    )


def reachable_from(thing: object) -> Iterator[object]:
    """An object and all objects that are reachable from it, except code, modules and types."""
    seen: set[int] = set()
    pending = [thing]
    while pending:
        current = pending.pop()
        if id(current) in seen or isinstance(current, (type, types.ModuleType, types.FunctionType, types.CodeType)):
            continue
        seen.add(id(current))
        yield current
        # the values of `vars`, not the dictionary: since Python 3.13 `get_referents` of that can be empty
        pending += list(vars(current).values()) if hasattr(current, "__dict__") else gc.get_referents(current)


def contains_token(thing: object) -> bool:
    """Whether any text that is reachable from an object contains the token."""
    texts = (item for item in reachable_from(thing) if isinstance(item, (str, bytes, bytearray)))
    return any("canary4711" in str(text) for text in texts)


def test_contains_token_finds_what_requests_keeps(server: Server) -> None:
    with requests.Session() as session:
        response = session.get(f"{server.url}/x?access_token={quote(TOKEN, safe='')}")
        assert contains_token(response)
        response.request, response.url = requests.PreparedRequest(), ""
        assert contains_token(response)  # it is in `raw` too


@both_locations
def test_only_the_server_receives_the_token(server: Server, token_location: TokenLocation) -> None:
    transport = make_transport(server.url, token_location)
    with transport.session as session:
        prepared = session.prepare_request(requests.Request("GET", f"{server.url}/x?page=1"))
        response = session.send(prepared, token=TOKEN)
        [(_, path, headers, _)] = server.received
        if token_location is TokenLocation.QUERY:
            assert dict(parse_qsl(urlsplit(path).query)) == {"page": "1", "access_token": TOKEN}
            assert "Authorization" not in headers
        else:
            assert path == "/x?page=1"
            assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert response.json() == {"a": 1}
        assert response.url == prepared.url == f"{server.url}/x?page=1"
        assert response.request is prepared
        for thing in (response, prepared, session.headers, session.params, session.cookies, session.auth):
            assert not contains_token(thing)


@both_locations
@pytest.mark.parametrize("parameters", [{}, {"page": 1}])
def test_the_token_can_be_the_only_parameter(
    server: Server, token_location: TokenLocation, parameters: dict[str, object]
) -> None:
    transport = make_transport(server.url, token_location)
    response = transport.get("/x", parameters, TOKEN)
    transport.session.close()
    assert (response.status, response.body) == (200, b'{"a": 1}')
    assert not contains_token(response)
    query = dict(parse_qsl(urlsplit(server.received[0][1]).query))
    assert query.pop("access_token", None) == (TOKEN if token_location is TokenLocation.QUERY else None)
    assert query == {name: str(value) for name, value in parameters.items()}


def test_a_post_request_has_a_json_body_and_no_token(server: Server, transport: Transport) -> None:
    transport.post("/token", {"client_secret": "s+/ü"})
    [(method, path, headers, body)] = server.received
    assert (method, path) == ("POST", "/token")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"client_secret": "s+/ü"}
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ({"f_": "", "page": 1}, "f_=&page=1"),
        ({"columns": "id,pay,status"}, "columns=id,pay,status"),
        ({"f_created": "2026-01-01,2026-02-01"}, "f_created=2026-01-01,2026-02-01"),
        ({"a": "b c&d=e+f/ü"}, "a=b%20c%26d%3De%2Bf%2F%C3%BC"),
        ({"sticky": "false"}, "sticky=false"),
        ({}, ""),
    ],
)
def test_empty_parameters_are_sent_and_commas_are_not_encoded(
    server: Server, transport: Transport, parameters: dict[str, object], query: str
) -> None:
    transport.get("/x", parameters, "t")
    sent = urlsplit(server.received[0][1]).query
    assert sent == f"{query}&access_token=t".removeprefix("&")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_any_parameter_is_received_unchanged(parameters: dict[str, str]) -> None:
    adapter = Recorder()
    transport = make_transport("https://host.example")
    transport.session.mount("https://", adapter)
    transport.get("/x", parameters, TOKEN)
    query = urlsplit(adapter.url).query
    assert dict(parse_qsl(query, keep_blank_values=True)) == {**parameters, "access_token": TOKEN}


def test_user_agent_and_accept_headers_are_sent(server: Server, transport: Transport) -> None:
    transport.get("/x", {}, "t")
    _, _, headers, _ = server.received[0]
    assert headers["User-Agent"] == "tap-test/1"
    assert headers["Accept"] == "application/json"
    assert "gzip" in headers["Accept-Encoding"]


def test_header_names_of_a_response_are_in_lower_case(server: Server, transport: Transport) -> None:
    server.responses["/x"] = (429, {"Retry-After": "7", "X-RateLimit-Limit": "60"}, b"{}")
    response = transport.get("/x", {}, "t")
    assert response.status == 429
    assert (response.headers["retry-after"], response.headers["x-ratelimit-limit"]) == ("7", "60")


def test_no_cookie_is_kept(server: Server, transport: Transport) -> None:
    for path in ("/x", "/y"):
        server.responses[path] = (200, {"Set-Cookie": "session=kept; Path=/; Max-Age=600"}, b"{}")
        transport.get(path, {}, TOKEN)
    transport.post("/x", {})
    assert ["Cookie" in headers for _, _, headers, _ in server.received] == [False] * 3
    assert list(transport.session.cookies) == []


@both_locations
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_is_followed_and_its_target_receives_nothing(
    server: Server, token_location: TokenLocation, status: int, method: str
) -> None:
    with Server() as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        for target in (f"{other.url}/y", "/y", f"//127.0.0.1:{other.server_port}/y"):
            server.responses["/x"] = (status, {"Location": target}, b"")
            transport = make_transport(server.url, token_location)
            if method == "GET":
                response = transport.get("/x", {}, TOKEN)
            else:
                response = transport.post("/x", {"client_secret": TOKEN})
            transport.session.close()
            assert response.status == status
            assert response.headers["location"] == target
        other.shutdown()
    assert other.received == []
    assert [path.partition("?")[0] for _, path, _, _ in server.received] == ["/x"] * 3


@both_locations
@pytest.mark.parametrize("location", ["/y", "http://[", "http://", "https://host:99999999/", "\x00", "x" * 9000])
def test_a_redirect_is_a_response_whatever_its_location(
    server: Server, token_location: TokenLocation, location: str
) -> None:
    server.responses["/x"] = (302, {"Location": location}, b"")
    with make_transport(server.url, token_location).session as session:
        response = session.send(session.prepare_request(requests.Request("GET", f"{server.url}/x")), token=TOKEN)
    assert response.status_code == 302
    assert response.next is None
    assert not contains_token(response)


# What a server does with the connection after it has received the request.
Fault = "Callable[[socket.socket], None]"


def _send(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _send_and_reset(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
    _reset(connection)


def _send_nothing(connection: socket.socket) -> None:
    connection.recv(1)


def _stop_in_the_body(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
    connection.recv(1)


FAULTS: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "closes the connection": (lambda _: None, "was closed"),
    "resets the connection": (_reset, "was closed"),
    "resets the connection in the body": (_send_and_reset, "(was closed|cut short)"),
    "cuts the body": (_send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"'), "cut short"),
    "cuts a chunk": (_send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"a"'), "cut short"),
    "sends an invalid chunk": (_send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "cut short"),
    "sends invalid gzip": (
        _send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nnope"),
        "decompressed",
    ),
    "does not send HTTP": (_send(b"220 mail.example ESMTP\r\n\r\n"), "was closed"),
    "sends an invalid status": (_send(b"HTTP/1.1 abc OK\r\n\r\n"), "was closed"),
    "sends too many headers": (_send(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"), "was closed"),
    "sends nothing": (_send_nothing, "timed out"),
    "stops in the body": (_stop_in_the_body, "timed out"),
}


@pytest.fixture
def faulty() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts a server with a fault in its first response, and returns its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def start(fault: Callable[[socket.socket], None]) -> str:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                fault(connection)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    with listener:
        yield start
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()


def assert_clean(error: ApiError) -> None:
    """Nothing that is reachable from the error contains the token, except frames."""
    assert error.__context__ is None
    assert error.__cause__ is None
    assert "canary4711" not in "".join(traceback.format_exception(error)) + repr(error)
    assert not any("canary4711" in str(item) for item in reachable_from([error.args, vars(error)]))


@both_locations
@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
def test_connection_failures_are_retried_and_expose_no_secret(
    faulty: Callable[[Callable[[socket.socket], None]], str],
    token_location: TokenLocation,
    fault: Callable[[socket.socket], None],
    words: str,
) -> None:
    transport = make_transport(faulty(fault), token_location, timeout=0.2)
    with transport.session, pytest.raises(ApiError, match=f"^/x could not be read .*{words}") as caught:
        transport.get("/x", {"page": 1}, TOKEN)
    assert caught.value.rule.action is Action.RETRY
    assert caught.value.status is None
    assert_clean(caught.value)


def _send_slowly(start: bytes, piece: bytes, pause: float = 0.01) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(start)
            for _ in range(2000):
                connection.sendall(piece)
                time.sleep(pause)

    return send


OK = b"HTTP/1.1 200 OK\r\n"
SLOW: dict[str, Callable[[socket.socket], None]] = {
    "status line": _send_slowly(b"HTTP/1.1 200 O", b"K"),
    "header": _send_slowly(OK + b"X: ", b"y"),
    "headers": _send_slowly(OK, b"X: y\r\n", 0.05),
    "interim responses": _send_slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "interim responses without a pause": _send_slowly(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 99, 0),
    "headers of an interim response": _send_slowly(b"HTTP/1.1 102 Processing\r\nX: ", b"y"),
    "body": _send_slowly(OK + b"Content-Length: 5000\r\n\r\n", b" "),
    "body until the end of the connection": _send_slowly(OK + b"\r\n", b" "),
    "chunks": _send_slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "size of a chunk": _send_slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": _send_slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_a_response_that_arrives_too_slowly_is_aborted(
    faulty: Callable[[Callable[[socket.socket], None]], str],
    slow: Callable[[socket.socket], None],
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_module, "READ_TIMEOUTS_PER_RESPONSE", 0.25)
    transport = make_transport(faulty(slow), timeout=2.0)
    start = time.monotonic()
    with (
        transport.session,
        pytest.raises(ApiError, match=r"^/x .*\(the response was too slow\): check the net") as caught,
    ):
        transport.get("/x", {}, TOKEN) if method == "GET" else transport.post("/x", {"client_secret": TOKEN})
    assert 0.4 < time.monotonic() - start < 1.9
    assert caught.value.rule.action is Action.RETRY
    assert_clean(caught.value)


def test_the_time_limit_of_the_run_leaves_a_response_one_read_timeout(
    faulty: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    clock = FakeClock(time_limit=30.0)
    transport = make_transport(faulty(_send_slowly(OK + b"X: ", b"y")), timeout=10.0, clock=clock)
    clock.advance(25.0)
    threading.Timer(0.2, clock.advance, [14.9]).start()
    threading.Timer(0.4, clock.advance, [0.2]).start()
    start = time.monotonic()
    with transport.session, pytest.raises(ApiError, match="the response was too slow"):
        transport.get("/x", {}, TOKEN)
    assert time.monotonic() - start > 0.3


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>\r\n\r\n",
        b"HTTP/1.1 199 Whatever\r\nContent-Length: 7\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_interim_responses_are_skipped(
    faulty: Callable[[Callable[[socket.socket], None]], str], interim: bytes, method: str
) -> None:
    transport = make_transport(faulty(_send(interim + OK + b"Content-Length: 2\r\n\r\n{}")))
    with transport.session:
        response = transport.get("/x", {}, TOKEN) if method == "GET" else transport.post("/x", {})
    assert (response.status, response.body, response.headers) == (200, b"{}", {"content-length": "2"})


def test_headers_that_cannot_be_parsed_are_told_of_in_one_line(
    faulty: Callable[[Callable[[socket.socket], None]], str], caplog: pytest.LogCaptureFixture
) -> None:
    redact.install()
    transport = make_transport(faulty(_send(OK + b"bad\x1b[31m header\r\nContent-Length: 2\r\n\r\n{}")))
    with transport.session:
        assert transport.get("/x", {}, TOKEN).status == 200
    [line] = caplog.text.splitlines()
    assert "Failed to parse headers" in line
    assert "\x1b" not in line


def test_a_request_is_reported_when_its_connection_is_open(server: Server, transport: Transport) -> None:
    events: list[str] = []
    for _ in range(2):  # the second one on the connection of the first
        transport.get("/x", {}, TOKEN, lambda: events.append(f"{len(server.received)} received"))
    assert events == ["0 received", "1 received"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ApiError, match="refused"):
        make_transport(f"http://127.0.0.1:{port}").get("/x", {}, TOKEN, lambda: events.append("sent"))
    assert "sent" not in events


def _raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def _members(body: bytes) -> bytes:
    return gzip.compress(body[:9]) + gzip.compress(b"") + gzip.compress(body[9:]) + b"\0\0"


def _twice(body: bytes) -> bytes:
    return gzip.compress(gzip.compress(body))


ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "members": ("gzip", _members),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "nested": ("gzip, gzip", _twice),
    "mixed": ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("encoding", "pack"), ENCODINGS.values(), ids=ENCODINGS)
def test_a_body_is_read_completely_and_the_connection_is_reused(
    server: Server, transport: Transport, encoding: str, pack: Callable[[bytes], bytes], *, chunked: bool
) -> None:
    body = json.dumps({"a": "ü" * 300_000}).encode()
    packed = pack(body)
    headers = {"Content-Encoding": encoding} if encoding else {}
    if chunked:
        pieces = [packed[at : at + 1000] for at in range(0, len(packed), 1000)]
        packed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
        headers |= {"Transfer-Encoding": "chunked"}
    server.responses["/x"] = (200, headers, packed)
    for _ in range(3):
        assert transport.get("/x", {}, "t").body == body
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"{}")[:-4]),
        ("gzip", gzip.compress(b"{}")[:-8] + b"x" * 8),
        ("gzip", b"{}"),
        ("gzip, gzip", gzip.compress(b"{}")),
        ("deflate", b"{}"),
        ("br", b"{}"),
        ("zstd", b"{}"),
        ("gzip, unknown", gzip.compress(b"{}")),
        (", ".join(["gzip"] * 6), b""),
        ("gzip", gzip.compress(b"") * 2_000),
        ("gzip, gzip", gzip.compress(gzip.compress(b"") * 10**6)),
    ],
    ids=[
        "cut",
        "wrong checksum",
        "plain",
        "half nested",
        "no deflate",
        "br",
        "zstd",
        "unknown",
        "six",
        "members",
        "nested",
    ],
)
def test_a_body_that_cannot_be_decompressed_is_requested_again(
    server: Server, transport: Transport, encoding: str, packed: bytes
) -> None:
    server.responses["/x"] = (200, {"Content-Encoding": encoding}, packed)
    with pytest.raises(ApiError, match=r"\(the response could not be decompressed\)") as caught:
        transport.get("/x", {}, TOKEN)
    assert caught.value.rule.action is Action.RETRY
    assert_clean(caught.value)


ZEROS = 2 * 10**8


def _zipped_zeros(number: int, wbits: int = 16 + zlib.MAX_WBITS) -> bytes:
    stream = zlib.compressobj(9, wbits=wbits)
    block = bytes(10**6)
    return b"".join(stream.compress(block) for _ in range(number // 10**6)) + stream.flush()


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: _zipped_zeros(ZEROS)),
    "deflate": ("deflate", lambda: _zipped_zeros(ZEROS, zlib.MAX_WBITS)),
    "raw deflate": ("deflate", lambda: _zipped_zeros(ZEROS, -zlib.MAX_WBITS)),
    "members": ("gzip", lambda: _zipped_zeros(10**7) * 20),
    "nested": ("gzip, gzip", lambda: gzip.compress(_zipped_zeros(ZEROS))),
    "not compressed": ("", lambda: bytes(MAX_BODY + 1)),
}


@pytest.mark.parametrize(("encoding", "pack"), BOMBS.values(), ids=BOMBS)
def test_a_body_that_is_too_large_uses_no_more_memory_than_the_limit(
    server: Server, transport: Transport, encoding: str, pack: Callable[[], bytes]
) -> None:
    server.responses["/x"] = (200, {"Content-Encoding": encoding} if encoding else {}, pack())
    tracemalloc.start()
    try:
        with pytest.raises(ApiError, match=r"^/x .*the response has more than 64 MB\): lower page_size\.$") as caught:
            transport.get("/x", {}, TOKEN)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.rule.action is Action.FAIL
    assert peak < 1.2 * MAX_BODY
    assert_clean(caught.value)


@both_locations
def test_a_refused_connection_exposes_no_secret(token_location: TokenLocation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    transport = make_transport(f"http://127.0.0.1:{port}", token_location)
    with transport.session, pytest.raises(ApiError, match=r"^/x could not be read .*connection") as caught:
        transport.get("/x", {}, TOKEN)
    assert_clean(caught.value)


@both_locations
def test_an_exception_of_requests_is_not_kept(token_location: TokenLocation) -> None:
    class Refusing(HTTPAdapter):
        @override
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            raise requests.ConnectionError(f"{request.url} {request.headers}", request=request)

    transport = make_transport("https://host.example", token_location)
    transport.session.mount("https://", Refusing())
    with pytest.raises(ApiError) as caught:
        transport.get("/x", {}, TOKEN)
    assert_clean(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        requests.exceptions.ProxyError,
        requests.exceptions.SSLError,
        requests.exceptions.ConnectTimeout,
        requests.exceptions.ReadTimeout,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
        requests.exceptions.ConnectionError,
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidHeader,
        requests.exceptions.InvalidSchema,
        requests.exceptions.RetryError,
        requests.exceptions.TooManyRedirects,
        requests.exceptions.StreamConsumedError,
        requests.exceptions.RequestException,
    ],
)
def test_every_exception_of_requests_has_a_description(kind: type[requests.RequestException]) -> None:
    class Raising(HTTPAdapter):
        @override
        def send(self, *_: Any, **__: Any) -> requests.Response:
            raise kind(TOKEN)

    transport = make_transport("https://host.example")
    transport.session.mount("https://", Raising())
    with pytest.raises(ApiError, match=r"^/x could not be read \([a-z']") as caught:
        transport.get("/x", {}, TOKEN)
    assert_clean(caught.value)


def test_unreadable_ca_certificates_are_not_retried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    transport = make_transport("https://localhost:9")
    with transport.session, pytest.raises(ApiError, match="check the path in REQUESTS_CA_BUNDLE") as caught:
        transport.get("/x", {}, TOKEN)
    assert caught.value.rule.action is Action.FAIL
    assert_clean(caught.value)


class Recorder(HTTPAdapter):
    """Records what it is to send and how, and returns a response without a network."""

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **kwargs: Any) -> requests.Response:
        self.url, self.headers, self.options = str(request.url), request.headers, kwargs
        response = requests.Response()
        response.status_code = 200
        response._content = b"{}"
        response.request = request
        return response


def sent_by(origin: str, token_location: TokenLocation = TokenLocation.QUERY) -> Recorder:
    recorder = Recorder()
    transport = make_transport(origin, token_location)
    for scheme in ("https://", "http://"):
        transport.session.mount(scheme, recorder)
    transport.get("/x", {}, "t")
    return recorder


def test_certificates_are_checked() -> None:
    assert sent_by("https://host.example").options["verify"] is True


def test_a_custom_ca_bundle_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", __file__)
    assert sent_by("https://host.example").options["verify"] == __file__


def test_connect_and_read_timeouts_are_set() -> None:
    assert sent_by("https://host.example").options["timeout"] == (10.0, 5.0)


def test_proxies_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert sent_by("https://host.example").options["proxies"]["https"] == "http://proxy.example:3128"


def test_no_proxy_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", ".example")
    assert not sent_by("https://host.example").options["proxies"]


def test_http_to_a_loopback_host_uses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    assert not sent_by("http://127.0.0.1:9").options["proxies"]


@both_locations
def test_credentials_in_a_netrc_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token_location: TokenLocation
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sent = sent_by("https://host.example", token_location).headers.get("Authorization")
    assert sent == ("Bearer t" if token_location is TokenLocation.HEADER else None)


@pytest.mark.usefixtures("server")
def test_urls_in_the_logs_of_urllib3_contain_no_token(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    redact.register_secrets(TOKEN)
    redact.install()
    caplog.set_level(logging.DEBUG)
    transport.get("/x", {"page": 1}, TOKEN)
    assert "/x?page=1&access_token=***" in caplog.text
    assert "canary4711" not in caplog.text


ORIGINS = {
    "https://api.fieldnation.com": "https://api.fieldnation.com",
    "https://api.fieldnation.com/": "https://api.fieldnation.com",
    "HTTPS://API.example:8443": "https://API.example:8443",
    "https://[2001:db8::1]:443": "https://[2001:db8::1]:443",
    "https://192.0.2.1": "https://192.0.2.1",
    "https://bücher.example": "https://bücher.example",
    "http://127.0.0.1": "http://127.0.0.1",
    "http://127.0.0.1:8080/": "http://127.0.0.1:8080",
    "http://127.8.9.10:80": "http://127.8.9.10:80",
    "http://localhost:5000": "http://localhost:5000",
    "http://LOCALHOST": "http://LOCALHOST",
    "http://[::1]:5000": "http://[::1]:5000",
    "http://127.255.255.254": "http://127.255.255.254",
}
NOT_LOOPBACK = [
    "http://api.fieldnation.com",
    "http://192.168.0.1",
    "http://0.0.0.0",
    "http://[::]",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://notlocalhost",
    "http://api.localhost",
    "http://localhost.",
    "http://[::ffff:127.0.0.1]",
    "http://[::127.0.0.1]",
    "http://127.1",
    "http://2130706433",
    "http://0x7f000001",
    "http://[2001:db8::1]",
]
MORE_THAN_AN_ORIGIN = [
    "https://0\\",
    "http://127.0.0.1\\.elsewhere.example",
    "https://host/path",
    "https://host//",
    "https://host?x=1",
    "https://host/?x=1",
    "https://host/#x",
    "https://user@host",
    "https://user:word@host",
    "https://:word@host",
    "http://localhost@evil.example",
    "http://127.0.0.1:80@evil.example",
    "https://host\\@evil.example",
]
NOT_A_URL = [
    "",
    " ",
    "host.example",
    "//host.example",
    "ftp://host",
    "file:///etc/passwd",
    "javascript:x",
    "https://",
    "https:///path",
    "https://:443",
    "https://host:port",
    "https://host:99999",
    "https://host:0",
    "https://host:-1",
    "https://[::1",
    "https://[zz]",
    "https://ho st",
    "https://ho\x00st",
    "https://.example",
    "https://*.example",
    f"https://{'a' * 64}.example",
    "https://ho\u2100st",
]


@pytest.mark.parametrize(("url", "origin"), ORIGINS.items())
def test_https_to_any_host_and_http_to_loopback_hosts_are_allowed(url: str, origin: str) -> None:
    assert checked_origin(url) == origin
    assert make_transport(url).origin == origin


@pytest.mark.parametrize(
    ("url", "words"),
    [
        *((url, "must begin with https://") for url in NOT_LOOPBACK),
        *((url, "more than an origin") for url in MORE_THAN_AN_ORIGIN),
        *((url, "is not a URL") for url in NOT_A_URL),
    ],
)
def test_any_other_origin_is_an_error_that_does_not_repeat_it(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"^Setting api_url .*{words}") as caught:
        checked_origin(url)
    assert str(caught.value).endswith(".")
    if len(url) > 8:
        assert url not in str(caught.value)
    with pytest.raises(SettingsError):
        make_transport(url)


@given(st.text() | st.text().map("https://{}".format) | st.text().map("http://{}".format))
def test_any_text_is_an_origin_or_an_error(url: str) -> None:
    try:
        origin = checked_origin(url)
    except SettingsError:
        return
    prepared = requests.Request("GET", f"{origin}/x").prepare()
    host = urlsplit(str(prepared.url))
    assert host.path == "/x"
    assert host.scheme == "https" or host.hostname in {"localhost", "127.0.0.1", "::1"}
