"""Who asked for a work order (`/providers`, `/requests`), and who had to come again (`/site-revisits`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.directory import INCOMPLETE_REASONS
from emulator.company.words import REMARKS
from emulator.messages import json_reply
from emulator.work_order.facts import NOTHING, Facts
from emulator.work_order.sections.basics import title
from emulator.work_order.sections.pay import pay
from emulator.work_order.sections.standing import request_count, site_revisit
from emulator.work_order.sections.timing import schedule

from .children import facts_of
from .paging import bare, metadata_page, no_such

if TYPE_CHECKING:
    from emulator.app import App
    from emulator.company.people import Person
    from emulator.json import Json
    from emulator.messages import Reply, Request


def _askers(f: Facts) -> list[Person]:
    people = f.directory.providers
    first = f.dice("askers").below(len(people))
    return [people[(first + 7 * at) % len(people)] for at in range(request_count(f))]


def _common(f: Facts, at: int) -> dict[str, Json]:
    """What both endpoints say of a request; every third is a counter offer."""
    dice = f.dice(f"request/{at}")
    counter = at % 3 == 1
    made = f.steps[1] + (at + 1) * 1_100
    return {
        "id": f.base + at,
        "counter": counter,
        "counter_notes": dice.pick(REMARKS) if counter else "",
        "notes": dice.pick(REMARKS) if dice.chance(40) else "",
        "hour_estimate": dice.between(1, 16) / 2,
        "created": f.date(made),
        "expires": f.date(made + 2 * DAY if dice.chance(70) else 0),
        "active": not f.steps[3],
    }


def provider_rows(f: Facts) -> list[dict[str, Json]]:
    """`/providers`: providers with their request inside."""
    rows = []
    for at, person in enumerate(_askers(f)):
        common = _common(f, at)
        dice = f.dice(f"ask/{at}")
        start = f.state.service + dice.below(3) * DAY
        window = {"mode": "between", "start": f.date(start), "end": f.date(start + 4 * HOUR)}
        expense = {"id": f.base + 60 + at, "amount": dice.cents(5, 60), "reason": "Parking", "quantity": 1}
        rows.append(
            {
                **person.brief(),
                "request": {
                    **common,
                    "schedule": {"schedule": window, "hour_estimate": str(common["hour_estimate"])},
                    "work_order": {"id": f.id},
                    "user": person.brief(),
                    "pay": pay(f),
                    "expired": dice.chance(20),
                    "type": int(common["counter"]),
                    "arrival": f.date(start),
                    "expenses": {"results": [expense], "total": 1, "pending": 1} if common["counter"] else NOTHING,
                },
            }
        )
    return rows


def request_rows(f: Facts) -> list[dict[str, Json]]:
    """`/requests`: requests with their provider inside."""
    rows = []
    for at, person in enumerate(_askers(f)):
        common = _common(f, at)
        rows.append(
            {
                **common,
                "user": {"id": person.id, "name": person.name},
                "status": "counter_offer" if common["counter"] else "requested",
                "counter_offer": {"amount": 45.5} if common["counter"] else None,
                "pay": pay(f),
                "schedule": schedule(f),
                "expenses": [],
            }
        )
    return rows


def revisits(f: Facts) -> dict[str, Json]:
    """`/site-revisits`: each visit that had to be repeated, with its history."""
    current = site_revisit(f)
    person = f.manager.brief()
    zone = str(f.place.time_zone()["short"])
    rows = []
    for at in range(current["revisit_count"]):
        reason = INCOMPLETE_REASONS[(f.id + at) % len(INCOMPLETE_REASONS)]
        ident = f.base + at
        when = f.state.service + at * DAY + HOUR
        rows.append(
            {
                "revisit_id": ident,
                "reason": {"id": reason[0], "label": reason[1] if at % 2 == 0 else None},
                "is_billable": (True, False, None)[(f.id + at) % 3],
                "history": [
                    {
                        "label": label,
                        "author": person,
                        "created_at": {**f.date(when + step * HOUR), "time_zone": zone},
                        "revisit_id": ident,
                    }
                    for step, label in enumerate(("Requested", "Scheduled"))
                ],
            }
        )
    reason = INCOMPLETE_REASONS[f.id % len(INCOMPLETE_REASONS)]
    return {
        "revisits": rows,
        "job_status": {
            "status": current["job_status"],
            "reason": {"id": reason[0], "label": reason[1]} if rows else NOTHING,
            "history": [
                {
                    "label": "Set",
                    "author": person,
                    "created_at": {**f.date(f.state.last_step), "time_zone": zone},
                }
            ],
        },
        "incident_id": f"INC{f.id % 9_999_991:07d}" if f.id % 4 == 0 else "",
        "related_work_orders": [{"id": f.id, "title": title(f)}] if rows else [],
    }


def register(app: App) -> None:
    """Add the three endpoints."""
    company = app.company

    def facts(work_order_id: str) -> Facts | None:
        return facts_of(company, work_order_id)

    @app.router.get("/workorders/{work_order_id}/providers")
    def _providers(_: Request, __: str, work_order_id: str) -> Reply:
        with company.lock:
            f = facts(work_order_id)
            return bare(provider_rows(f)) if f else no_such("Work order")

    @app.router.get("/workorders/{work_order_id}/requests")
    def _requests(request: Request, _: str, work_order_id: str) -> Reply:
        with company.lock:
            f = facts(work_order_id)
            return metadata_page(request, request_rows(f), actions=[]) if f else no_such("Work order")

    @app.router.get("/workorders/{work_order_id}/site-revisits")
    def _revisits(_: Request, __: str, work_order_id: str) -> Reply:
        with company.lock:
            f = facts(work_order_id)
            return json_reply(revisits(f)) if f else no_such("Work order")
