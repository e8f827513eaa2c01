"""Pay, in US dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY
from emulator.company.state import APPROVED, CANCELED, PAID, Status
from emulator.work_order.facts import EMPTY_OBJECT, Facts, number

from .pay_parts import bonuses, discounts, expenses, increases, penalties

if TYPE_CHECKING:
    from emulator.json import Json

_KINDS = ("fixed",) * 9 + ("hourly",) * 6 + ("blended",) * 3 + ("device",) * 2


def rates(f: Facts) -> tuple[str, dict[str, Json], dict[str, Json], float]:
    """Type, base and additional pay, and the sum for labor."""
    rng = f.rng(f"rates/{f.edits.pay}")
    kind = "" if f.state.status == Status.DRAFT and rng.chance(10) else f.rng("pay/kind").pick(_KINDS)
    amount = rng.cents(60, 420) if kind == "fixed" else rng.cents(22, 95)
    units = {
        "fixed": 1,
        "hourly": rng.between(1, 8),
        "blended": rng.between(1, 4),
        "device": rng.between(1, 20),
        "": 0,
    }[kind]
    more = rng.between(1, 3) if kind == "blended" else 0
    rate = rng.cents(20, 60) if kind == "blended" else 0.0
    base = {"units": units, "amount": number(amount if kind else 0.0)}
    return (
        kind,
        base,
        {"units": more, "amount": number(rate)},
        round(units * amount * bool(kind) + more * rate, 2),
    )


def pay(f: Facts) -> Json:
    """The section; `total` is labor + bonuses + increases + expenses - penalties - discounts."""
    rng = f.rng("pay")
    kind, base, additional, labor = rates(f)
    parts = {
        "bonuses": bonuses(f, labor),
        "expenses": expenses(f),
        "penalties": penalties(f, labor),
        "discounts": discounts(f, labor),
        "increases": increases(f),
    }
    bonus, penalty = parts["bonuses"]["sum"]["charged"], parts["penalties"]["sum"]["charged"]
    total = labor + bonus + parts["expenses"]["sum"]["approved_amount"] + parts["increases"]["sum"]["all"]
    total = number(round(max(0.0, total - penalty - parts["discounts"]["sum"]["all"]), 2))
    settled, cancelled = bool(f.steps[APPROVED]), bool(f.steps[CANCELED])
    hours = float(base["units"]) if kind in ("hourly", "blended") else 0.0
    sent, paid = f.steps[APPROVED], f.steps[PAID]
    account = f.id % 3
    return {
        "work_order_id": f.id,
        "type": kind,
        "base": base,
        "additional": additional,
        "fees": _fees(f, float(total), settled=settled, cancelled=cancelled),
        "finance": {
            "id": 900 + account,
            "terms": ("Net 15", "Net 30", "Prepaid")[account],
            "description": ("Main account", "Rollouts", "Petty cash")[account],
            "limit": 250_000,
            "invoiced_account": account in (0, 1),
            "locked": False,
        },
        "hold": {"id": f.base + 20, "amount": number(round(labor * 0.1, 2)), "charged": settled}
        if f.id % 12 == 0
        else EMPTY_OBJECT,
        "hours": hours,
        "reported_hours": round(hours * 0.9, 2) if f.done else 0,
        "number_of_devices": base["units"] if kind == "device" else 0,
        "minimum_payment": 25,
        "range": {"min": number(labor), "max": number(round(labor * 1.25, 2))},
        "labor_sum": number(labor),
        "fees_cancellation_pending": cancelled and f.id % 2 == 0,
        "passive_cancellation_amount": 50 if cancelled else 0,
        "fee_cancellation_queued": "1" if cancelled and f.id % 2 else "0",
        "fee_cancellation_charged": "0",
        "status_id": str(f.state.status),
        "funding": [
            {
                "id": 900 + account,
                "name": "Bank •••• 4242",
                "amount": total,
                "custom_name": "Opérations",
                "line_of_credit": 10_000,
            }
        ],
        "invoice": {"id": f.id - 9_000_000, "sent": f.date(sent), "paid": f.date(paid)} if settled else EMPTY_OBJECT,
        **parts,
        "max_pay": number(round(labor * 1.25, 2)),
        "total": total,
        "max_pay_limit": 5_000,
        "calculated_total": {"total": {"min": total, "max": number(round(float(total) + 40.5, 2))}},
        "payment": {"id": f.base + 25, "amount": total, "charged": True, "date": f.date(paid)}
        if paid
        else EMPTY_OBJECT,
        "client_payment_enabled": rng.chance(20),
        "client_payment_terms": "Net 45" if f.id % 4 == 0 else "",
        "buyer_overall_jobs": 12_345,
        "can_view": True,
        "buyer_approval_time_days": 3,
        "target_review_period": 5,
        "positive": True,
        "currency_style": "$0,0.00",
        "fn_process_payment": True,
        "total_by_role": total,
        "total_before_fees_by_role": total,
        "is_taxable_location": f.location.city % 2 == 0,
        "pricing_insights": _insights(f)
        if f.state.status in (Status.DRAFT, Status.PUBLISHED, Status.ROUTED)
        else EMPTY_OBJECT,
        "actions": ["edit"],
        "correlation_id": f.digest("pay"),
    }


def _fees(f: Facts, total: float, *, settled: bool, cancelled: bool) -> list[dict[str, Json]]:
    """Fees; the insurance fee has no id, so the name identifies a fee."""
    fees: list[dict[str, Json]] = [
        {
            "name": "service",
            "id": f.base + 10,
            "amount": number(round(total * 0.1, 2)),
            "queued": not settled,
            "charged": settled,
            "hours24_applicable": False,
            "calculation": "percent",
            "at_risk": False,
            "display_name": "Service fee",
            "max_amount": 500,
            "description": "Ten percent of the total" if f.id % 2 else None,
            "modifier": 0.1,
            "breakdown": [{"percent": 10, "name": "Platform", "amount": number(round(total * 0.1, 2))}],
        },
        {
            "name": "insurance",
            "amount": number(round(total * 0.013, 2)),
            "queued": not settled,
            "charged": settled,
            "hours24_applicable": False,
            "calculation": "percent",
        },
    ]
    if cancelled:
        fees.append(
            {
                "name": "cancellation",
                "id": f.base + 11,
                "amount": 50,
                "queued": f.id % 2 == 1,
                "charged": False,
                "hours24_applicable": f.steps[CANCELED] > f.state.service - DAY,
                "calculation": "fixed",
                "at_risk": True,
            }
        )
    return fees


def _insights(f: Facts) -> dict[str, Json]:
    return {
        "region": {"name": f.location.address()["state"], "id": f.location.city, "distance": 60},
        "providers": {"marketplace": 40 + f.id % 50},
        "average_rate": {"first_quartile": 42, "median": 55, "third_quartile": 71},
        "comparison": "at",
    }
