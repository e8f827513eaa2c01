"""The stream classes, made from the catalogue."""

from __future__ import annotations

import typing as t

from tap_fieldnation.records import schema
from tap_fieldnation.streams import catalog
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.embedded import ChildStream, EmbeddedStream
from tap_fieldnation.streams.rows import WORK_ORDER_ID
from tap_fieldnation.streams.work_orders import WorkOrdersStream

if t.TYPE_CHECKING:
    from singer_sdk.streams import Stream

    from tap_fieldnation.tap import TapFieldNation

Kind = type["Stream"]


def streams(tap: TapFieldNation) -> list[Stream]:
    """One stream of each kind that the catalogue lists."""
    carried = {"parent_stream_type": WorkOrdersStream}
    kinds = [
        *(
            _kind(EmbeddedStream, entry.name, (WORK_ORDER_ID, *entry.keys), entry=entry, **carried)
            for entry in catalog.EMBEDDED
        ),
        *(
            _kind(ByRequestStream, entry.name, entry.keys, entry=entry, selected_by_default=False, **carried)
            for entry in catalog.BY_REQUEST
        ),
        _kind(ChildStream, catalog.REMOVALS, (WORK_ORDER_ID,), **carried),
        *(
            _kind(
                CompanyStream, entry.name, entry.keys, entry=entry, path=entry.path, selected_by_default=entry.selected
            )
            for entry in catalog.COMPANY
        ),
    ]
    return [WorkOrdersStream(tap), *(kind(tap) for kind in kinds)]


def _kind(base: Kind, name: str, keys: tuple[str, ...], **attributes: t.Any) -> t.Any:
    """A class for one stream: the SDK looks on the class for what it needs to know."""
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
