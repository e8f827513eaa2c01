"""`tap-fieldnation … | target-postgres …`, as a person types it: the tables agree with the API."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row

from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.postgres import Server

pytestmark = pytest.mark.usefixtures("untraced")

WORK_ORDERS = 330  # the last page is not full
BIN = Path(sys.executable).parent
SCHEMA = "by_hand"

# Where each column's value stands in a work order as the API sends it. Written down here once more, by the contract,
# so that a mistake in the tap's own table shows.
WHOLE_NUMBERS = {
    "status_id": "status.id",
    "company_id": "company.id",
    "client_id": "client.id",
    "project_id": "project.id",
    "template_id": "template.id",
    "manager_id": "manager.id",
    "provider_id": "assignee.user.id",
    "type_of_work_id": "type_of_work.id",
    "location_id": "location.saved_location.id",
    "invoice_id": "pay.invoice.id",
    "finance_id": "pay.finance.id",
}
COUNTS = {
    "requests_count": "publish_stats.requests",
    "counter_offers_count": "publish_stats.counter_offers",
    "routes_count": "publish_stats.routes",
}
TEXTS = {
    "status_name": "status.name",
    "client_name": "client.name",
    "project_name": "project.name",
    "type_of_work_name": "type_of_work.name",
    "location_city": "location.city",
    "location_state": "location.state",
    "location_zip": "location.zip",
    "location_country": "location.country",
    "time_zone": "schedule.time_zone.name",
    "pay_type": "pay.type",
    "job_status": "site_revisit.job_status",
    "incomplete_reason": "site_revisit.incomplete_reason.reason_name",
}
MOMENTS = {
    "created_at": "milestones.created.utc",
    "published_at": "milestones.published.utc",
    "routed_at": "milestones.routed.utc",
    "assigned_at": "milestones.assigned.utc",
    "work_done_at": "milestones.workdone.utc",
    "approved_at": "milestones.approved.utc",
    "paid_at": "milestones.paid.utc",
    "cancelled_at": "milestones.canceled.utc",
    "scheduled_start_at": "schedule.service_window.start.utc",
    "scheduled_end_at": "schedule.service_window.end.utc",
    "invoice_sent_at": "pay.invoice.sent.utc",
    "invoice_paid_at": "pay.invoice.paid.utc",
}
MILESTONES = [column for column, path in MOMENTS.items() if path.startswith("milestones.")]
NUMBERS = {"pay_total": "pay.total", "pay_base_amount": "pay.base.amount", "pay_base_units": "pay.base.units"}


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=21, rate_limit=0) as running:
        yield running


def load(api: Emulator, database: Server, folder: Path) -> None:
    """The pipe, for work orders alone: what else lands is for other tests."""
    tap = {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "api_url": api.url,
        "requests_per_minute": 6000,
    }
    target = {
        "host": database.host,
        "port": database.port,
        "user": database.user,
        "password": database.password,
        "database": database.database,
        "default_target_schema": SCHEMA,
    }
    (folder / "tap.json").write_text(json.dumps(tap))
    discover = [str(BIN / "tap-fieldnation"), "--config", "tap.json", "--discover"]
    catalog = json.loads(subprocess.run(discover, cwd=folder, check=True, capture_output=True).stdout)
    catalog["streams"] = [one for one in catalog["streams"] if one["tap_stream_id"] == "work_orders"]
    for name, content in {"tap": tap, "target": target, "catalog": catalog}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    pipe = [str(BIN / "tap-fieldnation"), "--config", "tap.json", "--catalog", "catalog.json"]
    with subprocess.Popen(pipe, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source:
        loaded = subprocess.run(
            [str(BIN / "target-postgres"), "--config", "target.json"],
            cwd=folder,
            stdin=source.stdout,
            capture_output=True,
            check=False,
        )
        assert source.stdout
        source.stdout.close()
        assert source.stderr
        said = source.stderr.read().decode()
    assert source.returncode == 0, said
    assert loaded.returncode == 0, loaded.stderr.decode()


def raw(work_order: dict[str, Any], path: str) -> Any:
    """What stands at a place; nothing where it is missing, or belongs to a placeholder with id 0."""
    value: Any = work_order
    for key in path.split("."):
        if not isinstance(value, dict) or str(value.get("id")) == "0":
            return None
        value = value.get(key)
    return value


def number(value: Any) -> int | None:
    return int(value) or None if value else None


def moment(text: str | None) -> datetime | None:
    if not text or text.startswith("0000"):
        return None
    return datetime.fromisoformat(text.replace("T", " ").removesuffix("Z"))


def expected(work_order: dict[str, Any]) -> dict[str, Any]:
    """The lifted columns of a work order, from what the API sends of it."""
    row: dict[str, Any] = {column: number(raw(work_order, path)) for column, path in WHOLE_NUMBERS.items()}
    texts = {column: raw(work_order, path) for column, path in TEXTS.items()}
    row |= {column: None if value in {None, ""} else str(value) for column, value in texts.items()}
    row |= {column: raw(work_order, path) for column, path in COUNTS.items()}
    row["is_revisit"] = raw(work_order, "site_revisit.is_revisit")
    row |= {column: moment(raw(work_order, path)) for column, path in MOMENTS.items()}
    money = {column: raw(work_order, path) for column, path in NUMBERS.items()}
    row |= {column: None if value in {None, ""} else Decimal(str(value)) for column, value in money.items()}
    if row["type_of_work_id"] is None:
        primary = [kind for kind in work_order.get("types_of_work") or [] if kind.get("isPrimary")]
        row["type_of_work_id"] = int(primary[0]["id"]) if primary else None
        row["type_of_work_name"] = primary[0]["name"] if primary else None
    row["last_milestone_at"] = max((row[column] for column in MILESTONES if row[column]), default=None)
    return row


def test_what_lands_by_the_pipe_is_what_the_api_says(api: Emulator, database: Server, tmp_path: Path) -> None:
    load(api, database, tmp_path)
    visible = api.company.visible_ids()
    assert len(visible) > 300

    with psycopg.connect(database.uri, row_factory=dict_row) as connection:
        connection.execute(f"set search_path to {SCHEMA}".encode())
        landed = {row["id"]: row for row in connection.execute("select * from work_orders")}
        types = {
            row["column_name"]: row["data_type"]
            for row in connection.execute(
                "select column_name, data_type from information_schema.columns "
                "where table_schema = %s and table_name = 'work_orders'",
                [SCHEMA],
            )
        }
    assert sorted(landed) == sorted(visible)

    assert types["id"] == "bigint"
    assert types["is_revisit"] == "boolean"
    assert {types[column] for column in NUMBERS} == {"numeric"}
    for columns, kind in (
        ({**WHOLE_NUMBERS, **COUNTS}, "bigint"),
        (TEXTS, "text"),
        (MOMENTS, "timestamp without time zone"),
    ):
        assert {types[column] for column in columns} == {kind}

    seen: set[str] = set()
    for one in random.Random(4).sample(visible, 100):
        due = expected(api.company.work_order(one))
        assert {column: landed[one][column] for column in due} == due
        seen.update(column for column, value in due.items() if value)
    assert seen == due.keys(), "a column that is null everywhere shows nothing"
