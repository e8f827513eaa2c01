"""An HTTP/1.1 server with keep-alive on a loopback port, one thread per connection.

It builds on the standard library instead of a framework because fault injection needs the socket (resets, truncated
bodies, slow responses). Nagle's algorithm is off, so no response waits for an ACK.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from emulator.json import Json

    from .http import Response

MAX_BODY = 2**20
#: Responds to a request: method, target, headers, body, connection.
Handler = Callable[[str, str, Message, bytes, "Connection"], None]


def check_host(host: str) -> str:
    """The address to bind. ValueError unless it is a loopback address."""
    if host not in ("127.0.0.1", "localhost"):
        raise ValueError("the emulator listens on the loopback interface only")
    return "127.0.0.1"


class Connection:
    """A connection with one request, and the operations that a response or a fault needs."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self.server = handler.server
        self.stopping = handler.server.stopping
        #: Called just before the response is sent; with None if there is no response.
        self.before_send: Callable[[Response | None], None] = lambda _: None
        self.now: Callable[[], float] = time.time  # for the header `Date`

    def head(self, response: Response, length: int | None) -> bytes:
        """Status line and headers, without Content-Length if `length` is None."""
        self.before_send(response)
        try:
            phrase = HTTPStatus(response.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {response.status} {phrase}", f"Date: {formatdate(self.now(), usegmt=True)}"]
        if response.content_type:
            lines.append(f"Content-Type: {response.content_type}")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, response: Response, *, compress: bool = False) -> None:
        """Send a complete response."""
        body = response.body
        if compress and "gzip" in self._handler.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            response.headers["Content-Encoding"] = "gzip"
        if not self.server.listening:  # a server that shuts down keeps no connection alive
            response.headers["Connection"] = "close"
            self.close()
        self.send_bytes(self.head(response, len(body)) + (b"" if self._handler.command == "HEAD" else body))

    def send_bytes(self, data: bytes) -> None:
        """Send raw bytes."""
        self._handler.connection.sendall(data)

    def close(self) -> None:
        """Close the connection after this response."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Reset the connection (TCP RST)."""
        self.before_send(None)
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._handler.rfile.close()
            self._handler.server.unregister(self._handler.connection)
            self._handler.connection.close()

    def wait(self, seconds: float) -> bool:
        """Sleep; True if the server was stopped meanwhile."""
        return self.stopping.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdecimal() else 0
        body = self.rfile.read(min(size, MAX_BODY))
        if size > MAX_BODY:
            self.close_connection = True
        try:
            with self.server.busy(self.connection):
                self.server.handle(self.command, self.path, self.headers, body, Connection(self))
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    @override
    def log_message(self, format: str, *args: Json) -> None:
        """Write nothing to stderr: `emulator.log` has the requests."""

    @override
    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.serve)


class Server(ThreadingHTTPServer):
    """The listening socket and its connections; it can close its port and reopen the same one."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, handle: Handler) -> None:
        self.handle = handle
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        self._listening = threading.Event()
        self.accepted = 0  # connections so far
        self._lock = threading.Lock()
        super().__init__((check_host(host), port), _Handler, bind_and_activate=False)
        self.server_bind()
        self._listen()

    @override
    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of the base class."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    @override
    def process_request(self, request: Json, client_address: Json) -> None:
        """Register the connection, then serve it in a thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Json) -> None:
        """Unregister a closed connection."""
        self.unregister(request)
        super().shutdown_request(request)

    def unregister(self, connection: socket.socket) -> None:
        """Unregister a connection that is closed elsewhere."""
        with self._lock:
            self._open.discard(connection)

    @override
    def handle_error(self, request: Json, client_address: Json) -> None:
        """Ignore disconnected clients; print any other error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError)):
            super().handle_error(request, client_address)

    @property
    def listening(self) -> bool:
        """Whether connections are accepted."""
        return self._listening.is_set()

    @override
    def serve_forever(self, poll_interval: float = 0.1) -> None:
        """Accept connections until `stop`, except between `close_port` and `open_port`."""
        while not self.stopping.is_set():
            if not self._listening.wait(poll_interval):
                continue
            try:
                connection, address = self.socket.accept()
            except OSError:  # timeout, or the port was closed meanwhile
                continue
            self.accepted += 1
            self.process_request(connection, address)

    def close_port(self) -> None:
        """Refuse new connections and close idle ones."""
        with self._lock:
            if not self._listening.is_set():
                return
            self._listening.clear()
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            idle = self._open - self._busy
        _shut_down(idle)

    def open_port(self) -> None:
        """Listen on the same port as before."""
        with self._lock:
            if self._listening.is_set() or self.stopping.is_set():
                return
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self._listen()

    def _listen(self) -> None:
        self.server_activate()
        self.socket.settimeout(0.1)
        self._listening.set()

    @contextlib.contextmanager
    def busy(self, connection: socket.socket) -> Iterator[None]:
        """Mark a connection as busy while its request is handled."""
        with self._lock:
            self._busy.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(connection)
                closing = not self._listening.is_set()
            if closing:
                _shut_down({connection})

    def stop(self) -> None:
        """Stop serving; close the port and all connections."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes `serve_forever`
        self.server_close()
        with self._lock:
            connections = set(self._open)
        _shut_down(connections)


def _shut_down(connections: set[socket.socket]) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
