"""What the emulator holds, as the rows of each stream should have it; and whether a value is the one that it holds."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from emulator import Emulator

Row = dict[str, t.Any]
WorkOrder = dict[str, t.Any]


def listed(*path: str) -> Callable[[WorkOrder], list[Row]]:
    """The rows of the list at a path within a work order."""

    def rows(order: WorkOrder) -> list[Row]:
        found: t.Any = order
        for key in path:
            found = found[key]
        return list(found["results"] if isinstance(found, dict) else found)

    return rows


def _grouped(section: str, **columns: str) -> Callable[[WorkOrder], list[Row]]:
    """The rows of the lists within a list, each with some values of the outer one."""

    def rows(order: WorkOrder) -> list[Row]:
        return [
            {**row, **{column: group[key] for column, key in columns.items()}}
            for group in order[section]["results"]
            for row in group["results"]
        ]

    return rows


EMBEDDED: dict[str, Callable[[WorkOrder], list[Row]]] = {
    "work_order_attachments": _grouped("attachments", folder_id="id", folder_name="name", folder_type="type"),
    "work_order_bonuses": listed("pay", "bonuses"),
    "work_order_contacts": listed("contacts"),
    "work_order_custom_fields": _grouped(
        "custom_fields", group_id="id", group_name="name", group_order="order", group_role="role"
    ),
    "work_order_discounts": listed("pay", "discounts"),
    "work_order_expenses": listed("pay", "expenses"),
    "work_order_fees": listed("pay", "fees"),
    "work_order_pay_increases": listed("pay", "increases"),
    "work_order_penalties": listed("pay", "penalties"),
    "work_order_problems": listed("problems"),
    "work_order_shipments": listed("shipments"),
    "work_order_signatures": listed("signatures"),
    "work_order_tags": listed("tags"),
    "work_order_tasks": listed("tasks"),
    "work_order_time_logs": listed("time_logs"),
}

COMPANY = {
    "bonuses": "/bonuses",
    "clients": "/clients",
    "custom_fields": "/custom-fields",
    "expense_categories": "/company/expenses",
    "incomplete_reasons": "/company/incomplete-reasons",
    "locations": "/locations",
    "managers": "/company/managers",
    "networks": "/company/20843/networks",
    "penalties": "/penalties",
    "projects": "/projects",
    "service_territories": "/service-territories",
    "site_revisit_reasons": "/company/20843/site-revisit-reasons",
    "tags": "/company/tags",
    "talent_pool_groups": "/talent-pool-groups",
    "talent_pools": "/preferred-provider-groups",
    "templates": "/templates",
    "types_of_work": "/types-of-work",
}
ONE_BY_ONE = ("clients", "projects", "templates")

# Stream -> the column that names the parent, the parent's list, the parent's key, and the list that each parent has.
OF_PARENTS = {
    "service_territory_providers": (
        "service_territory_id", "/service-territories", "id", "/service-territories/{}/providers",
    ),
    "service_types": ("type_of_work_id", "/types-of-work", "id", "/types-of-work/{}/service-types"),
    "talent_pool_group_providers": (
        "talent_pool_group_id", "/talent-pool-groups", "talent_pool_group_id", "/talent-pool-groups/{}/providers",
    ),
    "talent_pool_providers": (
        "talent_pool_id", "/preferred-provider-groups", "id", "/preferred-provider-groups/{}/users",
    ),
}  # fmt: skip

# Columns that have another name than the API gives them.
RENAMED = {
    "talent_pool_providers": {"user_id": "id"},
    "work_order_contacts": {"user_id": "userId"},
    "work_order_messages": {"shared_text": "sharedText"},
    "work_order_requests": {"provider_id": "id"},
}


def company(api: Emulator, stream: str) -> list[Row]:
    """The rows of a company's list."""
    path = COMPANY[stream]
    params = {"action_type": "all"} if stream == "site_revisit_reasons" else {}
    rows = api.rows(path, **params)
    return [api.get(f"{path}/{row['id']}") for row in rows] if stream in ONE_BY_ONE else rows


