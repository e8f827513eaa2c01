"""Sends HTTP requests with `requests`; the only module that uses it.

The token is added to a copy of the prepared request just before it is sent, and exceptions of `requests` and `urllib3`
are replaced. So no request, response or exception that other code can see, log or report contains the token.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import quote, urlsplit

import requests
from requests.utils import select_proxy
from typing_extensions import override

from tap_fieldnation.api.body import ENCODINGS, decompressed
from tap_fieldnation.api.causes import EXCEPTIONS, Cause, Causes
from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.connections import Adapter, Exchange, exchanging
from tap_fieldnation.api.errors import ApiError, SettingsError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONNECT_TIMEOUT = 10.0  # seconds
# A response that arrives byte by byte never exceeds the read timeout, so all of it has a deadline: a multiple of it.
READ_TIMEOUTS_PER_RESPONSE = 5.0
PIECE = 65_536
JSON_TYPE = "application/json"

# Commas separate ids, columns and days in a parameter; encoded, each would take three characters of a long URL.
_UNENCODED = ","
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class TokenLocation(Enum):
    """Where a request carries the token (the setting ``access_token_location``)."""

    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True)
class Response:
    """A response: the status, the headers (names in lower case), and the complete body, decompressed.

    `repr` leaves out headers and body: a body can contain the token, and so can the target of a redirect.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class Session(requests.Session):
    """A `requests` session that follows no redirect, keeps no cookie and does not expose the token.

    Args:
        user_agent: Sent with each request.
        token_location: Where a request carries the token.
        max_connections: How many connections are kept open.
        timeout: Read timeout: seconds that the server may send nothing.
        host_is_set: Whether the user chose the host.
        clock: The time.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        token_location: TokenLocation,
        max_connections: int,
        timeout: float,
        host_is_set: bool,
        clock: Clock,
    ) -> None:
        super().__init__()
        self.token_location = token_location
        self._timeout, self._host_is_set, self._clock = timeout, host_is_set, clock
        self.headers["User-Agent"] = user_agent
        self.headers["Accept"] = JSON_TYPE
        self.headers["Accept-Encoding"] = ENCODINGS
        # Without an `auth`, `requests` sends the credentials that a ~/.netrc has for the host.
        self.auth = lambda request: request
        # The API is documented to need no cookies; a cookie could identify the client, or contain a secret.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, Adapter(pool_connections=2, pool_maxsize=max_connections))

    @override
    def send(self, request: requests.PreparedRequest, **kwargs: t.Any) -> requests.Response:
        """Send a request.

        Args:
            request: Without the token.
            kwargs: As for `requests`, and ``token``, which is added to a copy of the request, and ``on_send``, which
                is called just before the request is sent, once the connection is open.

        Raises:
            ApiError: There was no complete response. It has no URL, token or context.
        """
        token: str | None = kwargs.pop("token", None)
        kwargs |= {"allow_redirects": False, "stream": True}
        on_send: Callable[[], None] = kwargs.pop("on_send", _do_nothing)
        exchange = Exchange(self._clock, self._seconds_for_response(), on_send)
        cause: Cause | None = None
        try:
            with exchanging(exchange):
                response = super().send(self._with_token(request, token), **kwargs)
                exchange.begin_sending()  # for connections that are not ours, such as those through a SOCKS proxy
                response._content = _read(response)  # noqa: SLF001
        except EXCEPTIONS as error:
            causes = Causes(host_is_set=self._host_is_set, proxied=bool(kwargs.get("proxies")))
            cause = causes.too_slow() if exchange.too_slow else causes.find(error, sent=exchange.is_sent)
        if cause:
            # Raised outside the except block, where it would get the original exception as its context.
            raise ApiError(urlsplit(request.url or "").path, None, cause.reason, rule=cause.rule)
        response.request = request
        response.url = request.url or ""
        response.raw = None  # the body is read, and `raw` has the URL with the token
        return response

    def _seconds_for_response(self) -> float:
        """The time for the whole response in seconds: less if the run's time limit is reached earlier."""
        return min(READ_TIMEOUTS_PER_RESPONSE * self._timeout, max(0.0, self._clock.time_left()) + self._timeout)

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, so that `requests` does not even prepare a request for the target of a redirect."""

    def _with_token(self, request: requests.PreparedRequest, token: str | None) -> requests.PreparedRequest:
        if token is None:
            return request
        sent = request.copy()
        if self.token_location is TokenLocation.HEADER:
            sent.headers["Authorization"] = f"Bearer {token}"
        else:
            separator = "&" if "?" in (sent.url or "") else "?"
            sent.url = f"{sent.url}{separator}access_token={quote(token, safe='')}"
        return sent


def _read(response: requests.Response) -> bytes:
    """The body of a response, decompressed. The connection is closed unless the whole body was read."""
    raw = response.raw
    if raw is None:
        return response.content
    encoding = raw.headers.get("Content-Encoding", "")
    pieces = iter(lambda: raw.read(PIECE, decode_content=False), b"")
    try:
        return b"".join(decompressed(pieces, encoding))
    finally:
        raw.close()


def _do_nothing() -> None:
    pass


class Transport:
    """HTTP to one origin.

    Args:
        origin: Scheme, host and port; see `checked_origin`.
        user_agent: Sent with each request.
        token_location: Where a request carries the token.
        timeout: Read timeout: seconds that the server may send nothing.
        max_connections: How many connections are kept open.
        host_is_set: Whether the user chose the host, which can then be the reason for a failure to connect.
        clock: The time; the machine's clock by default.
    """

    def __init__(
        self,
        origin: str,
        *,
        user_agent: str,
        token_location: TokenLocation,
        timeout: float,
        max_connections: int,
        host_is_set: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.origin = checked_origin(origin)
        self._timeout = (CONNECT_TIMEOUT, timeout)
        self.session = Session(
            user_agent=user_agent,
            token_location=token_location,
            max_connections=max_connections,
            timeout=timeout,
            host_is_set=host_is_set,
            clock=clock or Clock(),
        )

    def get(
        self, path: str, params: Mapping[str, object], token: str, on_send: Callable[[], None] = _do_nothing
    ) -> Response:
        """GET a path.

        Args:
            path: The path.
            params: The query; empty parameters are sent too, as some have a meaning for Field Nation.
            token: The access token.
            on_send: Called just before the request is sent, once the connection is open.

        Raises:
            ApiError: There is no complete response.
        """
        query = "&".join(f"{quote(name)}={quote(str(value), safe=_UNENCODED)}" for name, value in params.items())
        return self._send(requests.Request("GET", f"{self.origin}{path}{'?' if query else ''}{query}"), token, on_send)

    def post(self, path: str, body: Mapping[str, str], on_send: Callable[[], None] = _do_nothing) -> Response:
        """POST a JSON body, without a token; the rest is as for `get`."""
        return self._send(requests.Request("POST", f"{self.origin}{path}", json=dict(body)), None, on_send)

    def _send(self, request: requests.Request, token: str | None, on_send: Callable[[], None]) -> Response:
        prepared = self.session.prepare_request(request)
        settings = self.session.merge_environment_settings(prepared.url, {}, None, None, None)
        if self.origin.startswith("http:"):
            settings["proxies"] = {}  # unencrypted requests do not leave this machine
        check_proxy(select_proxy(prepared.url or "", settings["proxies"]))
        response = self.session.send(prepared, timeout=self._timeout, token=token, on_send=on_send, **settings)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, headers, response.content)


def checked_origin(url: str) -> str:
    """The origin of a URL to which it is safe to send a token.

    Raises:
        SettingsError: It is not https (http is allowed for loopback hosts only), or more than an origin.
    """
    host = port = None
    try:
        parts = urlsplit(url)
        requests.Request("GET", url).prepare()
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except (ValueError, requests.RequestException):
        host = None
    if not host or port == 0 or parts.scheme not in {"http", "https"}:
        raise SettingsError("Setting api_url is not a URL: set an origin such as https://api.fieldnation.com.")
    # Some URL parsers take a backslash as the end of the host, others do not.
    has_more = parts.query or parts.fragment or parts.username or parts.password or "\\" in url
    if parts.path not in {"", "/"} or has_more:
        raise SettingsError("Setting api_url contains more than an origin: remove path, query and credentials.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise SettingsError(
            "Setting api_url must begin with https://, as credentials are sent there "
            "(http:// is allowed for loopback hosts only, such as 127.0.0.1)."
        )
    return f"{parts.scheme}://{parts.netloc}"


def check_proxy(url: str | None) -> None:
    """Check the URL of a proxy, if there is one, which `requests` takes from the environment.

    Raises:
        SettingsError: It is not a URL.
    """
    try:
        parts = urlsplit(url if url is None or "://" in url else f"http://{url}")
        is_valid = url is None or (parts.hostname and parts.port != 0)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise SettingsError("The environment variable HTTPS_PROXY (or ALL_PROXY) is not a URL: http://host:port.")


def _is_loopback(host: str) -> bool:
    """Whether every resolver takes a host for this machine; some ask DNS for `anything.localhost`."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in _LOOPBACK or address == ipaddress.IPv6Address("::1")
