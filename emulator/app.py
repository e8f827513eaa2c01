"""From a request to an answer: hooks, faults, token, budget, endpoint, log; in that order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from .budget import Budget
from .endpoints import register
from .errors import error
from .failing import FAULTS, Failing
from .faults import FaultPlan
from .listing import lists_reply, page_reply
from .log import Entry, RequestLog
from .messages import API, LOGIN, Reply, Request
from .query import Matches, Memory, ParameterError, read
from .router import Router
from .tokens import Tokens
from .work_order.content import Content

if TYPE_CHECKING:
    from email.message import Message

    from emulator.json import Json

    from .clock import Clock
    from .company.company import Company
    from .serving import Wire
    from .switches import Switches

Hook = Callable[[Request], None]


class App:
    """The API of one company, without its socket."""

    def __init__(self, company: Company, seed: int, switches: Switches, clock: Clock) -> None:
        self.company = company
        self.clock = clock
        self.log = RequestLog()
        self.tokens = Tokens(seed, clock)
        self.budget = Budget(clock)
        self.memory = Memory()
        self.matches = Matches(company)
        self.faults = FaultPlan()
        self.hooks: list[Hook] = []
        self._switches = switches
        company.late_ids, company.late_seconds = switches.late_ids, switches.late_seconds
        self._content = Content(company, switches.embedded_cut)
        self._lock = threading.Lock()
        self._count = 0
        self.router = Router()
        self.router.add("/workorders", self._work_orders)
        self.router.add("/workorders/lists", lambda *_: lists_reply(company))
        register(self)

    @property
    def switches(self) -> Switches:
        """How the emulator behaves at present."""
        return self._switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        if switches.embedded_cut != self._switches.embedded_cut:
            self._content = Content(self.company, switches.embedded_cut)
        self.company.late_ids, self.company.late_seconds = switches.late_ids, switches.late_seconds
        self._switches = switches

    def get(self, path: str, **params: str) -> Json:
        """What `GET path` would send, decoded: without token, budget, faults and log. KeyError for an error."""
        found = self.router.find(path)
        if found is None:
            raise KeyError(path)
        request = Request("GET", path, path, params, {})
        reply = found[0](request, "truth", **found[1])
        if reply.status != HTTPStatus.OK:
            raise KeyError(path)
        return msgspec.json.decode(reply.body)

    def warm(self, columns: tuple[str, ...]) -> None:
        """Encode these sections of every visible work order."""
        with self.company.lock:
            for place in self.company.visible():
                self._content.item(place, columns)

    def rows(self, path: str, **params: str) -> list[Json]:
        """All rows of a list, however it is paged."""
        if "?" in path:
            raise ValueError("give parameters by name")
        answer = self.get(path, **params)
        if isinstance(answer, list):
            return answer
        rows = list(answer["data"] if "data" in answer else answer["results"])
        while answer.get("pagination", {}).get("has_next_page"):
            answer = self.get(path, **{**params, "after": answer["pagination"]["next_cursor"]})
            rows += answer["data"]
        for page in range(2, answer.get("metadata", {}).get("pages", 1) + 1):
            rows += self.get(path, **{**params, "page": str(page)})["results"]
        return rows

    def answer(self, method: str, target: str, headers: Message, body: bytes, wire: Wire) -> None:
        """Answer one request of the API on its connection."""
        url = urlsplit(target)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        inside = url.path.startswith(API + "/")
        with self._lock:
            self._count += 1
            number = self._count
        path = url.path[len(API) :] if inside else url.path
        request = Request(method, target, path, params, dict(headers.items()), body, number=number)
        entry = self._note(request)
        switches = self._switches
        if inside:
            self.company.tick()
            for hook in list(self.hooks):
                with self.company.lock:
                    hook(request)
        if switches.latency and wire.wait(switches.latency):
            return

        def right(asked: Request) -> Reply:
            return self._reply(asked, switches, inside=inside)

        rule = self.faults.pick(request)

        def note(reply: Reply | None) -> None:
            if reply is not None:
                entry.status, entry.results = reply.status, reply.results
                entry.page, entry.per_page = reply.page, reply.per_page
            if rule is not None and entry.fault is None:
                entry.fault = rule.do
                self.faults.note_served(rule)

        wire.note, wire.now = note, self.clock.wall
        if rule is None:
            wire.send(right(request), compress=switches.gzip)
        else:
            FAULTS[rule.do](Failing(request, wire, self.clock, right, rule.options))
        entry.finished = self.clock.monotonic()

    def _note(self, request: Request) -> Entry:
        entry = self.log.open(self.clock.monotonic(), self.clock.wall(), request.method, request.path)
        entry.params = {name: "***" if name == "access_token" else text for name, text in request.params.items()}
        token = "access_token" in request.params or "Authorization" in request.headers
        entry.sent_token = token
        entry.sent_secret = any(word in request.body for word in (b"client_secret", b"password"))
        entry.agent = request.headers.get("User-Agent", "")
        entry.host = request.headers.get("Host", "")
        return entry

    def _reply(self, request: Request, switches: Switches, *, inside: bool) -> Reply:
        if len(request.target) > switches.max_url:
            return error(414, "The URL is too long.", "problem")
        if not inside and request.path != LOGIN:
            return error(404, "There is nothing here.", "status_code")
        refusal, headers = self.budget.spend(switches.rate_limit, switches.limit_headers)
        if refusal is None:
            reply = self._api(request, switches) if inside else self.tokens.answer(request, switches)
        else:
            reply = refusal
        reply.headers.update(headers)
        return reply

    def _api(self, request: Request, switches: Switches) -> Reply:
        user = self.tokens.check(request, switches)
        if isinstance(user, Reply):
            return user
        if request.method != "GET":
            return error(405, "This emulator is read-only.", "error", Allow="GET")
        refusals = (
            (403, "This account may not do that.", switches.forbidden),
            (404, "Not found.", switches.missing),
        )
        for status, text, paths in refusals:
            if any(request.path.startswith(prefix) for prefix in paths.split(",") if prefix):
                return error(status, text, "problem")
        found = self.router.find(request.path)
        if found is None:
            return error(404, f"No such resource: {request.path}", "error")
        handler, values = found
        try:
            return handler(request, user, **values)
        except ParameterError as wrong:
            name, text = wrong.args
            return error(400, f"{name} {text}", "problem", parameter=name)

    def _work_orders(self, request: Request, user: str) -> Reply:
        with self.company.lock:
            name = request.params.get("stickyName", "")
            memory = self.memory.of(user, name, self._switches.remembered_list)
            query = read(request.params, memory, self._switches)
            return page_reply(self.matches, self._content, query, request, self._switches)
