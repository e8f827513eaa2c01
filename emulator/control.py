"""Control the emulator from another process, under `/_emulator/…` on the same port: without token, not logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from emulator.json import Json

from .app import App
from .company.changes import apply_change
from .company.simulation import advance
from .http import json_response

if TYPE_CHECKING:
    from .http import Response

PREFIX = "/_emulator/"


def handle(app: App, method: str, target: str, body: bytes) -> Response:
    """The response to one control request."""
    url = urlsplit(target)
    name = url.path[len(PREFIX) :].strip("/")
    params = dict(parse_qsl(url.query, keep_blank_values=True))
    action = _ACTIONS.get((method, name))
    if action is None:
        known = sorted(f"{verb} {PREFIX}{known}" for verb, known in _ACTIONS)
        return json_response({"error": f"no such control endpoint: {method} {name}", "known": known}, 404)
    try:
        return json_response(action(app, params, msgspec.json.decode(body) if body else {}))
    except (KeyError, TypeError, ValueError) as invalid:
        return json_response({"error": f"{type(invalid).__name__}: {invalid}"}, 400)


def _truth(app: App, params: dict[str, str], _: Json) -> Json:
    return app.company.work_order(int(params["id"])) if "id" in params else app.company.visible_ids()


def _rows(app: App, params: dict[str, str], _: Json) -> Json:
    filters = dict(params)
    return app.rows(filters.pop("path"), **filters)


def _switches(app: App, _: dict[str, str], body: Json) -> Json:
    app.switches = app.switches.changed(**body)
    return msgspec.to_builtins(app.switches)


def _advance(app: App, _: dict[str, str], body: Json) -> Json:
    return [asdict(change) for change in advance(app.company, int(body.get("days", 1)))]


def _change(app: App, _: dict[str, str], body: Json) -> Json:
    change = apply_change(app.company, body["kind"], body.get("id"))
    return asdict(change) if change else None


def _plan(app: App, _: dict[str, str], body: Json) -> None:
    app.plan(**body)


_Action = Callable[[App, "dict[str, str]", Json], Json]
_ACTIONS: dict[tuple[str, str], _Action] = {
    ("GET", "log"): lambda app, *_: [entry.to_dict() for entry in app.log],
    ("POST", "reset-log"): lambda app, *_: app.log.clear(),
    ("GET", "truth"): _truth,
    ("GET", "rows"): _rows,
    ("GET", "tokens"): lambda app, *_: app.tokens.issued,
    ("POST", "expire-tokens"): lambda app, *_: app.tokens.revoke_all(),
    ("GET", "switches"): lambda app, *_: msgspec.to_builtins(app.switches),
    ("POST", "switches"): _switches,
    ("POST", "faults"): lambda app, _, body: app.faults.set(body),
    ("GET", "unserved-faults"): lambda app, *_: app.faults.unserved(),
    ("GET", "changes"): lambda app, *_: [asdict(change) for change in app.company.changes],
    ("POST", "change"): _change,
    ("POST", "advance"): _advance,
    ("POST", "plan"): _plan,
    ("POST", "stop-changes"): lambda app, *_: app.hooks.clear(),
    ("POST", "warm"): lambda app, _, body: app.warm(**body),
}
