"""How the API may deviate from its reference, each as a switch of the emulator: all rows arrive nevertheless."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator
from tap_fieldnation.streams.catalog import COMPANY
from tests.whole import truth
from tests.whole.in_process import Run, catalog, run

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_fieldnation.streams.by_request import ByRequestStream
    from tap_fieldnation.streams.embedded import EmbeddedStream
    from tap_fieldnation.streams.work_orders import WorkOrdersStream

WORK_ORDERS = 60
LISTS = {entry.name for entry in COMPANY}
PAGED = {
    "bonuses",
    "clients",
    "custom_fields",
    "expense_categories",
    "locations",
    "penalties",
    "projects",
    "tags",
    "talent_pool_providers",
    "talent_pools",
    "templates",
    "types_of_work",
}
REQUESTS = "work_order_requests"


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=6, rate_limit=0) as running:
        yield running


def keys(done: Run, stream: str) -> set[tuple[t.Any, ...]]:
    """The keys of the rows that a run wrote."""
    names = done.out.schemas[stream]["key_properties"]
    return {tuple(row[name] for name in names) for row in done.out.rows[stream]}


def requested(api: Emulator, suffix: str) -> list[str]:
    """The paths of requests that end so."""
    return [entry.path for entry in api.log if entry.path.endswith(suffix)]


def orders(api: Emulator) -> list[dict[str, t.Any]]:
    return [api.company.work_order(one) for one in api.company.visible_ids()]


# Lists of the company


@pytest.mark.parametrize(
    "server",
    [
        {"list_metadata": "no-pages"},
        {"list_metadata": "strings"},
        {"list_metadata": "none"},
        {"list_rows": "rows"},
        {"list_pages": 0},
    ],
    ids=lambda server: next(iter(server.items())),
)
def test_lists_are_read_to_the_end(api: Emulator, server: dict[str, t.Any]) -> None:
    api.switch(**server)
    done = run(api, catalog(LISTS))
    assert len(done.out.rows["locations"]) > 200, "three pages"
    for stream in LISTS:
        truth.compare(api, stream, done, [])
    assert done.warnings == []


@pytest.mark.parametrize("metadata", ["full", "no-pages"])
def test_rows_that_are_counted_but_not_returned_are_told(api: Emulator, metadata: str) -> None:
    api.switch(list_hidden=3, list_metadata=metadata)
    done = run(api, catalog(PAGED), emit_activate_version_messages=True)
    for stream in PAGED:
        truth.compare(api, stream, done, [])
        assert [text for text in done.warnings if f"{stream}: " in text], stream
    assert "ACTIVATE_VERSION" not in {kind for kind, _ in done.out.order}
    tags = len(done.out.rows["tags"])
    assert f"tags: tags: the API counts {tags + 3} rows but returned {tags}, also when asked again." in done.warnings


def test_pages_that_the_api_denies_are_told(api: Emulator) -> None:
    api.switch(list_pages=1)
    done = run(api, catalog({"locations", "tags"}), emit_activate_version_messages=True)
    total = len(api.rows("/locations"))
    assert len(done.out.rows["locations"]) == 100
    assert done.warnings == [
        f"locations: locations: the API counts {total} rows but returned 100, also when asked again."
    ]
    assert [stream for kind, stream in done.out.order if kind == "ACTIVATE_VERSION"] == ["tags"]


def test_pages_that_the_api_denies_are_told_for_lists_of_a_list_too(api: Emulator) -> None:
    api.switch(list_pages=1)
    done = run(api, catalog({"talent_pool_providers"}))
    assert len(done.warnings) == 1
    assert "talent_pool_providers: rows are missing in" in done.warnings[0]
    assert "/users the API counts 1" in done.warnings[0]
    assert done.warnings[0].endswith(" rows but returned 100")


# Keys


def test_other_spellings_are_held_under_the_one_name(api: Emulator) -> None:
    streams = {
        "clients",
        "expense_categories",
        "incomplete_reasons",
        "networks",
        "site_revisit_reasons",
        "tags",
        "talent_pool_group_providers",
        "talent_pool_groups",
    }
    expected = run(api, catalog(streams)).out.rows
    api.switch(spelling="guides")
    done = run(api, catalog(streams))
    for stream in streams:
        other = ("id", "requires_receipt", "type") if stream == "expense_categories" else ()
        found = without(done.out.rows[stream], "extracted_at", *other)
        assert found == without(expected[stream], "extracted_at", *other), stream
    assert {row["type"] for row in done.out.rows["expense_categories"]} == {"unknown"}
    assert {row["requires_receipt"] for row in done.out.rows["expense_categories"]} == {True, False}
    assert done.warnings == []
    made: list[t.Any] = [done.tap.streams[stream] for stream in streams]
    assert [stream.row_builder.mismatches.unknown_keys for stream in made] == [{}] * len(made)


def without(rows: list[dict[str, t.Any]], *names: str) -> list[dict[str, t.Any]]:
    return [{key: value for key, value in row.items() if key not in names} for row in rows]


@pytest.mark.parametrize("production", [True, False])
def test_keys_of_production_payloads_are_held(api: Emulator, *, production: bool) -> None:
    api.switch(production_keys=production)
    done = run(api, catalog({"work_orders", *truth.EMBEDDED}))
    rows = done.out.rows
    stalled = [row for row in rows["work_orders"] if (row["stalled"] or {}).get("action_date")]
    assert bool(stalled) is production
    assert all(row["stalled"]["status"] == "valid" for row in stalled)
    assert any(row["ratings"]["buyer"].get("blocks") for row in rows["work_orders"]) is production
    assert any(row.get("special_skill") for row in rows["work_orders"]) is production
    assert any(row["file"].get("size") for row in rows["work_order_attachments"]) is production
    assert any(row.get("min_amount") for row in rows["work_order_fees"]) is production
    assert all(row["logged_by"]["out"] for row in rows["work_order_time_logs"])
    unknown = t.cast("WorkOrdersStream", done.tap.streams["work_orders"]).mismatches.unknown_keys.keys()
    assert unknown <= {"dispatch_score", "carbon_grams", "smart_summary"}
    assert not t.cast("WorkOrdersStream", done.tap.streams["work_orders"]).mismatches.invalid_values
    assert done.warnings == []


# Lists within work orders


def test_totals_that_count_hidden_rows_cost_no_request(api: Emulator) -> None:
    api.switch(embedded_hidden=2)
    streams = {"work_orders", *truth.EMBEDDED}
    api.reset_log()
    done = run(api, catalog(streams))
    assert [entry.path for entry in api.log if entry.path.startswith("/workorders/")] == []
    for stream in set(truth.EMBEDDED) - {"work_order_tasks"}:
        truth.compare(api, stream, done, orders(api))
    assert len(done.out.rows["work_order_tasks"]) == sum(len(one["tasks"]["results"]) for one in orders(api))
    tags = t.cast("EmbeddedStream", done.tap.streams["work_order_tags"])
    assert tags.hidden_rows == 2 * WORK_ORDERS
    assert done.warnings == []


def test_totals_that_no_endpoint_explains_cost_few_requests(api: Emulator) -> None:
    """`per_page` counts what is shown, so the lists look cut; their endpoints have no more rows."""
    api.switch(embedded_cut=1_000, embedded_hidden=2)
    api.reset_log()
    done = run(api, catalog({"work_orders", "work_order_tags", "work_order_tasks"}))
    assert [len(requested(api, f"/{name}")) for name in ("tags", "tasks")] == [10, 10]
    truth.compare(api, "work_order_tags", done, orders(api))
    assert len(done.out.rows["work_order_tasks"]) == sum(len(one["tasks"]["results"]) for one in orders(api))


# Requests of providers


SERVERS: dict[str, dict[str, t.Any]] = {
    "a bare array": {},
    "list is required": {"require_provider_list": True},
    "an envelope": {"provider_envelope": True, "require_provider_list": True},
    "an envelope without pages": {"provider_envelope": True, "list_metadata": "no-pages"},
    "the marketplace": {"marketplace": 300},
    "the marketplace in pages": {"marketplace": 300, "provider_envelope": True},
}


@pytest.mark.parametrize("server", SERVERS)
def test_requests_are_read(api: Emulator, server: str) -> None:
    expected = {
        (one["id"], row["id"], row["request"]["id"])
        for one in orders(api)
        for row in api.rows(f"/workorders/{one['id']}/providers")
        if "request" in row
    }
    assert len(expected) > 50
    api.switch(**SERVERS[server])
    done = run(api, catalog({"work_orders", REQUESTS}))
    assert keys(done, REQUESTS) == expected
    assert done.warnings == []
    stream = t.cast("ByRequestStream", done.tap.streams[REQUESTS])
    assert stream.other_rows >= 300 * len(set(requested(api, "/providers"))) * (server.startswith("the market"))
    assert stream.other_rows > 0, "routed providers"
    assert stream.row_builder.rows_without_key == 0
    assert not stream.row_builder.mismatches.unknown_keys


def test_a_marketplace_is_bounded(api: Emulator) -> None:
    api.switch(marketplace=5_000, provider_envelope=True)
    [work_order] = [one["id"] for one in orders(api) if one["publish_stats"]["requests"] > 2][:1]
    api.reset_log()
    done = run(api, catalog({"work_orders", REQUESTS}))
    assert requested(api, f"/{work_order}/providers") == [f"/workorders/{work_order}/providers"] * 10
    stream = t.cast("ByRequestStream", done.tap.streams[REQUESTS])
    assert stream.truncated > 20
    assert "/providers the API counts" in stream.missing


@pytest.mark.parametrize("form", ["schedule", "service_window", "eta"])
def test_counter_offers_of_each_form_are_held(api: Emulator, form: str) -> None:
    api.switch(counter_offer=form)
    done = run(api, catalog({"work_orders", REQUESTS}))
    offers = [row["request"] for row in done.out.rows[REQUESTS] if row["request"]["counter"]]
    assert len(offers) > 10
    for offer in offers:
        assert offer["schedule"][form]["start"]["utc"]
        assert [expense["reason"] for expense in offer["expenses"]["results"]] == ["Parking"]
        assert (form == "schedule") or offer["technician"]["id"] == offer["user"]["id"]
    mismatches = t.cast("t.Any", done.tap.streams[REQUESTS]).row_builder.mismatches
    assert not mismatches.unknown_keys
    assert not mismatches.invalid_values


@pytest.mark.parametrize("stats", ["all", "requests", "total-only"])
def test_a_work_order_is_asked_for_where_a_count_is_not_0_or_changed(api: Emulator, stats: str) -> None:
    api.switch(publish_stats=stats)
    selected = catalog({"work_orders", REQUESTS})
    api.reset_log()
    first = run(api, selected)
    counts = {one["id"]: one["publish_stats"] for one in orders(api)}
    with_some = {one for one, shown in counts.items() if shown["all_requests"] or shown["routes"]}
    assert asked(api) == (counts.keys() if stats == "requests" else with_some)
    assert len(keys(first, REQUESTS)) == sum(one["publish_stats"]["requests"] for one in orders(api))

    api.reset_log()
    is_open = {one["id"] for one in orders(api) if one["status"]["name"] in {"Published", "Assigned", "Work Done"}}
    assert len(is_open) > 2
    second = run(api, selected, first.out.state)
    assert asked(api) & is_open == set()

    changed = max(is_open & with_some)
    assert api.change("add_request", changed)
    api.reset_log()
    third = run(api, selected, second.out.state)
    assert asked(api) & is_open == {changed}
    rows = [row for row in third.out.rows[REQUESTS] if row["work_order_id"] == changed]
    assert len(rows) == api.company.work_order(changed)["publish_stats"]["requests"]


def asked(api: Emulator) -> set[int]:
    """The work orders whose providers were requested."""
    return {int(path.split("/")[2]) for path in requested(api, "/providers")}


# Clients


@pytest.mark.parametrize("inactive", ["on-request", "always", "never"])
def test_all_clients_that_the_api_gives_are_read(api: Emulator, inactive: str) -> None:
    book = api.company.directory.clients
    assert {client.active for client in book} == {True, False}
    api.switch(inactive_clients=inactive)
    done = run(api, catalog({"clients"}), emit_activate_version_messages=True)
    assert keys(done, "clients") == {
        (api.company.id, client.id) for client in book if client.active or inactive != "never"
    }
    assert len(done.out.rows["clients"]) == len(keys(done, "clients")), "each once"
    assert ("ACTIVATE_VERSION", "clients") in done.out.order
    assert done.warnings == []


def test_a_server_may_refuse_the_filters_of_clients(api: Emulator) -> None:
    api.faults([{"match": {"path": "/clients", "nth": 2, "times": 2}, "do": "400"}])
    done = run(api, catalog({"clients"}))
    assert api.unserved_faults() == []
    active = {(api.company.id, client.id) for client in api.company.directory.clients if client.active}
    assert keys(done, "clients") == active
    assert done.warnings == []
