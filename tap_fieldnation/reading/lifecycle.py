"""What the steps have to know about a work order: whose it is, when it was created, and whether it is closed.

Statuses: Field Nation's page on the life of a work order. Ids and names differ between pages, so the name decides, or
the id if there is no name.
"""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.api.work_orders import whole_id
from tap_fieldnation.timestamps import parse_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tap_fieldnation.api.work_orders import Record

CLOSED_NAMES = frozenset({"paid", "cancelled", "canceled", "deleted"})
CLOSED_IDS = frozenset({6, 7})
APPROVED_NAME, APPROVED_ID = "approved", 5

# An approved work order is paid within days; one that is not paid after this long counts as closed.
APPROVED_FOR = timedelta(days=90)


class Facts(t.NamedTuple):
    """The facts about one work order.

    Attributes:
        id: Its id.
        created: When it was created, UTC, or None if the API does not say.
        closed: Whether it is paid, cancelled or deleted, or was approved over 90 days ago.
    """

    id: int
    created: datetime | None
    closed: bool


def facts(record: Record, now: datetime) -> Facts:
    """Extract the facts from a work order as the API sends it."""
    milestones = record.get("milestones")
    milestones = milestones if isinstance(milestones, dict) else {}
    created = milestones.get("created")
    return Facts(
        record["id"],
        parse_utc(created.get("utc")) if isinstance(created, dict) else None,
        _closed(record.get("status"), milestones, now),
    )


def company_of(record: Record) -> int | None:
    """The id of the company that the work order belongs to."""
    company = record.get("company")
    return whole_id(company.get("id")) if isinstance(company, dict) else None


def companies_of(records: Iterable[Record]) -> set[int]:
    """The companies whose work orders some records are."""
    return {company for record in records if (company := company_of(record))}


def check_company(known: int, found: set[int]) -> None:
    """Whether work orders are of the company that STATE belongs to.

    Args:
        known: The company in STATE.
        found: Those of some work orders; none if they do not show any.

    Raises:
        StateError: They are of other companies.
    """
    if found and known not in found:
        raise StateError(
            f"The STATE belongs to another company (id {known}) than these credentials (id {min(found)}): check the "
            "credentials and the environment, or give each company a STATE of its own."
        )


def _closed(status: object, milestones: dict[str, t.Any], now: datetime) -> bool:
    if not isinstance(status, dict):
        return False
    name = str(status.get("name") or "").strip().lower()
    if name in CLOSED_NAMES or (not name and status.get("id") in CLOSED_IDS):
        return True
    if name == APPROVED_NAME or (not name and status.get("id") == APPROVED_ID):
        moments = (parse_utc(value.get("utc")) for value in milestones.values() if isinstance(value, dict))
        latest = max((at for at in moments if at), default=None)
        return latest is not None and now - latest > APPROVED_FOR
    return False
