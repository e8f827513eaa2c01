"""The token reaches the server, and nothing else: no request object, no response, no exception, no other host."""

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
import types
import zlib
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_fieldnation.api import redact
from tap_fieldnation.api.errors import Action, ApiError, SettingsError
from tap_fieldnation.api.transport import TokenLocation, Transport, checked_origin
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_fieldnation.api.clock import Clock

# With every character that means something in a URL.
TOKEN = "canary4711+/=&?#%20 ~x"
both_places = pytest.mark.parametrize("place", TokenLocation)


class Server(http.server.ThreadingHTTPServer):
    """Answers each path by what `answers` has for it, and remembers what it received."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
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
        status, headers, answer = self.server.answers.get(urlsplit(self.path).path, (200, {}, b'{"a": 1}'))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
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
    made = make_transport(server.url)
    yield made
    made.session.close()


def make_transport(
    origin: str, place: TokenLocation = TokenLocation.QUERY, timeout: float = 5.0, clock: Clock | None = None
) -> Transport:
    return Transport(origin, user_agent="tap-test/1", place=place, timeout=timeout, connections=2, clock=clock)


def everything_in(thing: object) -> Iterator[object]:
    """A thing and all that can be reached from it, but for code and for what all things share."""
    seen: set[int] = set()
    coming = [thing]
    while coming:
        one = coming.pop()
        if id(one) in seen or isinstance(one, (type, types.ModuleType, types.FunctionType, types.CodeType)):
            continue
        seen.add(id(one))
        yield one
        # the values of `vars`, not the dictionary: since Python 3.13 `get_referents` of that can be empty
        coming += list(vars(one).values()) if hasattr(one, "__dict__") else gc.get_referents(one)


def holds_token(thing: object) -> bool:
    """Whether any text that can be reached from a thing has the token in it."""
    return any("canary4711" in str(one) for one in everything_in(thing) if isinstance(one, (str, bytes, bytearray)))


def test_the_search_of_these_tests_finds_what_requests_keeps(server: Server) -> None:
    with requests.Session() as session:
        response = session.get(f"{server.url}/x?access_token={quote(TOKEN, safe='')}")
        assert holds_token(response)
        response.request, response.url = requests.PreparedRequest(), ""
        assert holds_token(response)  # it is in `raw` too


@both_places
def test_the_token_is_placed_only_in_what_the_server_receives(server: Server, place: TokenLocation) -> None:
    transport = make_transport(server.url, place)
    with transport.session as session:
        prepared = session.prepare_request(requests.Request("GET", f"{server.url}/x?page=1"))
        response = session.send(prepared, token=TOKEN)
        [(_, path, headers, _)] = server.received
        if place is TokenLocation.QUERY:
            assert dict(parse_qsl(urlsplit(path).query)) == {"page": "1", "access_token": TOKEN}
            assert "Authorization" not in headers
        else:
            assert path == "/x?page=1"
            assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert response.json() == {"a": 1}
        assert response.url == prepared.url == f"{server.url}/x?page=1"
        assert response.request is prepared
        for thing in (response, prepared, session.headers, session.params, session.cookies, session.auth):
            assert not holds_token(thing)


@both_places
@pytest.mark.parametrize("parameters", [{}, {"page": 1}])
def test_it_can_be_the_only_parameter(server: Server, place: TokenLocation, parameters: dict[str, object]) -> None:
    transport = make_transport(server.url, place)
    answer = transport.get("/x", parameters, TOKEN)
    transport.session.close()
    assert (answer.status, answer.body) == (200, b'{"a": 1}')
    assert not holds_token(answer)
    query = dict(parse_qsl(urlsplit(server.received[0][1]).query))
    assert query.pop("access_token", None) == (TOKEN if place is TokenLocation.QUERY else None)
    assert query == {name: str(value) for name, value in parameters.items()}


def test_the_tokens_post_carries_no_token_and_its_body_as_json(server: Server, transport: Transport) -> None:
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
def test_blank_parameters_are_sent_and_commas_stay_as_they_are(
    server: Server, transport: Transport, parameters: dict[str, object], query: str
) -> None:
    transport.get("/x", parameters, "t")
    sent = urlsplit(server.received[0][1]).query
    assert sent == f"{query}&access_token=t".removeprefix("&")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_any_parameter_arrives_as_it_was_given(parameters: dict[str, str]) -> None:
    adapter = Recorder()
    transport = make_transport("https://host.example")
    transport.session.mount("https://", adapter)
    transport.get("/x", parameters, TOKEN)
    query = urlsplit(adapter.url).query
    assert dict(parse_qsl(query, keep_blank_values=True)) == {**parameters, "access_token": TOKEN}


def test_says_who_it_is_and_what_it_takes(server: Server, transport: Transport) -> None:
    transport.get("/x", {}, "t")
    _, _, headers, _ = server.received[0]
    assert headers["User-Agent"] == "tap-test/1"
    assert headers["Accept"] == "application/json"
    assert "gzip" in headers["Accept-Encoding"]


def test_headers_of_an_answer_are_found_in_lower_case(server: Server, transport: Transport) -> None:
    server.answers["/x"] = (429, {"Retry-After": "7", "X-RateLimit-Limit": "60"}, b"{}")
    answer = transport.get("/x", {}, "t")
    assert answer.status == 429
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-limit"]) == ("7", "60")


def test_no_cookie_is_kept(server: Server, transport: Transport) -> None:
    for path in ("/x", "/y"):
        server.answers[path] = (200, {"Set-Cookie": "session=kept; Path=/; Max-Age=600"}, b"{}")
        transport.get(path, {}, TOKEN)
    transport.post("/x", {})
    assert ["Cookie" in headers for _, _, headers, _ in server.received] == [False] * 3
    assert list(transport.session.cookies) == []


@both_places
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_is_followed_and_its_target_gets_nothing(
    server: Server, place: TokenLocation, status: int, method: str
) -> None:
    with Server() as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        for target in (f"{other.url}/y", "/y", f"//127.0.0.1:{other.server_port}/y"):
            server.answers["/x"] = (status, {"Location": target}, b"")
            transport = make_transport(server.url, place)
            if method == "GET":
                answer = transport.get("/x", {}, TOKEN)
            else:
                answer = transport.post("/x", {"client_secret": TOKEN})
            transport.session.close()
            assert answer.status == status
            assert answer.headers["location"] == target
        other.shutdown()
    assert other.received == []
    assert [path.partition("?")[0] for _, path, _, _ in server.received] == ["/x"] * 3


@both_places
@pytest.mark.parametrize("location", ["/y", "http://[", "http://", "https://host:99999999/", "\x00", "x" * 9000])
def test_wherever_a_redirect_points_it_is_an_answer_like_any_other(
    server: Server, place: TokenLocation, location: str
) -> None:
    server.answers["/x"] = (302, {"Location": location}, b"")
    with make_transport(server.url, place).session as session:
        response = session.send(session.prepare_request(requests.Request("GET", f"{server.url}/x")), token=TOKEN)
    assert response.status_code == 302
    assert response.next is None
    assert not holds_token(response)


# What a server does with the connection once it has the request.
Fault = "Callable[[socket.socket], None]"


def _says(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def _resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _says_and_resets(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
    _resets(connection)


def _stays_silent(connection: socket.socket) -> None:
    connection.recv(1)


def _stops_within_the_body(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
    connection.recv(1)


FAULTS: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "closes": (lambda _: None, "cut"),
    "resets": (_resets, "cut"),
    "resets within the body": (_says_and_resets, "cut"),
    "cuts the body": (_says(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"'), "cut short"),
    "cuts a chunk": (_says(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"a"'), "cut short"),
    "says what is no chunk": (_says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "cut short"),
    "calls something gzip": (
        _says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nnope"),
        "decompressed",
    ),
    "says what is no HTTP": (_says(b"220 mail.example ESMTP\r\n\r\n"), "cut"),
    "says a status that is none": (_says(b"HTTP/1.1 abc OK\r\n\r\n"), "cut"),
    "sends a hundred and more headers": (_says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"), "cut"),
    "stays silent": (_stays_silent, "timed out"),
    "stops within the body": (_stops_within_the_body, "cut"),
}


@pytest.fixture
def faulty() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts a server that does something odd with the first request, and says its URL."""
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
    """It can be shown with everything that hangs on it, but for the frames of the code itself."""
    assert error.__context__ is None
    assert error.__cause__ is None
    assert "canary4711" not in "".join(traceback.format_exception(error)) + repr(error)
    assert not any("canary4711" in str(one) for one in everything_in([error.args, vars(error)]))


