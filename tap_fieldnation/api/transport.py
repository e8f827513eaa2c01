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
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.errors import Action, ApiError, Rule, SettingsError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONNECT_TIMEOUT = 10.0  # seconds
# A response that arrives byte by byte never exceeds the read timeout: all of it has to arrive within so many of them.
READ_TIMEOUTS_PER_RESPONSE = 5.0
JSON_TYPE = "application/json"

# Commas separate ids, columns and days in a parameter; encoded, each would take three characters of a long URL.
_UNENCODED = ","
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class SlowResponseError(requests.exceptions.RequestException):
    """The response arrives too slowly to be complete in time."""


_REASONS: t.Mapping[type[Exception], str] = {
    SlowResponseError: "the response was too slow",
    requests.exceptions.ProxyError: "the connection to the proxy failed",
    requests.exceptions.SSLError: "the server's certificate could not be verified",
    requests.exceptions.ConnectTimeout: "the connection timed out",
    requests.exceptions.ReadTimeout: "the response timed out",
    requests.exceptions.ChunkedEncodingError: "the response was cut short",
    requests.exceptions.ContentDecodingError: "the response could not be decompressed",
    requests.exceptions.ConnectionError: "the connection failed or was closed",
    requests.exceptions.RequestException: "the request could not be sent",
}
_CA_BUNDLE = Rule(Action.FAIL, "check the path in REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE")


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


class _RawBody:
    """The raw body of a response, for `requests` to read in the pieces in which it arrives, until a deadline.

    `requests` by itself reads in blocks, and would wait until a block is full, however slowly that happens.
    """

    def __init__(self, raw: t.Any, clock: Clock, deadline: float) -> None:
        self._raw, self._clock, self._deadline = raw, clock, deadline

    def stream(self, amount: int, *, decode_content: bool) -> Iterator[bytes]:
        read = getattr(self._raw, "read1", self._raw.read)  # old versions of urllib3 have no read1
        while piece := read(amount, decode_content=decode_content):
            yield piece
            if self._clock.monotonic() > self._deadline:
                self._raw.close()
                raise SlowResponseError


class Session(requests.Session):
    """A `requests` session that follows no redirect, keeps no cookie and does not expose the token.

    Args:
        user_agent: Sent with each request.
        token_location: Where a request carries the token.
        max_connections: How many connections are kept open.
        total_timeout: Seconds until a response has to be complete.
        clock: The time.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        token_location: TokenLocation,
        max_connections: int,
        total_timeout: float,
        clock: Clock,
    ) -> None:
        super().__init__()
        self.token_location = token_location
        self._total_timeout, self._clock = total_timeout, clock
        self.headers["User-Agent"] = user_agent
        self.headers["Accept"] = JSON_TYPE
        # Without an `auth`, `requests` sends the credentials that a ~/.netrc has for the host.
        self.auth = lambda request: request
        # The API is documented to need no cookies; a cookie could identify the client, or contain a secret.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=max_connections))

    @override
    def send(self, request: requests.PreparedRequest, **kwargs: t.Any) -> requests.Response:
        """Send a request; the token, an additional argument ``token``, is added to a copy of it.

        Raises:
            ApiError: There was no complete response. It has no URL, token or context.
        """
        token: str | None = kwargs.pop("token", None)
        kwargs |= {"allow_redirects": False, "stream": True}
        failure, rule = "", None
        deadline = self._clock.monotonic() + self._total_timeout
        try:
            response = super().send(self._with_token(request, token), **kwargs)
            response.raw = _RawBody(response.raw, self._clock, deadline)
            response.content  # noqa: B018  (reads the body)
        except requests.RequestException as error:
            failure = next(text for kind, text in _REASONS.items() if isinstance(error, kind))
        except OSError:
            failure, rule = "the CA certificates could not be read", _CA_BUNDLE
        if failure:
            # Raised outside the except block, where it would get the original exception as its context.
            raise ApiError(urlsplit(request.url or "").path, None, failure, rule=rule)
        response.request = request
        response.url = request.url or ""
        response.raw = None  # the body is read, and `raw` has the URL with the token
        return response

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


class Transport:
    """HTTP to one origin.

    Args:
        origin: Scheme, host and port; see `checked_origin`.
        user_agent: Sent with each request.
        token_location: Where a request carries the token.
        timeout: Read timeout: seconds that the server may send nothing.
        max_connections: How many connections are kept open.
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
        clock: Clock | None = None,
    ) -> None:
        self.origin = checked_origin(origin)
        self._timeout = (CONNECT_TIMEOUT, timeout)
        self.session = Session(
            user_agent=user_agent,
            token_location=token_location,
            max_connections=max_connections,
            total_timeout=READ_TIMEOUTS_PER_RESPONSE * timeout,
            clock=clock or Clock(),
        )

    def get(self, path: str, params: Mapping[str, object], token: str) -> Response:
        """GET a path with parameters; empty ones are sent too, as some have a meaning for Field Nation."""
        query = "&".join(f"{quote(name)}={quote(str(value), safe=_UNENCODED)}" for name, value in params.items())
        return self._send(requests.Request("GET", f"{self.origin}{path}{'?' if query else ''}{query}"), token)

    def post(self, path: str, body: Mapping[str, str]) -> Response:
        """POST a JSON body, without a token."""
        return self._send(requests.Request("POST", f"{self.origin}{path}", json=dict(body)), None)

    def _send(self, request: requests.Request, token: str | None) -> Response:
        prepared = self.session.prepare_request(request)
        settings = self.session.merge_environment_settings(prepared.url, {}, None, None, None)
        if self.origin.startswith("http:"):
            settings["proxies"] = {}  # unencrypted requests do not leave this machine
        response = self.session.send(prepared, timeout=self._timeout, token=token, **settings)
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


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine for every resolver; some ask DNS for `anything.localhost`."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in _LOOPBACK or address == ipaddress.IPv6Address("::1")
