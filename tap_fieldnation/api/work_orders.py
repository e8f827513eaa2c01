"""`GET /workorders`: how it is asked, and what its envelope says.

Without the fixed parameters the server answers from the user's last saved view, or sends stubs (Field Nation's page
on searching work orders).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import ApiError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tap_fieldnation.api.client import Client

PATH = "/workorders"
FIXED: t.Mapping[str, str] = {"list": "workorders_all", "sticky": "false", "f_": "", "view": "model"}

# The filter by creation date has a name in each of two generations of the documentation; the server ignores the other.
CREATED_NAMES = ("f_created_date", "f_created")
IDS = "f_work_order_id"

Record = dict[str, t.Any]


@dataclass(frozen=True)
class Page:
    """One page of work orders.

    Attributes:
        records: The work orders, each with an integer ``id``.
        number: Its number, from 1, as asked for.
        pages: How many there are, by the server's own page size.
        per_page: That page size.
        total: How many work orders the filter matches.
        echoes: The filters that the server says it understood.
        received_at: When it arrived, UTC.
    """

    records: Sequence[Record]
    number: int
    pages: int
    per_page: int
    total: int
    echoes: frozenset[str]
    received_at: datetime


def created_between(first: date, last: date, names: Sequence[str] = CREATED_NAMES) -> dict[str, str]:
    """The filter for work orders created on these days or between them."""
    return dict.fromkeys(names, f"{first.isoformat()},{last.isoformat()}")


class WorkOrders:
    """The work orders of the account, page by page.

    Args:
        client: Makes the requests.
        sections: The keys of a work order to ask for.
        page_size: Work orders a page, at most 100.
    """

    def __init__(self, client: Client, sections: Sequence[str], page_size: int) -> None:
        self._client = client
        self._sections = sections
        self._page_size = page_size

    def total(self, filters: Mapping[str, str]) -> int:
        """How many work orders a filter matches."""
        return self._page(1, filters, "desc", ["id"], 1).total

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc") -> Page:
        """One page, sorted by id.

        Raises:
            ApiError: Also where the answer is not the documented envelope.
        """
        return self._page(number, filters, order, self._sections, self._page_size)

    def _page(
        self, number: int, filters: Mapping[str, str], order: str, sections: Sequence[str], per_page: int
    ) -> Page:
        params = {
            **FIXED,
            "columns": ",".join(sections),
            "sort": "id",
            "order": order,
            "page": number,
            "per_page": per_page,
            **filters,
        }
        body, received_at = self._client.get(PATH, params, stream="work_orders")
        try:
            metadata = body["metadata"]
            total, size = int(metadata["total"]), max(1, int(metadata["per_page"]))
            pages = int(metadata["pages"])
            results = body["results"] or []
            for record in results:
                record["id"] = int(record["id"])
        except (AttributeError, KeyError, TypeError, ValueError):
            results = None
        if results is None:
            reason = "the answer lacks the metadata, the results or an id that are documented"
            raise ApiError(f"{API_ROOT}{PATH}", 200, reason, stream="work_orders")
        echoes = frozenset(name for name in filters if body.get(name))
        return Page(results, number, pages, size, total, echoes, received_at)