@both_places
@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
def test_whatever_goes_wrong_is_worth_a_retry_and_tells_nothing_secret(
    faulty: Callable[[Callable[[socket.socket], None]], str],
    place: TokenLocation,
    fault: Callable[[socket.socket], None],
    words: str,
) -> None:
    transport = make_transport(faulty(fault), place, timeout=0.2)
    with transport.session, pytest.raises(ApiError, match=f"^/x could not be read .*{words}") as caught:
        transport.get("/x", {"page": 1}, TOKEN)
    assert caught.value.rule.action is Action.RETRY
    assert caught.value.status is None
    assert_clean(caught.value)


class Hurrying(FakeClock):
    """A second passes whenever somebody looks."""

    @override
    def monotonic(self) -> float:
        self.advance(1)
        return super().monotonic()


def _drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.01)


def test_an_answer_that_trickles_in_is_not_awaited_for_ever(
    faulty: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    transport = make_transport(faulty(_drips), timeout=0.2, clock=Hurrying())
    with (
        transport.session,
        pytest.raises(ApiError, match="came too slowly") as caught,
    ):
        transport.get("/x", {}, TOKEN)
    assert caught.value.rule.action is Action.RETRY
    assert_clean(caught.value)


CODINGS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_arrives_whole_however_it_is_sent_and_the_connection_is_used_again(
    server: Server, transport: Transport, coding: str
) -> None:
    body = json.dumps({"a": "ü" * 300_000}).encode()
    packed = CODINGS[coding](body)
    server.answers["/x"] = (200, {"Content-Encoding": coding} if coding else {}, packed)
    for _ in range(3):
        assert transport.get("/x", {}, "t").body == body
    assert len(server.connections) == 1


@both_places
def test_a_refused_connection_tells_nothing_secret(place: TokenLocation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    transport = make_transport(f"http://127.0.0.1:{port}", place)
    with transport.session, pytest.raises(ApiError, match=r"^/x could not be read .*connection") as caught:
        transport.get("/x", {}, TOKEN)
    assert_clean(caught.value)


@both_places
def test_an_exception_of_requests_does_not_travel_along(place: TokenLocation) -> None:
    class Refusing(HTTPAdapter):
        @override
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            raise requests.ConnectionError(f"{request.url} {request.headers}", request=request)

    transport = make_transport("https://host.example", place)
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
def test_every_exception_of_requests_has_its_words(kind: type[requests.RequestException]) -> None:
    class Raising(HTTPAdapter):
        @override
        def send(self, *_: Any, **__: Any) -> requests.Response:
            raise kind(TOKEN)

    transport = make_transport("https://host.example")
    transport.session.mount("https://", Raising())
    with pytest.raises(ApiError, match=r"^/x could not be read \([a-z']") as caught:
        transport.get("/x", {}, TOKEN)
    assert_clean(caught.value)


def test_certificates_that_cannot_be_read_end_the_run_with_a_word_on_where_to_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    transport = make_transport("https://localhost:9")
    with transport.session, pytest.raises(ApiError, match="check what REQUESTS_CA_BUNDLE") as caught:
        transport.get("/x", {}, TOKEN)
    assert caught.value.rule.action is Action.FAIL
    assert_clean(caught.value)


class Recorder(HTTPAdapter):
    """Keeps what it is to send and how, and answers by itself."""

    asked: ClassVar[dict[str, Any]]

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **kwargs: Any) -> requests.Response:
        self.url, self.headers, self.how = str(request.url), request.headers, kwargs
        response = requests.Response()
        response.status_code = 200
        response._content = b"{}"
        response.request = request
        return response


def sent_by(origin: str, place: TokenLocation = TokenLocation.QUERY) -> Recorder:
    recorder = Recorder()
    transport = make_transport(origin, place)
    for scheme in ("https://", "http://"):
        transport.session.mount(scheme, recorder)
    transport.get("/x", {}, "t")
    return recorder


def test_certificates_are_checked() -> None:
    assert sent_by("https://host.example").how["verify"] is True


def test_a_bundle_of_certificates_of_ones_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", __file__)
    assert sent_by("https://host.example").how["verify"] == __file__


def test_connecting_and_reading_have_their_time() -> None:
    assert sent_by("https://host.example").how["timeout"] == (10.0, 5.0)


def test_proxies_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert sent_by("https://host.example").how["proxies"]["https"] == "http://proxy.example:3128"


def test_no_proxy_is_used_where_it_is_not_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", ".example")
    assert not sent_by("https://host.example").how["proxies"]


def test_what_goes_to_a_loopback_host_in_clear_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    assert not sent_by("http://127.0.0.1:9").how["proxies"]


@both_places
def test_what_a_netrc_says_of_the_host_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: TokenLocation
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sent = sent_by("https://host.example", place).headers.get("Authorization")
    assert sent == ("Bearer t" if place is TokenLocation.HEADER else None)


@pytest.mark.usefixtures("server")
def test_urls_in_the_logs_of_urllib3_hold_no_token(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
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
NO_URL = [
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
def test_https_anywhere_and_http_on_this_machine_will_do(url: str, origin: str) -> None:
    assert checked_origin(url) == origin
    assert make_transport(url).origin == origin


@pytest.mark.parametrize(
    ("url", "words"),
    [
        *((url, "must begin with https://") for url in NOT_LOOPBACK),
        *((url, "more than an origin") for url in MORE_THAN_AN_ORIGIN),
        *((url, "is not a URL") for url in NO_URL),
    ],
)
def test_any_other_origin_is_refused_in_a_sentence_without_it(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"^Setting api_url .*{words}") as caught:
        checked_origin(url)
    assert str(caught.value).endswith(".")
    if len(url) > 8:
        assert url not in str(caught.value)
    with pytest.raises(SettingsError):
        make_transport(url)


@given(st.text() | st.text().map("https://{}".format) | st.text().map("http://{}".format))
def test_any_text_is_an_origin_or_refused(url: str) -> None:
    try:
        origin = checked_origin(url)
    except SettingsError:
        return
    prepared = requests.Request("GET", f"{origin}/x").prepare()
    host = urlsplit(str(prepared.url))
    assert host.path == "/x"
    assert host.scheme == "https" or host.hostname in {"localhost", "127.0.0.1", "::1"}
