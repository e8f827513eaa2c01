"""The streams, as data: a new stream is an entry here and a file in `schemas/`. CONTRIBUTING.md has all steps."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_fieldnation.api import paging


@dataclass(frozen=True)
class Embedded:
    """A stream of a list within the work order: its rows come with the pages of work orders, without extra requests.

    Attributes:
        name: The name of the stream and of its schema file.
        list_path: Dotted path of the list in a work order. The list may have an envelope, with its rows in ``results``.
            `work_orders` has no column for it, even if its schema file has one.
        keys: The key columns besides ``work_order_id``.
        group_key: For a list of groups: the key of the rows in each group.
        lift: For a list of groups: column -> key of the group.
        endpoint: Path below that of the work order, from which to read a list that is truncated in the work order; ""
            if there is none.
        plain: Column of plain values -> key of the objects that the endpoint has instead of these values.
    """

    name: str
    list_path: str
    keys: tuple[str, ...] = ("id",)
    group_key: str = ""
    lift: t.Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""
    plain: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """The section of a work order to request."""
        return self.list_path.partition(".")[0]


@dataclass(frozen=True)
class ByRequest:
    """A stream that takes a request for each work order that a run writes, or for each user that these refer to.

    Attributes:
        name: The name of the stream and of its schema file.
        path: With ``{id}`` for the id of the work order or user.
        keys: The key columns.
        id_paths: Dotted paths of the ids in a work order.
        params: The parameters of the first request.
        rows: The key of the rows in the response, if it is neither ``results`` nor ``data``; "." if the response is
            the only row.
        nested: In each row, the key of further rows of the stream.
        envelope: Keys beside the rows, whose values are columns of each row.
        count_paths: Dotted paths of the numbers in a work order that show how many rows there are; no request is made
            if all of them are 0, or none of them has changed.
        required: A key that only the rows of the stream have; the response may have other rows too. "" for all rows.
        max_pages: The maximum number of pages to read; None for no limit.
    """

    name: str
    path: str
    keys: tuple[str, ...]
    id_paths: tuple[str, ...] = ("id",)
    params: t.Mapping[str, object] = field(default_factory=dict)
    rows: str = ""
    nested: str = ""
    envelope: tuple[str, ...] = ()
    count_paths: tuple[str, ...] = ()
    required: str = ""
    max_pages: int | None = None

    @property
    def sections(self) -> set[str]:
        """The sections of a work order to request."""
        return {path.partition(".")[0] for path in (*self.id_paths, *self.count_paths)}


@dataclass(frozen=True)
class Company:
    """A company list, or a list for each row of another company list.

    Attributes:
        name: The name of the stream and of its schema file.
        path: With ``{company_id}``; or with ``{id}`` for the key of the parent row.
        keys: The key columns besides ``company_id``.
        params: The parameters of the first request; they show how the list is paged.
        detail: The path of a single row with all its fields, for a list that may send little more than ids.
        parent: The stream each of whose rows has such a list.
        parent_key: The key column of the parent stream.
        parent_column: The column for the parent's key in this stream.
        fallback: Key -> another key that the API may send instead.
        selected: Whether the stream is selected by default.
        more: Parameters of additional requests for rows that the first one does not return, such as deactivated ones.
            The API may ignore or reject them.
        common: Whether the list is Field Nation's own, the same for all companies. Otherwise another company may use
            the same ids for other rows, so ``company_id`` is the first key column.
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
    more: tuple[t.Mapping[str, object], ...] = ()
    common: bool = False


EMBEDDED = (
    Embedded(
        "work_order_attachments",
        "attachments",
        ("folder_id", "id"),
        group_key="results",
        lift={"folder_id": "id", "folder_name": "name", "folder_type": "type"},
        endpoint="attachments",
    ),
    Embedded("work_order_bonuses", "pay.bonuses", endpoint="bonuses"),
    Embedded("work_order_contacts", "contacts", endpoint="contacts"),
    Embedded(
        "work_order_custom_fields",
        "custom_fields",
        group_key="results",
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
    ByRequest("users", "/users/{id}", ("id",), id_paths=("manager.id", "assignee.user.id"), rows="."),
    ByRequest(
        "work_order_messages",
        "/workorders/{id}/messages",
        ("work_order_id", "msg_id"),
        params=paging.PAGE_NUMBERS,
        nested="replies",
        count_paths=("messages.metadata.total",),
    ),
    ByRequest(
        "work_order_requests",
        "/workorders/{id}/providers",
        ("work_order_id", "provider_id", "request_id"),
        # Older servers require `list`. This one holds the providers with a request, and those who were routed.
        params={**paging.PAGE_NUMBERS, "list": "find_providers_pending_assignment"},
        # `requests` alone was 0 in payloads with eight requests in `all_requests`.
        count_paths=tuple(f"publish_stats.{name}" for name in ("requests", "counter_offers", "routes", "all_requests")),
        required="request",
        # No work order has a thousand requests, but servers may return all providers of the marketplace.
        max_pages=10,
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
    # Work orders may name a client who was deactivated or deleted since.
    Company("clients", "/clients", detail="/clients/{id}", more=({"f_deactivated": 1}, {"f_deleted": 1})),
    Company("custom_fields", "/custom-fields"),
    # An id is unique within the company's own categories, and within those of the system.
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
        common=True,
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
    Company("types_of_work", "/types-of-work", common=True),
)

# Streams of what the tap finds while it reads work orders, and of the run itself.
REMOVALS, COVERAGE, RUNS = "work_order_removals", "work_order_coverage", "sync_runs"


def embedded_paths() -> frozenset[str]:
    """Dotted paths of the lists in a work order that are streams of their own, and so no columns of `work_orders`."""
    return frozenset(entry.list_path for entry in EMBEDDED)
