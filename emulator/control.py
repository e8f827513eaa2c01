"""Control from another process: `/_emulator/…` on the same port. Needs no token, and is not in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from emulator.json import Json

from .messages import Reply, json_reply

if TYPE_CHECKING:
    from .emulator import Emulator

PREFIX = "/_emulator/"


def answer(emulator: Emulator, method: str, target: str, body: bytes) -> Reply:
    """Answer one request of the control path."""
    url = urlsplit(target)
    action = url.path[len(PREFIX) :].strip("/")
    params = dict(parse_qsl(url.query, keep_blank_values=True))
    handler = _ACTIONS.get((method, action))
    if handler is None:
        known = sorted(f"{verb} {PREFIX}{name}" for verb, name in _ACTIONS)
        return json_reply({"error": f"no such control: {method} {action}", "known": known}, 404)
    try:
        value: Json = msgspec.json.decode(body) if body else {}
        return json_reply(handler(emulator, params, value))
    except (KeyError, TypeError, ValueError) as wrong:
        return json_reply({"error": f"{type(wrong).__name__}: {wrong}"}, 400)


def _truth(emulator: Emulator, params: dict[str, str], _: Json) -> Json:
    return emulator.company.work_order(int(params["id"])) if "id" in params else emulator.company.visible_ids()


def _switches(emulator: Emulator, _: dict[str, str], body: Json) -> Json:
    emulator.switch(**body)
    return msgspec.to_builtins(emulator.switches)


def _rows(emulator: Emulator, params: dict[str, str], _: Json) -> Json:
    given = dict(params)
    return emulator.rows(given.pop("path"), **given)


def _advance(emulator: Emulator, _: dict[str, str], body: Json) -> Json:
    return [asdict(move) for move in emulator.advance(int(body.get("days", 1)))]


def _move(emulator: Emulator, _: dict[str, str], body: Json) -> Json:
    move = emulator.move(body["kind"], body.get("id"))
    return asdict(move) if move else None


def _plan(emulator: Emulator, _: dict[str, str], body: Json) -> Json:
    emulator.plan(**body)


_Action = Callable[["Emulator", dict[str, str], Json], Json]
_ACTIONS: dict[tuple[str, str], _Action] = {
    ("GET", "log"): lambda emulator, *_: [entry.to_dict() for entry in emulator.log],
    ("POST", "reset-log"): lambda emulator, *_: emulator.reset_log(),
    ("GET", "truth"): _truth,
    ("GET", "moves"): lambda emulator, *_: [asdict(move) for move in emulator.company.moves],
    ("POST", "faults"): lambda emulator, _, body: emulator.faults(body),
    ("GET", "unserved-faults"): lambda emulator, *_: emulator.unserved_faults(),
    ("POST", "expire-tokens"): lambda emulator, *_: emulator.expire_tokens(),
    ("GET", "rows"): _rows,
    ("POST", "warm"): lambda emulator, *_: emulator.warm(),
    ("POST", "advance"): _advance,
    ("POST", "move"): _move,
    ("POST", "plan"): _plan,
    ("POST", "stop-moving"): lambda emulator, *_: emulator.stop_moving(),
    ("GET", "tokens"): lambda emulator, *_: emulator.issued_tokens,
    ("GET", "switches"): lambda emulator, *_: msgspec.to_builtins(emulator.switches),
    ("POST", "switches"): _switches,
}
