"""The lists within pay: bonuses, penalties, expenses, discounts, increases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import HOUR
from emulator.company.directory import EXPENSE_CATEGORIES, Charge
from emulator.company.state import APPROVED, ASSIGNED
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts, number

if TYPE_CHECKING:
    from emulator.json import Json


def _amount(charge: Charge, labor: float) -> float:
    value = float(charge.modifier)
    return round(labor * value / 100, 2) if charge.kind == "Percent" else value


def _charge(charge: Charge, labor: float, *, charged: bool, selected: bool) -> dict[str, Json]:
    return {
        "id": charge.id,
        "charged": charged,
        "calculation": charge.kind.lower(),
        "modifier": number(float(charge.modifier)),
        "name": charge.name,
        "description": charge.description,
        "amount": number(_amount(charge, labor)),
        "actions": ["edit"],
        "selected": selected,
        "queued": selected and not charged,
        "hours24_applicable": False,
    }


def _sums(rows: list[dict[str, Json]]) -> dict[str, float | int]:
    charged = round(sum(row["amount"] for row in rows if row["charged"]), 2)
    total = round(sum(row["amount"] for row in rows), 2)
    return {"all": number(total), "charged": number(charged), "uncharged": number(round(total - charged, 2))}


def bonuses(f: Facts, labor: float) -> dict[str, Json]:
    """Bonuses, charged or not; ids are those of the definitions."""
    rng = f.rng("bonuses")
    rows = [
        _charge(charge, labor, charged=f.done and rng.chance(50), selected=True)
        for charge in rng.sample(f.directory.bonuses, (0, 0, 0, 1, 2)[rng.below(5)])
    ]
    return f.listing(rows, sum=_sums(rows), actions=["add"])


def penalties(f: Facts, labor: float) -> dict[str, Json]:
    """Penalties, charged or not."""
    rng = f.rng("penalties")
    rows = []
    for charge in rng.sample(f.directory.penalties, (0, 0, 0, 0, 1, 2)[rng.below(6)]):
        charged = f.done and rng.chance(15)
        rows.append(
            {
                **_charge(charge, labor, charged=charged, selected=rng.chance(70)),
                "status_reason": "Arrived 40 minutes late" if charged else "",
                "updated_by": f.manager.name if charged else "",
                "updated_at": f.date(f.steps[4] + HOUR if charged else 0),
            }
        )
    return f.listing(rows, sum=_sums(rows), actions=["add"])


def expenses(f: Facts) -> dict[str, Json]:
    """Expenses of the provider; `approved` is only set for approved ones."""
    rng = f.rng("expenses")
    count = (0, 0, 0, 1, 1, 2)[rng.below(6)] if f.steps[ASSIGNED] else 0
    rows = [_expense(f, index) for index in range(count + f.edits.expenses)]
    by_status = {
        status: [row for row in rows if row["status"] == status] for status in ("pending", "approved", "denied")
    }
    approved = round(sum(row["amount"] for row in by_status["approved"]), 2)
    total = round(sum(row["amount"] for row in rows), 2)
    sums = {
        "all": number(total),
        "charged": number(approved),
        "uncharged": number(round(total - approved, 2)),
        "pending": len(by_status["pending"]),
        "approved": len(by_status["approved"]),
        "approved_amount": number(approved),
        "denied": len(by_status["denied"]),
    }
    return f.listing(rows, sum=sums, actions=["add"])


def _expense(f: Facts, index: int) -> dict[str, Json]:
    rng = f.rng(f"expense/{index}")
    expense_id = f.base + 30 + index
    settled = bool(f.steps[APPROVED])
    status = ("denied" if rng.chance(15) else "approved") if settled else "pending"
    uid, category, company_expense, label, _, kind, _ = rng.pick(EXPENSE_CATEGORIES)
    amount = rng.cents(4, 180)
    return {
        "company_id": f.directory.company_id,
        "id": expense_id,
        "status": status,
        "description": f"{label} · {rng.pick(NOTES)}"[:60],
        "status_description": "No receipt" if status == "denied" else "",
        "reason": "Within the limit" if status == "approved" else "",
        "amount": number(amount),
        "quantity": rng.between(1, 3),
        "is_predefined": kind == "system",
        "author": {**f.tech.brief(), "is_provider": 1},
        "category": {
            "id": category,
            "label": label,
            "type": kind,
            "uid": uid,
            "company_expense_id": company_expense,
            "amount": number(amount),
        },
        "added": f.date(f.state.service + 3 * HOUR),
        "approved": f.date(f.steps[APPROVED] if status == "approved" else 0),
        "receipt": {
            "id": expense_id + 100,
            "name": "reçu.jpg",
            "type": "image/jpeg",
            "size": 48_213,
            "link": f"https://files.fieldnation.example/r/{expense_id}.jpg?Signature=zz",
            "thumbnail": f"https://files.fieldnation.example/r/{expense_id}_t.jpg",
            "slot_id": f.base + 43,
            "icon": "icon-jpg",
        }
        if rng.chance(60)
        else EMPTY_OBJECT,
        "actions": [] if settled else ["edit", "delete"],
    }


def discounts(f: Facts, labor: float) -> dict[str, Json]:
    """Discounts of the provider."""
    rng = f.rng("discounts")
    rows: list[dict[str, Json]] = []
    if f.done and rng.chance(12):
        rows.append(
            {
                "id": f.base + 15,
                "amount": number(round(labor * 0.05, 2)),
                "name": "Goodwill",
                "charged": bool(f.steps[APPROVED]),
                "calculation": "fixed",
                "description": rng.pick(NOTES),
                "modifier": 5,
                "queued": not f.steps[APPROVED],
                "hours24_applicable": False,
                "actions": ["delete"],
            }
        )
    return f.listing(rows, sum={"all": number(round(sum(row["amount"] for row in rows), 2))}, actions=["add"])


def increases(f: Facts) -> dict[str, Json]:
    """Requests for more pay."""
    rng = f.rng("increases")
    rows = []
    if f.state.started and rng.chance(18):
        status = rng.pick(("accepted", "pending", "denied"))
        amount = rng.cents(10, 90)
        rows.append(
            {
                "id": f.base + 17,
                "description": rng.pick(NOTES),
                "status": status,
                "status_description": "Agreed by phone" if status == "accepted" else "",
                "pay": {
                    "type": "fixed",
                    "base": {"units": 1, "amount": number(amount)},
                    "additional": {"units": 0, "amount": 0},
                    "sum": number(amount),
                },
                "created": f.date(f.state.service + 2 * HOUR),
                "author": f.tech.brief(),
                "actions": ["accept", "deny"] if status == "pending" else [],
            }
        )
    total = round(sum(row["pay"]["sum"] for row in rows if row["status"] == "accepted"), 2)
    return f.listing(rows, sum={"all": number(total)}, actions=["add"], minimum=5)
