"""Problems reported by the provider or the buyer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.dates import HOUR, local, utc_text
from emulator.company.directory import PROBLEM_TYPES
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts

if TYPE_CHECKING:
    from emulator.json import Json


_NO_SHOW, _PAYMENT, _OTHER = 2, 4, 5


def _kind(ident: int, name: str) -> dict[str, Json]:
    return {
        "id": ident,
        "name": name,
        "performance_event": ident == 1,
        "show_pqap_warning": ident == _NO_SHOW,
        "reportable": True,
        "message": f"{name}: tell us more",
        "support_ticket": ident == _PAYMENT,
        "send_to_buyer": True,
        "send_to_provider": False,
        "send_to_support": ident == _PAYMENT,
        "send_to_accounting": ident == _PAYMENT,
        "has_other": ident == _OTHER,
    }


_TYPES = msgspec.Raw(
    msgspec.json.encode(
        [
            {
                **_kind(ident, name),
                "children": [
                    {**_kind(ident * 10 + at, child), "available_for_private_networks": 1}
                    for at, child in enumerate(children)
                ],
            }
            for ident, name, children in PROBLEM_TYPES[2:4]
        ]
    )
)


def problems(f: Facts) -> Json:
    """Open and resolved problems; `active` repeats the open one."""
    rng = f.rng("problems")
    rows = []
    if f.state.started and rng.chance(15):
        rows.append(_problem(f, 0, resolved=True))
    if f.state.has_problem:
        rows.append(_problem(f, 1, resolved=False))
    active = next((row for row in rows if row["resolution"]["status"] == "open"), EMPTY_OBJECT)
    resolved = sum(row["resolution"]["status"] == "resolved" for row in rows)
    return f.listing(
        rows,
        sum={"active": len(rows) - resolved, "resolved": resolved},
        correlation_id=f.digest("problems"),
        actions=["add"],
        types=_TYPES if f.id % 16 == 0 else EMPTY_OBJECT,
        active=active,
    )


def _problem(f: Facts, number: int, *, resolved: bool) -> dict[str, Json]:
    rng = f.rng(f"problem/{number}")
    ident, name, _ = rng.pick(PROBLEM_TYPES)
    at = max(f.steps[0], min(f.state.service, f.state.last_step)) + 1_800
    resolved_at = at + rng.between(1, 30) * HOUR
    reopened = not resolved and rng.chance(35)
    when: Json = {"date": "", "time": "", "utc": ""}
    if resolved or reopened:
        when = {**local(resolved_at, f.offset), "utc": utc_text(resolved_at)}
    return {
        "id": f.base + 60 + number,
        "zendesk_ticket_id": 810_000 + f.id % 9_000 if ident == _PAYMENT else 0,
        "type": {"id": ident, "name": name, "other": "Dog in the server room" if ident == _OTHER else ""},
        "comments": rng.pick(NOTES),
        "use_provider": rng.chance(20),
        "only_company_can_mark_resolved": rng.chance(20),
        "resolution": {
            "status": "resolved" if resolved else "open",
            "at": when,
            "by": f.manager.brief() if resolved or reopened else {"id": 0, "first_name": "", "last_name": ""},
            "allowed_resolvers": ["buyer", "provider"],
        },
        "author": f.tech.brief(),
        "created": f.date(at),
        "message": {"id": f.base + 5},
        "escalate": rng.chance(10),
        "contact": "support" if ident == _PAYMENT else "buyer",
        "watchers": [f.manager.id],
        "actions": [] if resolved else ["resolve"],
    }
