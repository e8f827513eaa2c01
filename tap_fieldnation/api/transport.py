"""The one place that touches `requests`: sends a request, with the token added at the last moment.

The token never enters a request, response or exception that anything else could see, log or report: it is put into a
copy of the prepared request here, and whatever `requests` and `urllib3` raise is caught here and raised anew.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field
from enum import Enum
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.errors import Action, ApiError, Rule, SettingsError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONNECT_TIMEOUT = 10.0
# An answer that comes drop by drop is never silent for long: all of it has to be there in so many times that silence.
PATIENCE = 5.0
JSON_TYPE = "application/json"

# Commas part the ids, columns and days of a parameter; encoded they would take three characters each of a long URL.
_UNENCODED = ","


_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class TooSlowError(requests.exceptions.RequestException):
    """The answer trickles in, and would go on to."""


_REASONS: t.Mapping[type[Exception], str] = {
    TooSlowError: "the answer came too slowly",
    requests.exceptions.ProxyError: "the proxy could not be used",
    requests.exceptions.SSLError: "the server's certificate was not accepted",
    requests.exceptions.ConnectTimeout: "the connection timed out",
    requests.exceptions.ReadTimeout: "the answer timed out",
    requests.exceptions.ChunkedEncodingError: "the answer was cut short",
    requests.exceptions.ContentDecodingError: "the answer could not be decompressed",
    requests.exceptions.ConnectionError: "the connection could not be made or was cut",
    requests.exceptions.RequestException: "the request could not be sent",
}


_CERTIFICATES = Rule(Action.FAIL, "check what REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE name")


class TokenLocation(Enum):
    """Where the token travels (the setting ``access_token_location``)."""

    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True)
class Response:
    """What came back: the status, the headers (names in lower case), and the whole body, decompressed.

    Neither headers nor body are shown: a body can hold the token, and the target of a redirect too.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class _Body:
    """The body of an answer, read as it comes in, as far as it does so in time.

    Reading by blocks, as `requests` does by itself, would wait for a block to be full, however slowly it fills.
    """

    def __init__(self, raw: t.Any, clock: Clock, until: float) -> None:
        self._raw, self._clock, self._until = raw, clock, until

    def stream(self, amount: int, *, decode_content: bool) -> Iterator[bytes]:
        read = getattr(self._raw, "read1", self._raw.read)  # an urllib3 of old has blocks only
        while piece := read(amount, decode_content=decode_content):
            yield piece
            if self._clock.monotonic() > self._until:
                self._raw.close()
                raise TooSlowError


class Session(requests.Session):
    """A `requests` session that follows no redirect, keeps no cookie and lets no token out.

    Args:
        user_agent: Sent with each request.
        place: Where the token travels.
        connections: How many are kept open.
        longest: Seconds that an answer may take in all.
        clock: What time it is.
    """

    def __init__(
        self, *, user_agent: str, place: TokenLocation, connections: int, longest: float, clock: Clock
    ) -> None:
        super().__init__()
        self.place = place
        self._longest, self._clock = longest, clock
        self.headers["User-Agent"] = user_agent
        self.headers["Accept"] = JSON_TYPE
        # Otherwise `requests` sends what a ~/.netrc says of the host.
        self.auth = lambda request: request
        # A cookie would be sent with all that follows; a server that knows its client by one is not what is documented.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=connections))

    @override
    def send(self, request: requests.PreparedRequest, **kwargs: t.Any) -> requests.Response:
        """Send; an extra keyword ``token`` goes into a copy of the request.

        Raises:
            ApiError: Where no whole answer came; free of URL, token and context.
        """
        token: str | None = kwargs.pop("token", None)
        kwargs |= {"allow_redirects": False, "stream": True}
        failure, rule = "", None
        until = self._clock.monotonic() + self._longest
        try:
            response = super().send(self._with_token(request, token), **kwargs)
            response.raw = _Body(response.raw, self._clock, until)
            response.content  # noqa: B018  (reads it)
        except requests.RequestException as error:
            failure = next(text for kind, text in _REASONS.items() if isinstance(error, kind))
        except OSError:
            failure, rule = "the certificates to trust could not be read", _CERTIFICATES
        if failure:
            # Raised outside of the except block: within, the original would travel along as its context.
            raise ApiError(urlsplit(request.url or "").path, None, failure, rule=rule)
        response.request = request
        response.url = request.url or ""
        response.raw = None  # its body is read, and it knows the URL
        return response

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: a redirect is an answer like any other, and no request for its target is as much as prepared."""

    def _with_token(self, request: requests.PreparedRequest, token: str | None) -> requests.PreparedRequest:
        if token is None:
            return request
        sent = request.copy()
        if self.place is TokenLocation.HEADER:
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
        place: Where the token travels.
        timeout: Seconds that the server may stay silent.
        connections: How many are kept open.
        clock: What time it is; the machine's where none is given.
    """

    def __init__(
        self,
        origin: str,
        *,
        user_agent: str,
        place: TokenLocation,
        timeout: float,
        connections: int,
        clock: Clock | None = None,
    ) -> None:
        self.origin = checked_origin(origin)
        self._timeout = (CONNECT_TIMEOUT, timeout)
        self.session = Session(
            user_agent=user_agent,
            place=place,
            connections=connections,
            longest=PATIENCE * timeout,
            clock=clock or Clock(),
        )

    def get(self, path: str, params: Mapping[str, object], token: str) -> Response:
        """GET a path with parameters; empty ones are sent too, as Field Nation gives a meaning to some."""
        query = "&".join(f"{quote(name)}={quote(str(value), safe=_UNENCODED)}" for name, value in params.items())
        return self._send(requests.Request("GET", f"{self.origin}{path}{'?' if query else ''}{query}"), token)

    def post(self, path: str, body: Mapping[str, str]) -> Response:
        """POST a JSON body, without a token."""
        return self._send(requests.Request("POST", f"{self.origin}{path}", json=dict(body)), None)

    def _send(self, request: requests.Request, token: str | None) -> Response:
        prepared = self.session.prepare_request(request)
        settings = self.session.merge_environment_settings(prepared.url, {}, None, None, None)
        if self.origin.startswith("http:"):
            settings["proxies"] = {}  # what is sent in clear does not leave this machine
        response = self.session.send(prepared, timeout=self._timeout, token=token, **settings)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, headers, response.content)


def checked_origin(url: str) -> str:
    """The origin of a URL, fit for sending a token to.

    Raises:
        SettingsError: Where it is not https (plain http is for loopback hosts alone), or more than an origin.
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
        raise SettingsError("Setting api_url is not a URL: give an origin such as https://api.fieldnation.com.")
    # A backslash ends the host for some who read URLs, and not for others.
    more = parts.query or parts.fragment or parts.username or parts.password or "\\" in url
    if parts.path not in {"", "/"} or more:
        raise SettingsError("Setting api_url holds more than an origin: leave out path, query and credentials.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise SettingsError(
            "Setting api_url must begin with https://, as the token and the secret are sent there "
            "(http:// is for loopback hosts such as 127.0.0.1 alone)."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine whoever resolves it; `anything.localhost` need not be, as some ask their DNS."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in _LOOPBACK or address == ipaddress.IPv6Address("::1")