def of_parents(api: Emulator, stream: str) -> list[Row]:
    """The rows of the lists that the rows of another list have."""
    column, parents, key, path = OF_PARENTS[stream]
    return [{**row, column: one[key]} for one in api.rows(parents) for row in api.rows(path.format(one[key]))]


def by_request(api: Emulator, stream: str, orders: Iterable[WorkOrder]) -> Iterator[Row]:
    """The rows that are asked for because of work orders."""
    if stream == "users":
        named = {order["manager"]["id"] for order in orders} | {order["assignee"]["user"]["id"] for order in orders}
        yield from (api.get(f"/users/{one}") for one in named - {0})
        return
    for order in orders:
        one = order["id"]
        for row in _ASKED[stream](api, one):
            yield {**row, "work_order_id": one}


def _messages(api: Emulator, one: int) -> Iterator[Row]:
    for row in api.rows(f"/workorders/{one}/messages"):
        yield {key: value for key, value in row.items() if key != "replies"}
        yield from row["replies"]


def _requests(api: Emulator, one: int) -> Iterator[Row]:
    for row in api.rows(f"/workorders/{one}/providers"):
        yield {**row, "request_id": row["request"]["id"]}


def _site_revisits(api: Emulator, one: int) -> Iterator[Row]:
    answer = api.get(f"/workorders/{one}/site-revisits")
    beside = {key: value for key, value in answer.items() if key != "revisits"}
    return ({**row, **beside} for row in answer["revisits"])


_ASKED: dict[str, Callable[[Emulator, int], Iterator[Row]]] = {
    "work_order_messages": _messages,
    "work_order_requests": _requests,
    "work_order_site_revisits": _site_revisits,
}


def rows(api: Emulator, stream: str, orders: list[WorkOrder]) -> list[Row]:
    """What a stream should hold, its columns by their names, its values as the API sends them."""
    if stream == "work_orders":
        return orders
    if stream in EMBEDDED:
        found = [{**row, "work_order_id": order["id"]} for order in orders for row in EMBEDDED[stream](order)]
    elif stream in COMPANY:
        found = company(api, stream)
    elif stream in OF_PARENTS:
        found = of_parents(api, stream)
    else:
        found = list(by_request(api, stream, orders))
    for column, key in RENAMED.get(stream, {}).items():
        for row in found:
            row[column] = row.pop(key, None)
    return found


def differences(ours: t.Any, theirs: t.Any, place: str = "") -> Iterator[str]:
    """Where a value that was read is not the one that the API sends, whatever type that one has."""
    if ours is None:
        if not _says_nothing(theirs):
            yield f"{place}: null, not {theirs!r}"
    elif isinstance(ours, dict):
        theirs = theirs if isinstance(theirs, dict) else {}
        for key, value in ours.items():
            yield from differences(value, theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list):
        theirs = theirs if isinstance(theirs, list) else [theirs]
        if len(ours) != len(theirs):
            yield f"{place}: {len(ours)} items, not {len(theirs)}"
        for our, their in zip(ours, theirs, strict=False):
            yield from differences(our, their, f"{place}[]")
    elif not _same(ours, theirs):
        yield f"{place}: {ours!r}, not {theirs!r}"


def as_embedded(task: Row) -> Row:
    """A task from its own endpoint, whose alerts are objects there."""
    return {**task, "alerts": [alert["email"] for alert in task["alerts"]]}


def _says_nothing(value: t.Any) -> bool:
    """What the API sends for 'nothing': an empty text or list, no date, a person or a place with the id 0."""
    if isinstance(value, dict):
        return value.get("id") == 0 or all(map(_says_nothing, value.values()))
    return value is None or value == [] or (isinstance(value, str) and (not value or value.startswith("0000-00-00")))


def _same(ours: t.Any, theirs: t.Any) -> bool:
    if isinstance(ours, bool):
        return theirs in ((True, 1, "1", "true", "yes") if ours else (False, 0, "0", "false", "no"))
    if isinstance(ours, (int, float)):
        return not isinstance(theirs, (dict, list, type(None))) and float(theirs) == ours
    text = str(theirs)
    return ours in {text, text.partition("?")[0], f"{text.replace(' ', 'T')}Z"}
