"""`GET /workorders`: how it is asked, and what its envelope says.

Without the fixed parameters the server answers from the user's last saved view, or sends stubs (Field Nation's page
on searching work orders).

A page is decoded only as far as the reading plan needs it; each work order as a whole when its turn has come, and while
it is used. A page as objects is ten times its size as text, and most of it would have left the processor's cache by
then: so it costs half, and what waits to be written takes little memory.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import msgspec

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.decode import decode
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


class _Head(msgspec.Struct):
    """What the reading plan looks at."""

    id: t.Any
    company: t.Any = None
    milestones: t.Any = None
    status: t.Any = None


_Envelope = msgspec.defstruct(
    "_Envelope",
    [
        ("metadata", t.Any),
        ("results", list[msgspec.Raw]),
        *((name, t.Any, None) for name in (*CREATED_NAMES, IDS)),
    ],
)
_ENVELOPES: msgspec.json.Decoder[t.Any] = msgspec.json.Decoder(_Envelope)
_HEADS = msgspec.json.Decoder(_Head)


class LazyRecord(Record):
    """A work order with what the reading plan looks at; `whole` has the rest.

    Attributes:
        body: All of it, as it came.
    """

    __slots__ = ("body",)

    def __init__(self, body: msgspec.Raw) -> None:
        head = _HEADS.decode(body)
        super().__init__(id=int(head.id), company=head.company, milestones=head.milestones, status=head.status)
        self.body = body


def decode_full(record: Record) -> Record:
    """A work order of a page with all that was asked for."""
    if not isinstance(record, LazyRecord):
        return record
    found: Record = decode(bytes(record.body))
    found["id"] = record["id"]
    return found


def _decode_page(body: bytes) -> t.Any:
    """The envelope, its work orders undecoded; where that is not what it should be, it is decoded as a whole.

    What is left undecoded has been found to be JSON.
    """
    try:
        envelope = _ENVELOPES.decode(body)
        envelope.results = [LazyRecord(one) for one in envelope.results]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return decode(body)
    return msgspec.structs.asdict(envelope)


@dataclass(frozen=True)
class Page:
    """One page of work orders.

    Attributes:
        records: The work orders, each with an integer ``id``; `whole` has all that was asked for.
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
        body, received_at = self._client.get(PATH, params, stream="work_orders", decoder=_decode_page)
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
