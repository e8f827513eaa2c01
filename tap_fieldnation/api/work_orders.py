"""`GET /workorders`: its parameters and its envelope.

Without the fixed parameters the server uses the user's last saved view, or returns stubs (Field Nation's page on
searching work orders).

A page is decoded only as far as the sync needs it; each work order is decoded in full when it is written. Decoded
objects take ten times the memory of their JSON text, so this saves memory. It also saves half of the CPU time, because
the objects are used while they are still in the processor's cache.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import Action, ApiError, Rule
from tap_fieldnation.api.redact import excerpt

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from tap_fieldnation.api.client import Client

PATH = "/workorders"
FIXED_PARAMS: t.Mapping[str, str] = {"list": "workorders_all", "sticky": "false", "f_": "", "view": "model"}

# Two generations of the documentation use different names for the creation date filter. Servers ignore unknown filters.
CREATED_NAMES = ("f_created_date", "f_created")
IDS = "f_work_order_id"

MAX_EXCESS = 10
MAX_DIGITS = 30
MAX_EXACT_FLOAT = 2.0**53

_NO_TOTAL = Rule(
    Action.FAIL, "without it nothing proves that all were read: run again, and tell Field Nation if it persists"
)

Record = dict[str, t.Any]


class _Head(msgspec.Struct):
    """The fields that the sync needs before a work order is written."""

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
    """A work order with only the fields that the sync needs first; `decode_full` decodes the others.

    Attributes:
        body: The whole work order, as JSON.
    """

    __slots__ = ("body",)

    def __init__(self, body: msgspec.Raw) -> None:
        head = _HEADS.decode(body)
        super().__init__(id=head.id, company=head.company, milestones=head.milestones, status=head.status)
        self.body = body


def decode_full(record: Record) -> Record:
    """A work order of a page with all requested fields."""
    if not isinstance(record, LazyRecord):
        return record
    full: Record = decode(bytes(record.body))
    full["id"] = record["id"]
    return full


def _decode_page(body: bytes) -> t.Any:
    """The envelope with lazy work orders; an unexpected envelope is decoded in full.

    `msgspec` checks that the parts that are not decoded yet are valid JSON.
    """
    try:
        envelope = _ENVELOPES.decode(body)
        envelope.results = [LazyRecord(raw) for raw in envelope.results]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return decode(body)
    return msgspec.structs.asdict(envelope)


@dataclass(frozen=True)
class Page:
    """One page of work orders.

    Attributes:
        records: The work orders, each with an integer ``id``; `decode_full` has all requested fields.
        number: The page number requested, from 1.
        pages: How many pages there are, given the server's page size.
        per_page: The server's page size.
        total: How many work orders the filters match.
        echoes: The filters that the server applied: it repeats them in its response.
        received_at: When it was received, UTC.
    """

    records: Sequence[Record]
    number: int
    pages: int
    per_page: int
    total: int
    echoes: frozenset[str]
    received_at: datetime


def created_between(first: date, last: date, names: Sequence[str] = CREATED_NAMES) -> dict[str, str]:
    """The filter for work orders created from the first to the last day, both included."""
    return dict.fromkeys(names, f"{first.isoformat()},{last.isoformat()}")


class WorkOrders:
    """The work orders of the account, page by page.

    Args:
        client: Makes the requests.
        sections: The top-level keys of a work order to request.
        page_size: Work orders per page, at most 100.
        leave_out: Called with each invalid id: its work order is skipped.
    """

    def __init__(
        self,
        client: Client,
        sections: Sequence[str],
        page_size: int,
        leave_out: Callable[[object], None] = lambda _: None,
    ) -> None:
        self._client, self._leave_out = client, leave_out
        self._sections = sections
        self._page_size = page_size

    def total(self, filters: Mapping[str, str]) -> int:
        """How many work orders the filters match. Makes a request."""
        return self._page(1, filters, "desc", ["id"], 1).total

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc") -> Page:
        """One page, sorted by id.

        Raises:
            ApiError: The request failed, or the response is not the documented envelope.
        """
        return self._page(number, filters, order, self._sections, self._page_size)

    def _page(
        self, number: int, filters: Mapping[str, str], order: str, sections: Sequence[str], per_page: int
    ) -> Page:
        params = {
            **FIXED_PARAMS,
            "columns": ",".join(sections),
            "sort": "id",
            "order": order,
            "page": number,
            "per_page": per_page,
            **filters,
        }
        body, received_at = self._client.get(PATH, params, stream="work_orders", decoder=_decode_page)
        records = self._usable(body)
        metadata = body.get("metadata") if isinstance(body, dict) else None
        if records is None or not isinstance(metadata, dict):
            raise _error("the response lacks the documented metadata, results or ids")
        total = _count(metadata.get("total"))
        if total is None:
            said = excerpt(repr(metadata["total"])) if "total" in metadata else "missing"
            raise _error(f"the response lacks the number of work orders: metadata.total is {said}", _NO_TOTAL)
        size = _count(metadata.get("per_page")) or per_page
        rows = len(body["results"] or ())
        if size > per_page and rows != min(size, total - (number - 1) * size):  # it may be the total
            size = max(per_page, rows)
        least = -(-total // size)
        pages = _count(metadata.get("pages"))
        # Where fewer pages are stated than the total takes, the one after them shows whether there are more rows.
        pages = least if pages is None or pages > MAX_EXCESS * (least + 1) else max(pages, least)
        echoes = frozenset(name for name in filters if body.get(name))
        return Page(records, number, pages, size, total, echoes, received_at)

    def _usable(self, body: t.Any) -> list[Record] | None:
        """The work orders that have a usable id; None if the results are not as documented."""
        results = (body.get("results") or []) if isinstance(body, dict) and "results" in body else None
        if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
            return None
        values = [item.get("id") for item in results]
        for item, value in zip(results, values, strict=True):
            item["id"] = whole_id(value)
        usable = [item for item in results if item["id"] is not None]
        if None in values or (len(results) > 1 and not usable):
            return None
        for item, value in zip(results, values, strict=True):
            if item["id"] is None:
                self._leave_out(value)
        return usable


def whole_id(value: object) -> int | None:
    """An id of Field Nation, which may be a string; None for anything that cannot be one."""
    number = _count(value)
    return number if number and number < 2**63 else None


def _count(value: object) -> int | None:
    """A count, which may be a string; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.strip().isdecimal() and len(value) <= MAX_DIGITS:
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT_FLOAT:
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**63 else None


def _error(reason: str, rule: Rule | None = None) -> ApiError:
    return ApiError(f"{API_ROOT}{PATH}", HTTPStatus.OK, reason, rule=rule, stream="work_orders")
