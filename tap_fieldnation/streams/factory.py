"""The stream classes, made from the entries of `catalog`."""

from __future__ import annotations

import typing as t

from tap_fieldnation.records import schema
from tap_fieldnation.streams import catalog
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.embedded import ChildStream, EmbeddedStream
from tap_fieldnation.streams.lists import Lists
from tap_fieldnation.streams.rows import COMPANY_ID, WORK_ORDER_ID
from tap_fieldnation.streams.runs import RunsStream
from tap_fieldnation.streams.work_orders import WorkOrdersStream

if t.TYPE_CHECKING:
    from singer_sdk import Tap
    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext


def make_streams(tap: Tap, context: RunContext) -> list[Stream]:
    """One stream for each entry: `work_orders` first, `sync_runs` last.

    Args:
        tap: The SDK's tap.
        context: The run.
    """
    child = {"parent_stream_type": WorkOrdersStream}
    child_classes = [
        *(
            _stream_class(EmbeddedStream, entry.name, (WORK_ORDER_ID, *entry.keys), entry=entry, **child)
            for entry in catalog.EMBEDDED
        ),
        *(
            _stream_class(ByRequestStream, entry.name, entry.keys, entry=entry, selected_by_default=False, **child)
            for entry in catalog.BY_REQUEST
        ),
        _stream_class(ChildStream, catalog.REMOVALS, (WORK_ORDER_ID,), **child),
        _stream_class(ChildStream, catalog.COVERAGE, (COMPANY_ID, "first_day"), **child),
    ]
    company_classes = [
        _stream_class(
            CompanyStream,
            entry.name,
            entry.keys if entry.common else (COMPANY_ID, *entry.keys),
            entry=entry,
            path=entry.path,
            selected_by_default=entry.selected,
        )
        for entry in catalog.COMPANY
    ]
    lists = Lists(context)
    work_orders = WorkOrdersStream(tap, context)
    runs = _stream_class(RunsStream, catalog.RUNS, RunsStream.primary_keys)
    return [
        work_orders,
        *(stream_class(tap, context) for stream_class in child_classes),
        *(stream_class(tap, context, lists) for stream_class in company_classes),
        runs(tap, context, work_orders),
    ]


def _stream_class(base: type[Stream], name: str, keys: tuple[str, ...], **attributes: t.Any) -> t.Any:
    """A class for one stream: the SDK reads what it needs to know from class attributes."""
    loaded = schema.load(name)
    return type(
        "".join(part.title() for part in name.split("_")) + "Stream",
        (base,),
        {
            "__doc__": loaded["description"],
            "name": name,
            "primary_keys": keys,
            "schema": schema.public(loaded),
            **attributes,
        },
    )
