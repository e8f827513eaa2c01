"""Which streams there are, as data. A new one is an entry here, and a file in `schemas/`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_fieldnation.api import paging


@dataclass(frozen=True)
class Embedded:
    """A stream whose rows stand in a work order, on the pages that are read anyway.

    Attributes:
        name: Of the stream, and of its schema file.
        place: Where its list stands in a work order; a list with an envelope has its rows in ``results``.
        keys: Beside ``work_order_id``.
        inner: In each item of that list, where the rows are, if it is a list of groups.
        lift: Column -> key of the group that a row stands in.
        endpoint: Below the work order's own path, where the list can be had whole; "" for nowhere.
        plain: Column that holds plain values -> key of the objects that the endpoint has in their place.
    """

    name: str
    place: str
    keys: tuple[str, ...] = ("id",)
    inner: str = ""
    lift: t.Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""
    plain: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """The key of a work order to ask the API for."""
        return self.place.partition(".")[0]

    @property
    def cost(self) -> str:
        """What it costs in requests, for 1,000 work orders."""
        return "0"


@dataclass(frozen=True)
class ByRequest:
    """A stream that takes a request for each work order that the run read, or for what these name.

    Attributes:
        name: Of the stream, and of its schema file.
        path: With ``{id}`` for that of the work order, or of what it names.
        keys: All of them.
        of: Where in a work order the ids to ask for are.
        params: Of the first request.
        rows: The key of the items in the answer, where it is neither ``results`` nor ``data``; "." where the answer is
            the one row.
        nested: In each row, where more rows of the same kind are.
        lift: Column (or the schema's ``x-source``) -> path of a nested value in the row.
        envelope: Keys that stand beside the rows and belong to each of them.
        count: Where the work order shows how many there are; no request where that is 0 or what it was last time.
    """

    name: str
    path: str
    keys: tuple[str, ...]
    of: tuple[str, ...] = ("id",)
    params: t.Mapping[str, object] = field(default_factory=dict)
    rows: str = ""
    nested: str = ""
    lift: t.Mapping[str, str] = field(default_factory=dict)
    envelope: tuple[str, ...] = ()
    count: str = ""

    @property
    def sections(self) -> set[str]:
        """The keys of a work order that the ids and the count stand in."""
        return {place.partition(".")[0] for place in (*self.of, self.count) if place}

    @property
    def cost(self) -> str:
        """What it costs in requests, for 1,000 work orders."""
        if self.count:
            return "up to 1,000: 1 for each work order that has some, where their number has changed"
        return "1,000: 1 for each work order" if self.of == ("id",) else "1 for each that 1,000 work orders name"


@dataclass(frozen=True)
class Company:
    """A list of the company's.

    Attributes:
        name: Of the stream, and of its schema file.
        path: With ``{company_id}``, or, for a list that each row of another one has, ``{id}`` for that row's.
        keys: All of them.
        params: Of the first request, which say how the list is paged.
        detail: The path of one row with all its fields, for a list that may send little more than ids.
        parent: The stream whose rows each have such a list.
        parent_key: The key of the parent, and the column that holds it here.
        parent_column: How that column is named here.
        fallback: Key -> another one that may be sent in its place.
        selected: Whether it is selected by default.
    """

    name: str
    path: str
    keys: tuple[str, ...] = ("id",)
    params: t.Mapping[str, object] = field(default_factory=lambda: paging.PAGE_NUMBERS)
    detail: str = ""
    parent: str = ""
    parent_key: str = "id"
    parent_column: str = ""
    fallback: t.Mapping[str, str] = field(default_factory=dict)
    selected: bool = True

    @property
    def cost(self) -> str:
        """What it costs in requests, for 1,000 work orders: it does not depend on them."""
        if self.parent:
            return f"0, and 1 a run for each row of `{self.parent}`, or for each 100 rows of its list"
        return "0, and 1 a run" + ("" if self.params == paging.UNPAGED else " for each 100 rows")


EMBEDDED = (
    Embedded(
        "work_order_attachments",
        "attachments",
        ("folder_id", "id"),
        inner="results",
        lift={"folder_id": "id", "folder_name": "name", "folder_type": "type"},
        endpoint="attachments",
    ),
    Embedded("work_order_bonuses", "pay.bonuses", endpoint="bonuses"),
    Embedded("work_order_contacts", "contacts", endpoint="contacts"),
    Embedded(
        "work_order_custom_fields",
        "custom_fields",
        inner="results",
        lift={"group_id": "id", "group_name": "name", "group_order": "order", "group_role": "role"},
        endpoint="custom_fields",
    ),
    Embedded("work_order_discounts", "pay.discounts", endpoint="discounts"),
    Embedded("work_order_expenses", "pay.expenses", endpoint="expenses"),
    Embedded("work_order_fees", "pay.fees", ("name",)),
    Embedded("work_order_pay_increases", "pay.increases", endpoint="increases"),
    Embedded("work_order_penalties", "pay.penalties", endpoint="penalties"),
    Embedded("work_order_problems", "problems", endpoint="problems"),
    Embedded("work_order_shipments", "shipments", endpoint="shipments"),
    Embedded("work_order_signatures", "signatures", endpoint="signatures"),
    Embedded("work_order_tags", "tags", endpoint="tags"),
    Embedded("work_order_tasks", "tasks", endpoint="tasks", plain={"alerts": "email"}),
    Embedded("work_order_time_logs", "time_logs", endpoint="time_logs"),
)

BY_REQUEST = (
    ByRequest("users", "/users/{id}", ("id",), of=("manager.id", "assignee.user.id"), rows="."),
    ByRequest(
        "work_order_messages",
        "/workorders/{id}/messages",
        ("work_order_id", "msg_id"),
        params=paging.PAGE_NUMBERS,
        nested="replies",
        count="messages.metadata.total",
    ),
    ByRequest(
        "work_order_requests",
        "/workorders/{id}/providers",
        ("work_order_id", "provider_id", "request_id"),
        lift={"request.id": "request.id"},
        count="publish_stats.requests",
    ),
    ByRequest(
        "work_order_site_revisits",
        "/workorders/{id}/site-revisits",
        ("work_order_id", "revisit_id"),
        rows="revisits",
        envelope=("job_status", "incident_id", "related_work_orders"),
    ),
)

COMPANY = (
    Company("bonuses", "/bonuses"),
    Company("clients", "/clients", detail="/clients/{id}"),
    Company("custom_fields", "/custom-fields"),
    # An id is unique among the company's own categories, and among those of the system.
    Company("expense_categories", "/company/expenses", ("id", "type")),
    Company("incomplete_reasons", "/company/incomplete-reasons", params=paging.UNPAGED),
    Company("locations", "/locations"),
    Company("managers", "/company/managers", params=paging.UNPAGED),
    Company("networks", "/company/{company_id}/networks", ("network_id",), params=paging.UNPAGED),
    Company("penalties", "/penalties"),
    Company("projects", "/projects", detail="/projects/{id}"),
    Company("service_territories", "/service-territories", fallback={"id": "service_territory_id"}),
    Company(
        "service_territory_providers",
        "/service-territories/{id}/providers",
        ("service_territory_id", "provider_id"),
        parent="service_territories",
        parent_column="service_territory_id",
        selected=False,
    ),
    Company(
        "service_types",
        "/types-of-work/{id}/service-types",
        ("type_of_work_id", "id"),
        params=paging.UNPAGED,
        parent="types_of_work",
        parent_column="type_of_work_id",
        selected=False,
    ),
    Company(
        "site_revisit_reasons",
        "/company/{company_id}/site-revisit-reasons",
        ("reason_id",),
        params={"action_type": "all"},
    ),
    Company("tags", "/company/tags"),
    Company(
        "talent_pool_group_providers",
        "/talent-pool-groups/{id}/providers",
        ("talent_pool_group_id", "provider_id"),
        params=paging.CURSOR,
        parent="talent_pool_groups",
        parent_key="talent_pool_group_id",
        parent_column="talent_pool_group_id",
        selected=False,
    ),
    Company("talent_pool_groups", "/talent-pool-groups", ("talent_pool_group_id",), params=paging.CURSOR),
    Company(
        "talent_pool_providers",
        "/preferred-provider-groups/{id}/users",
        ("talent_pool_id", "user_id"),
        parent="talent_pools",
        parent_column="talent_pool_id",
        selected=False,
    ),
    Company("talent_pools", "/preferred-provider-groups"),
    Company("templates", "/templates", detail="/templates/{id}"),
    Company("types_of_work", "/types-of-work"),
)

REMOVALS = "work_order_removals"

# `work_orders` neither asks for these sections nor holds them.
ELSEWHERE = frozenset(entry.place for entry in EMBEDDED)
