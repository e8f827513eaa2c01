"""The emulator as tests and the command line use it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from typing_extensions import Self

from . import control
from .app import App, Hook
from .clock import Clock, SystemClock
from .company.company import Company
from .company.moves import Move, perform
from .company.story import Plan, advance
from .serving import Server, Wire, check_host
from .switches import Switches
from .work_order.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from email.message import Message
    from types import TracebackType

    from emulator.json import Json

    from .log import RequestLog
    from .messages import Request


class Emulator:
    """Field Nation on a loopback port, in a thread of this process; a context manager.

    `switches` are those of `emulator.switches.Switches`, by name.
    """

    def __init__(
        self,
        work_orders: int = 2_500,
        seed: int = 1,
        today: date | None = None,
        days: int = 365,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        **switches: Json,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.company = Company(work_orders, seed, today, days, self.clock)
        self.app = App(self.company, seed, Switches().changed(**switches), self.clock)
        self._where = check_host(host), port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        known = self.app.tokens.credentials
        self.client_id = known.client_id
        self.client_secret = known.client_secret
        self.username = known.username
        self.password = known.password

    # Life

    @property
    def server(self) -> Server:
        """The socket side; RuntimeError while it is not started."""
        if self._server is None:
            raise RuntimeError("the emulator is not started")
        return self._server

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self.server.server_port

    @property
    def url(self) -> str:
        """The origin, without a path: what a client takes for `https://api.fieldnation.com`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Bind the port and serve in a thread."""
        host, port = self._where
        self._server = Server(host, port, self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, name="emulator", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop, and close port and connections."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join(5)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answer(self, method: str, target: str, headers: Message, body: bytes, wire: Wire) -> None:
        if target.startswith(control.PREFIX):
            wire.send(control.answer(self, method, target, body))
        else:
            self.app.answer(method, target, headers, body, wire)

    # What it saw and what it gave out

    @property
    def log(self) -> RequestLog:
        """Every request and what became of it."""
        return self.app.log

    def reset_log(self) -> None:
        """Forget what was asked so far."""
        self.app.log.clear()

    @property
    def issued_tokens(self) -> list[str]:
        """Every token given out so far, to search output for."""
        return list(self.app.tokens.issued)

    @property
    def secrets(self) -> list[str]:
        """What must never be seen anywhere: client secret, password, tokens."""
        return [self.client_secret, self.password, *self.issued_tokens]

    def expire_tokens(self) -> None:
        """Let every token end now."""
        self.app.tokens.revoke_all()

    # How it behaves

    @property
    def switches(self) -> Switches:
        """The switches as they stand."""
        return self.app.switches

    def switch(self, **switches: Json) -> None:
        """Set switches while it runs."""
        self.app.switches = self.app.switches.changed(**switches)

    # How it fails

    def faults(self, rules: Iterable[Mapping[str, Json]]) -> None:
        """Replace the plan of faults; `emulator.faults` says how a rule is written."""
        self.app.faults.set(rules)

    def unserved_faults(self) -> list[str]:
        """Faults that are planned and were not served (often enough) yet."""
        return self.app.faults.unserved()

    def refuse(self) -> None:
        """Close the port: connections are refused until `accept`."""
        self.server.close_port()

    def accept(self) -> None:
        """Open the port again, the same as before."""
        self.server.open_port()

    # The truth, besides `company`

    def get(self, path: str, **params: str) -> Json:
        """What the API would answer to `GET path` (below /api/rest/v2), decoded, with nothing in its way."""
        return self.app.get(path, **params)

    def rows(self, path: str, **params: str) -> list[Json]:
        """All rows of a list behind `path`, however it is paged; not for /workorders, which has `company`."""
        return self.app.rows(path, **params)

    def warm(self, columns: str = "") -> None:
        """Encode these sections (all when empty) of every work order, as far as they are kept: before a measurement."""
        self.app.warm(tuple(columns.split(",")) if columns else tuple(SECTIONS))

    # How the company moves

    def move(self, kind: str, work_order_id: int | None = None) -> Move | None:
        """One move, see `company.moves`; None where the work order does not allow it."""
        return perform(self.company, kind, work_order_id)

    def advance(self, days: int = 1) -> list[Move]:
        """Let days pass for the company; its calendar then runs ahead of the clock."""
        return advance(self.company, days)

    def plan(
        self,
        seed: int,
        *,
        every: int = 1,
        moves: int = 1,
        weights: Mapping[str, int] | None = None,
        path: str = "/workorders",
    ) -> Plan:
        """From now on make `moves` random moves before every `every`-th request of a path that begins with `path`."""
        plan = Plan(self.company, seed, weights)
        seen = 0

        def hook(request: Request) -> None:
            nonlocal seen
            if request.path.startswith(path):
                seen += 1
                if seen % every == 0:
                    plan.make(moves)

        self.before_request(hook)
        return plan

    def stop_moving(self) -> None:
        """Forget all plans and hooks."""
        self.app.hooks.clear()

    def before_request(self, hook: Hook) -> None:
        """Call `hook(request)` before each request of the API, the company locked: a place for moves."""
        self.app.hooks.append(hook)
