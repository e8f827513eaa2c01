"""Why a request got no response: what an exception of `requests` means, whether to retry, and what the user can do.

A failure that will not go away by itself, such as an untrusted certificate, is not retried.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
import typing as t

import requests
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from tap_fieldnation.api.body import MAX_BODY, BodyTooLargeError, EncodingError
from tap_fieldnation.api.errors import Action, Rule

if t.TYPE_CHECKING:
    from collections.abc import Iterator

TOO_SLOW = "the response was too slow"
# Raised within a request; those of `requests` are all OSErrors.
EXCEPTIONS = (OSError, HTTPError, ValueError, BodyTooLargeError, EncodingError)

_CA_UNREADABLE = "the CA certificates could not be read"
_CA_FILE = Rule(Action.FAIL, "check the path in REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, and that the file is a PEM file")
_TRUST = (
    "set the environment variable REQUESTS_CA_BUNDLE to a PEM file with {}, if you trust it "
    "(a proxy that inspects TLS has a certificate authority of its own)"
)
_AUTHORITY = Rule(Action.FAIL, _TRUST.format("the certificate of that authority"))
_ITSELF = Rule(Action.FAIL, _TRUST.format("that certificate"))
_VALIDITY = Rule(Action.FAIL, "check this machine's clock; if it is right, tell those who run the server or the proxy")

# By OpenSSL's verification error code.
_UNKNOWN_AUTHORITY = "the server's certificate is not from a known certificate authority"
_CERTIFICATES: t.Mapping[int, tuple[str, Rule | None]] = {
    2: (_UNKNOWN_AUTHORITY, _AUTHORITY),
    9: ("the server's certificate is not valid yet", _VALIDITY),
    10: ("the server's certificate has expired", _VALIDITY),
    18: ("the server's certificate is self-signed", _ITSELF),
    19: (_UNKNOWN_AUTHORITY, _AUTHORITY),
    20: (_UNKNOWN_AUTHORITY, _AUTHORITY),
    21: (_UNKNOWN_AUTHORITY, _AUTHORITY),
    62: ("the server's certificate is for another host", None),
    64: ("the server's certificate is for another host", None),
}
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_PERMANENT_TUNNEL = range(400, 500)

_OTHERS: t.Mapping[type[Exception], str] = {
    requests.exceptions.ProxyError: "the connection to the proxy failed",
    requests.exceptions.SSLError: "the TLS connection failed",
    requests.exceptions.ConnectTimeout: "the connection timed out",
    requests.exceptions.ReadTimeout: "the response timed out",
    requests.exceptions.ChunkedEncodingError: "the response was cut short",
    requests.exceptions.ContentDecodingError: "the response could not be decompressed",
    EncodingError: "the response could not be decompressed",
    # Those of `urllib3` occur while a body is read.
    ReadTimeoutError: "the response timed out",
    ProtocolError: "the response was cut short",
    requests.exceptions.ConnectionError: "the connection failed or was closed",
    HTTPError: "the connection failed or was closed",
    requests.exceptions.RequestException: "the request could not be sent",
}
_INVALID = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)


class Cause(t.NamedTuple):
    """Why there is no response, and the rule for it."""

    reason: str
    rule: Rule


class Causes:
    """The causes of failures at one origin.

    Args:
        host_is_set: Whether the user chose the host, by `api_url`.
        proxied: Whether the requests go through a proxy.
    """

    def __init__(self, *, host_is_set: bool, proxied: bool) -> None:
        self._things = ["the network", *(["HTTPS_PROXY"] if proxied else []), *(["api_url"] if host_is_set else [])]
        self._proxied = proxied

    def find(self, error: Exception, *, sent: bool) -> Cause:
        """The cause of an exception.

        Args:
            error: What was raised.
            sent: Whether the request was sent, so that the connection had been opened.
        """
        again = Action.RETRY if sent else Action.RECONNECT
        if isinstance(error, BodyTooLargeError):
            return Cause(f"the response has more than {MAX_BODY // 2**20} MB", Rule(Action.FAIL, "lower page_size"))
        chain = list(_chain(error))
        if not sent:
            for cause in chain:
                if found := self._connecting(cause):
                    return found
        if not sent and isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return Cause(_CA_UNREADABLE, _CA_FILE)
        text = next((text for kind, text in _OTHERS.items() if isinstance(error, kind)), None)
        if text is None or isinstance(error, _INVALID):
            return Cause("the request could not be sent", self._check(Action.FAIL))
        return Cause(text, self._check(again))

    def too_slow(self) -> Cause:
        """The response did not arrive in time."""
        return Cause(TOO_SLOW, self._check(Action.RETRY))

    def _connecting(self, error: BaseException) -> Cause | None:
        """The cause, if this exception of the operating system means that no connection could be opened."""
        if isinstance(error, ssl.SSLCertVerificationError):
            text, rule = _CERTIFICATES.get(
                error.verify_code, (f"the server's certificate could not be verified: {error.verify_message}", None)
            )
            return Cause(text, rule or self._check(Action.FAIL))
        if isinstance(error, ssl.SSLError):
            return self._tls(error)
        if isinstance(error, OSError) and (match := _TUNNEL.search(str(error))):
            action = Action.FAIL if int(match[1]) in _PERMANENT_TUNNEL else Action.RECONNECT
            return Cause(f"the proxy refused the connection with HTTP {match[1]}", Rule(action, "check HTTPS_PROXY"))
        text = self._network(error)
        return Cause(text, self._check(Action.RECONNECT)) if text else None

    def _network(self, error: BaseException) -> str:
        whose = "the proxy" if self._proxied else "the host"
        if isinstance(error, socket.gaierror):
            return f"the name of {whose} could not be resolved"
        if isinstance(error, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(error, OSError) and error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
            return f"there is no route to {whose}"
        return ""

    def _tls(self, error: ssl.SSLError) -> Cause | None:
        if isinstance(error, ssl.SSLEOFError) or error.reason == "UNEXPECTED_EOF_WHILE_READING":
            return None
        if error.library in {"X509", "PEM", "ASN1"} or error.reason == "NO_CERTIFICATE_OR_CRL_FOUND":
            return Cause(_CA_UNREADABLE, _CA_FILE)
        if error.reason in _NO_TLS:
            return Cause("the server does not use TLS", self._check(Action.FAIL))
        if error.reason:
            words = error.reason.replace("_", " ").lower()
            return Cause(f"the TLS handshake failed: {words}", self._check(Action.FAIL))
        return None

    def _check(self, action: Action) -> Rule:
        *most, last = self._things
        things = f"{', '.join(most)} and {last}" if most else last
        return Rule(action, f"check {things}, and run again (no data is lost)")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and its causes, the innermost last; `urllib3` keeps some of them in the exception's arguments."""
    seen: list[BaseException] = []
    pending: list[t.Any] = [error]
    while pending:
        current = pending.pop(0)
        if isinstance(current, BaseException) and not any(current is other for other in seen):
            seen.append(current)
            yield current
            pending += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
