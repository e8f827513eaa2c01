"""Connections that enforce a deadline for each whole response, and report the moment at which a request is sent.

A socket timeout restarts with each byte, so a response that arrives byte by byte, or an endless series of interim
responses (`100 Continue`), never exceeds it. `urllib3` chooses the connection within the call that sends a request, so
the data of the request is kept in a thread-local variable.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import logging
import threading
import typing as t
from http import HTTPStatus

from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import ProxyManager

if t.TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from tap_fieldnation.api.clock import Clock

BUFFER_SIZE = 65_536


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True


# It warns of headers that it cannot parse, with a traceback.
logging.getLogger("urllib3.connection").addFilter(_without_traceback)


class Exchange:
    """One request and its response.

    Args:
        clock: The time.
        seconds: Until the response has to be complete.
        on_send: Called just before the request is sent, when the connection is open.

    Attributes:
        is_sent: Whether the request is being sent, or was.
        too_slow: Whether the response missed the deadline.
    """

    def __init__(self, clock: Clock, seconds: float, on_send: Callable[[], None]) -> None:
        self._clock, self._deadline = clock, clock.monotonic() + seconds
        self._on_send = on_send
        self.is_sent = self.too_slow = False

    def begin_sending(self) -> None:
        """Report that the request is being sent, unless that was reported before."""
        if not self.is_sent:
            self.is_sent = True
            self._on_send()

    def time_left(self) -> float:
        """Seconds until the response has to be complete.

        Raises:
            TimeoutError: No time is left.
        """
        seconds = self._deadline - self._clock.monotonic()
        if seconds <= 0:
            self.too_slow = True
            raise TimeoutError
        return seconds


class _Current(threading.local):
    exchange: Exchange | None = None


_current = _Current()


class _Reader(io.RawIOBase):
    """Reads from a socket until the deadline of the exchange."""

    def __init__(self, source: socket.socket, exchange: Exchange) -> None:
        self._socket, self._exchange = source, exchange
        self._timeout = source.gettimeout()
        # It keeps the socket open until it is closed itself, even if the connection is closed before.
        self._raw = t.cast("io.RawIOBase", source.makefile("rb", buffering=0))

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: t.Any) -> int | None:
        left = self._exchange.time_left()
        self._socket.settimeout(left if self._timeout is None else min(left, self._timeout))
        try:
            return t.cast("int | None", self._raw.readinto(buffer))
        except TimeoutError:
            self._exchange.time_left()
            raise

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Source:
    """The part of a socket's interface that `HTTPResponse` uses."""

    def __init__(self, source: socket.socket, exchange: Exchange) -> None:
        self._reader = _Reader(source, exchange)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002  (always "rb")
        return io.BufferedReader(self._reader, BUFFER_SIZE)


class _Response(http.client.HTTPResponse):
    """A response, without the interim ones before it: `http.client` skips only `100 Continue`."""

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        source = sock if _current.exchange is None else t.cast("socket.socket", _Source(sock, _current.exchange))
        super().__init__(source, *args, **kwargs)

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= HTTPStatus.OK or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Reporting:
    """Reports when a request is sent; for a connection of `urllib3`."""

    response_class = _Response

    sock: t.Any
    connect: Callable[[], None]

    def request(self, *args: t.Any, **kwargs: t.Any) -> None:
        if self.sock is None:
            self.connect()
        if _current.exchange is not None:
            _current.exchange.begin_sending()
        super().request(*args, **kwargs)  # type: ignore[misc]


class _Connection(_Reporting, HTTPConnection):  # type: ignore[misc]
    pass


class _TLSConnection(_Reporting, HTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


POOLS = {"http": _Pool, "https": _TLSPool}


class Adapter(HTTPAdapter):
    """An adapter of `requests` that uses these connections, through an HTTP proxy too."""

    @override
    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    @override
    def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if isinstance(manager, ProxyManager) and not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
        return manager


@contextlib.contextmanager
def exchanging(exchange: Exchange) -> Iterator[None]:
    """Make the request of this thread in the `with` block, and its response, part of this exchange."""
    _current.exchange = exchange
    try:
        yield
    finally:
        _current.exchange = None
