"""The rows that each stream should have, from the data of the emulator; and a comparison of values.

Where the rows are, the catalog says. A stream whose rows take more than that has a function in `_BY_REQUEST`.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from tap_fieldnation.records import lifted, schema
from tap_fieldnation.streams import catalog

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from emulator import Emulator
    from tap_fieldnation.streams.catalog import ByRequest, Company, Embedded
    from tests.whole.in_process import Run

Row = dict[str, t.Any]
WorkOrder = dict[str, t.Any]

EMBEDDED: dict[str, Embedded] = {entry.name: entry for entry in catalog.EMBEDDED}
BY_REQUEST: dict[str, ByRequest] = {entry.name: entry for entry in catalog.BY_REQUEST}
COMPANY: dict[str, Company] = {entry.name: entry for entry in catalog.COMPANY if not entry.parent}
OF_PARENTS: dict[str, Company] = {entry.name: entry for entry in catalog.COMPANY if entry.parent}
ONE_BY_ONE = tuple(name for name, entry in COMPANY.items() if entry.detail)
OF_A_WORK_ORDER = tuple(name for name, entry in BY_REQUEST.items() if entry.id_paths == ("id",))
PAGING = ("limit", "page", "per_page")


def path_of(api: Emulator, stream: str) -> str:
    """The path of a list of the company."""
    return COMPANY[stream].path.format(company_id=api.company.id)


def _embedded(order: WorkOrder, entry: Embedded) -> Iterator[Row]:
    for row in _items(_value_at(order, entry.list_path)):
        if entry.group_key:
            group = {column: row[key] for column, key in entry.lift.items()}
            yield from ({**inner, **group} for inner in row[entry.group_key])
        else:
            yield dict(row)


def _value_at(value: t.Any, path: str) -> t.Any:
    for key in path.split("."):
        value = value[key]
    return value


def _items(embedded_list: t.Any) -> list[Row]:
    found: list[Row] = embedded_list["results"] if isinstance(embedded_list, dict) else embedded_list
    return found


def company(api: Emulator, stream: str) -> list[Row]:
    """The rows of a list of the company."""
    path = path_of(api, stream)
    entry = COMPANY[stream]
    rows = []
    for more in ({}, *entry.more):
        params = {key: str(value) for key, value in {**entry.params, **more}.items() if key not in PAGING}
        rows += api.rows(path, **params)
    if stream in ONE_BY_ONE:
        rows = [api.get(f"{path}/{row['id']}") for row in rows]
    return [{**row, **_own(api, entry)} for row in rows]


def of_parents(api: Emulator, stream: str) -> list[Row]:
    """The rows of the lists that belong to the rows of another list."""
    entry = OF_PARENTS[stream]
    keys = [row[entry.parent_key] for row in api.rows(path_of(api, entry.parent))]
    own = _own(api, entry)
    return [{**row, **own, entry.parent_column: key} for key in keys for row in api.rows(entry.path.format(id=key))]


def _own(api: Emulator, entry: Company) -> Row:
    """The columns that say whose rows these are."""
    return {} if entry.common else {"company_id": api.company.id}


def by_request(api: Emulator, stream: str, orders: Iterable[WorkOrder]) -> Iterator[Row]:
    """The rows that are requested because of work orders."""
    entry = BY_REQUEST[stream]
    rows_of = _BY_REQUEST.get(stream, _object if entry.rows == "." else _list)
    for id_ in {_value_at(order, path) for order in orders for path in entry.id_paths} - {0}:
        for row in rows_of(api, entry.path.format(id=id_)):
            yield {**row, "work_order_id": id_} if stream in OF_A_WORK_ORDER else row


def _object(api: Emulator, path: str) -> Iterable[Row]:
    return [api.get(path)]


def _list(api: Emulator, path: str) -> Iterable[Row]:
    return api.rows(path)


def _messages(api: Emulator, path: str) -> Iterator[Row]:
    for row in api.rows(path):
        yield {key: value for key, value in row.items() if key != "replies"}
        yield from row["replies"]


def _requests(api: Emulator, path: str) -> Iterator[Row]:
    return (row for row in api.rows(path) if "request" in row)


def _site_revisits(api: Emulator, path: str) -> Iterator[Row]:
    body = api.get(path)
    envelope = {key: value for key, value in body.items() if key != "revisits"}
    return ({**row, **envelope} for row in body["revisits"])


_BY_REQUEST: dict[str, Callable[[Emulator, str], Iterable[Row]]] = {
    "work_order_messages": _messages,
    "work_order_requests": _requests,
    "work_order_site_revisits": _site_revisits,
}


def rows(api: Emulator, stream: str, orders: list[WorkOrder]) -> list[Row]:
    """The rows that a stream should have: its columns by their names, its values as the API sends them."""
    if stream == "work_orders":
        return orders
    if stream in EMBEDDED:
        entry = EMBEDDED[stream]
        found = [{**row, "work_order_id": order["id"]} for order in orders for row in _embedded(order, entry)]
    elif stream in COMPANY:
        found = company(api, stream)
    elif stream in OF_PARENTS:
        found = of_parents(api, stream)
    else:
        found = list(by_request(api, stream, orders))
    for column, node in schema.load(stream)["properties"].items():
        if source := node.get(schema.SOURCE):
            for row in found:
                row[column] = row.pop(source, None)
    for column, place in lifted.PATHS.get(stream, {}).items():
        for row in found:
            row[column] = _lifted(row, place)
    return found


def _lifted(value: t.Any, path: str) -> t.Any:
    """The value at a path; nothing where a part of it is missing, or is a placeholder with the id 0."""
    *keys, leaves = path.split(".")
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, dict) or value.get("id") == 0:
        return None
    return next((value[leaf] for leaf in leaves.split("|") if value.get(leaf) not in (None, "")), None)


def keyed(rows: Iterable[Row], keys: list[str]) -> dict[tuple[t.Any, ...], Row]:
    """Rows by their keys, which are unique and not null."""
    rows = list(rows)
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows), "a key comes twice"
    assert not any(None in key for key in found), "a key is null"
    return found


def compare(api: Emulator, stream: str, done: Run, orders: list[WorkOrder]) -> None:
    """Compare all keys and values of a stream with those of the emulator.

    Of a stream that takes a request for each work order, only the rows of these work orders are compared.
    """
    keys = done.out.schemas[stream]["key_properties"]
    ours = keyed(done.out.rows[stream], keys)
    if stream in OF_A_WORK_ORDER:
        ids = {order["id"] for order in orders}
        ours = {key: row for key, row in ours.items() if row["work_order_id"] in ids}
    theirs = keyed(rows(api, stream, orders), keys)
    assert ours.keys() == theirs.keys()
    ignored = {"extracted_at", *(lifted.columns(stream) if stream == "work_orders" else ())}
    different = Counter(
        found
        for key, row in ours.items()
        for found in differences({name: row[name] for name in row.keys() - ignored}, theirs[key])
    )
    assert not different


def differences(ours: t.Any, theirs: t.Any, path: str = "") -> Iterator[str]:
    """Paths at which a value of a record differs from the one that the API sends, whatever type that has."""
    if ours is None:
        if not _is_empty(theirs):
            yield f"{path}: null, not {theirs!r}"
    elif isinstance(ours, dict):
        theirs = theirs if isinstance(theirs, dict) else {}
        for key, value in ours.items():
            yield from differences(value, theirs.get(key), f"{path}.{key}")
    elif isinstance(ours, list):
        theirs = theirs if isinstance(theirs, list) else [theirs]
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} items, not {len(theirs)}"
        for our, their in zip(ours, theirs, strict=False):
            yield from differences(our, their, f"{path}[]")
    elif not _same(ours, theirs):
        yield f"{path}: {ours!r}, not {theirs!r}"


def as_embedded(task: Row) -> Row:
    """A task of its own endpoint, which has objects for the alerts, in the form that it has in a work order."""
    return {**task, "alerts": [alert["email"] for alert in task["alerts"]]}


def _is_empty(value: t.Any) -> bool:
    """Whether the API means 'empty': an empty text or list, an unset date, a placeholder with the id 0."""
    if isinstance(value, dict):
        return value.get("id") == 0 or all(map(_is_empty, value.values()))
    return value is None or value == [] or (isinstance(value, str) and (not value or value.startswith("0000-00-00")))


def _same(ours: t.Any, theirs: t.Any) -> bool:
    if isinstance(ours, bool):
        return theirs in ((True, 1, "1", "true", "yes") if ours else (False, 0, "0", "false", "no"))
    if isinstance(ours, (int, float)):
        return not isinstance(theirs, (dict, list, type(None))) and float(theirs) == ours
    text = str(theirs)
    return ours in {text, text.partition("?")[0], f"{text.replace(' ', 'T')}Z"}
