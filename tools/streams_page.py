"""docs/streams.md: each stream with its endpoint, keys, cost and columns, and how the streams hang together."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from tap_fieldnation.api import paging
from tap_fieldnation.streams import catalog
from tools.snapshot import kind

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.streams import Stream

Node = dict[str, t.Any]

HEAD = """\
# Streams

Made by `./dev docs` from the [catalogue](../tap_fieldnation/streams/catalog.py) and the [schemas](../schemas), which
have the columns within columns too. Every row has `extracted_at`: when it was received. A row of a stream that hangs on
work orders is current where its `extracted_at` is that of its work order.
"""
DIAGRAMS = """\
## How they hang together

`provider_id`, `user_id` and `manager_id` are all `users.id`. What is defined once for the company (`custom_fields`,
`bonuses`, `penalties`, `tags`) has the same `id` in what a work order has of it.
"""
JOINED = re.compile(r"\b([a-z_]+)\.([a-z_]+)\b")


@dataclass(frozen=True)
class Facts:
    """What the catalogue says of a stream.

    Attributes:
        endpoint: Where its rows come from.
        cost: In requests for 1,000 work orders.
        paging: How a list is paged; "" for no list.
    """

    endpoint: str
    cost: str
    paging: str = ""


def page(streams: Mapping[str, Stream]) -> str:
    """The whole page."""
    facts = dict(_facts())
    parts = [HEAD, _summary(streams, facts), DIAGRAMS]
    hanging = [name for name in streams if name.startswith("work_order")]
    company = [name for name in streams if name not in hanging]
    parts += ["### Work orders, and what hangs on them\n", _diagram(streams, hanging)]
    parts += ["### Company data\n", _diagram(streams, ["work_orders", *company])]
    parts += [_section(stream, facts[name]) for name, stream in streams.items()]
    return "\n".join(parts)


def _facts() -> Iterator[tuple[str, Facts]]:
    yield "work_orders", Facts("`GET /workorders`", "10")
    pages = "the pages of `work_orders`"
    for embedded in catalog.EMBEDDED:
        own = f"; `GET /workorders/{{id}}/{embedded.endpoint}` where it is cut short" if embedded.endpoint else ""
        yield embedded.name, Facts(f"`{embedded.place}` on {pages}{own}", embedded.cost)
    yield catalog.REMOVALS, Facts(f"what is missing on {pages}", "0")
    for asked in catalog.BY_REQUEST:
        yield asked.name, Facts(f"`GET {asked.path}`", asked.cost)
    for entry in catalog.COMPANY:
        detail = f"; `GET {entry.detail}` for new rows, where the list shows ids alone" if entry.detail else ""
        yield entry.name, Facts(f"`GET {entry.path}`{detail}", entry.cost, _paging(entry))


def _paging(entry: catalog.Company) -> str:
    if entry.params == paging.UNPAGED:
        return "whole, without pages"
    return "by cursor" if entry.params == paging.CURSOR else "by page number"


def _summary(streams: Mapping[str, Stream], facts: Mapping[str, Facts]) -> str:
    rows = (
        f"| [`{name}`](#{name}) | {', '.join(f'`{key}`' for key in stream.primary_keys)} "
        f"| {'yes' if stream.selected_by_default else 'no'} | {facts[name].cost} |"
        for name, stream in streams.items()
    )
    head = ["| stream | key | read by default | requests for 1,000 work orders |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _section(stream: Stream, facts: Facts) -> str:
    lines = [
        f"## {stream.name}",
        "",
        stream.schema["description"],
        "",
        f"- From {facts.endpoint}" + (f"; paged {facts.paging}" if facts.paging else ""),
        f"- Key: {', '.join(f'`{key}`' for key in stream.primary_keys)}",
        f"- {'Read by default' if stream.selected_by_default else 'Read when selected'}",
        f"- Requests for 1,000 work orders: {facts.cost}",
        "",
        "| column | type | meaning |",
        "|---|---|---|",
        *(f"| `{name}` | {_type(node)} | {_meaning(node)} |" for name, node in stream.schema["properties"].items()),
        "",
    ]
    return "\n".join(lines)


def _type(node: Node) -> str:
    return f"array of {kind(node['items'])}" if "items" in node else kind(node)


def _meaning(node: Node) -> str:
    within = node.get("items", node).get("properties", {})
    names = f" ({', '.join(f'`{name}`' for name in within)})" if within else ""
    return f"{node['description']}{names}"


def joins(streams: Mapping[str, Stream], name: str) -> Iterator[tuple[str, str, str]]:
    """Column, stream and its column, for each plain column whose description says that it joins another stream's."""
    for column, node in streams[name].schema["properties"].items():
        said = node["description"]
        if "joins " not in said or kind(node) in {"array", "object"}:
            continue
        for other, key in JOINED.findall(said.partition("joins ")[2]):
            if other in streams and key in streams[other].primary_keys:
                yield column, other, key


def _diagram(streams: Mapping[str, Stream], names: Iterable[str]) -> str:
    names = list(names)
    lines = ["```mermaid", "erDiagram"]
    for name in names:
        links = list(joins(streams, name))
        keys, joining = streams[name].primary_keys, [column for column, *_ in links]
        lines.append(f"  {name} {{")
        for column in dict.fromkeys([*keys, *joining]):
            marks = ", ".join(["PK"] * (column in keys) + ["FK"] * (column in joining))
            kind_of = kind(streams[name].schema["properties"][column])
            lines.append(f"    {kind_of} {column} {marks}")
        lines.append("  }")
        lines += [f'  {other} ||--o{{ {name} : "{column}"' for column, other, _ in links if other in names]
    return "\n".join([*lines, "```", ""])
