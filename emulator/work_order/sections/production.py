"""Keys that production payloads have, and the documentation has not; the switch `production_keys` leaves them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.dates import EMPTY_DATE, HOUR
from emulator.company.words import TYPES_OF_WORK

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.json import Json
    from emulator.work_order.facts import Facts


def _company(section: Json, _: Facts) -> Json:
    return {**msgspec.json.decode(section), "display_company_offer_setting": True}


def _pay(section: Json, f: Facts) -> Json:
    [first, *others] = section["fees"]
    increases = section["increases"]
    rows = [{**row, "author": {**row["author"], "is_provider": True}} for row in increases["results"]]
    return {
        **section,
        "fees": [{**first, "min_amount": first["amount"]}, *others],
        "increases": {**increases, "results": rows},
        "client_payment_terms_copy": "Payment will be processed on the Friday after the approval",
        "client_payment_terms_updated_copy": "(processed on the Friday after the approval)",
        "client_payment_requires_check": f.id % 4 == 0,
    }


def _ratings(section: Json, f: Facts) -> Json:
    buyer, provider = section["buyer"], section["assigned_provider"]
    overall = {
        **buyer["overall"],
        "approval_days_percentile": 90,
        "approval_days_range": 90,
        "days_90_percent_approval": "1",
        "percent_approval": [{"days": 3, "percent": 94}],
    }
    categories = [{"type": kind, "percent": 60 + f.id % 40} for kind in ("on_time", "follow_instructions")]
    marketplace = {"ratings": 8 + f.id % 200, "stars": 4.5, "categories": categories}
    return {
        **section,
        "buyer": {**buyer, "overall": overall, "blocks": {"blocked": False, "actions": ["add"]}},
        "assigned_provider": {**provider, "overall": {"marketplace": marketplace}},
    }


def _requests(section: Json, f: Facts) -> Json:
    """With the request of the assigned provider, as that provider sees it."""
    if not f.provider or not section["metadata"]["total"]:
        return section
    at = f.steps[1] + 1_100
    request = {
        "id": f.base,
        "counter": False,
        "active": True,
        "notes": "",
        "created": f.date(at),
        "eta": {"start": f.date(f.state.service), "hour_estimate": 6},
        "technician": {**f.provider.brief(), "thumbnail": f.provider.picture},
        "actions": [],
        "pay": {"range": {"min": 0, "max": 0}},
    }
    return {**section, "metadata": {"total": 1, "page": 1, "pages": 1, "per_page": 1}, "results": [request]}


def _attachments(section: Json, _: Facts) -> Json:
    def sized(row: Json) -> Json:
        return {**row, "file": {**row["file"], "size": f"{row['file']['size_bytes'] / 1_000_000:.2f} MB"}}

    folders = [{**folder, "results": list(map(sized, folder["results"]))} for folder in section["results"]]
    return {**section, "results": folders}


def _stalled(_: Json, f: Facts) -> Json:
    is_stalled = f.id % 19 == 0
    at = f.date(f.steps[0] + 40 * HOUR) if is_stalled else EMPTY_DATE
    return {"actions": [], "status": "valid" if is_stalled else "invalid", "action_date": at}


EXTENSIONS: dict[str, Callable[[Json, Facts], Json]] = {
    "attachments": _attachments,
    "company": _company,
    "pay": _pay,
    "ratings": _ratings,
    "requests": _requests,
    "stalled": _stalled,
}


def _special_skill(f: Facts) -> Json:
    skill = 4 if f.id % 17 == 0 else 0
    return {
        "id": skill,
        "required": bool(skill),
        "certification_id": skill * 10,
        "dynamic_term_id": skill * 100,
        "name": "Confined spaces" if skill else "",
        "feeReduction": 0.5 if skill else 0,
        "fee": 2.5 if skill else 0,
        "international": int(bool(skill)),
    }


def _service_types_legacy(f: Facts) -> Json:
    kinds = TYPES_OF_WORK[f.work_type][4]
    return [{"id": 50 + index, "name": kinds[index]} for index in range(1 + f.id % len(kinds))]


ADDITIONS: dict[str, Callable[[Facts], Json]] = {
    "high_potential": lambda f: f.id % 31 == 0,
    "service_types_legacy": _service_types_legacy,
    "special_skill": _special_skill,
}
