"""Run the emulator, the tap, Meltano, target-postgres and PostgreSQL, and show the loaded tables."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from demo.postgres import PostgresError, postgres
from demo.project import Project
from demo.table import table
from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "fieldnation_dev"  # that of the environment `dev` in meltano.yml
BY_MONTH_AND_STATUS = """
select to_char(created_at, 'YYYY-MM') as month,
       count(*) as work_orders,
       count(*) filter (where status_name in ('Draft', 'Published', 'Routed')) as unassigned,
       count(*) filter (where status_name = 'Assigned') as assigned,
       count(*) filter (where status_name = 'Work Done') as done,
       count(*) filter (where status_name = 'Approved') as approved,
       count(*) filter (where status_name = 'Paid') as paid,
       count(*) filter (where status_name = 'Cancelled') as cancelled,
       sum(pay_total) as pay
from work_orders
group by month
order by month
"""
# A child record is current if its extracted_at is not earlier than that of its work order.
HOURS = """
select clients.name as client,
       types_of_work.name as type_of_work,
       managers.first_name || ' ' || managers.last_name as manager,
       count(distinct work_orders.id) as work_orders,
       sum(work_order_time_logs.hours) as hours
from work_orders
join work_order_time_logs on work_order_time_logs.work_order_id = work_orders.id
                         and work_order_time_logs.extracted_at >= work_orders.extracted_at
join clients on clients.company_id = work_orders.company_id and clients.id = work_orders.client_id
join types_of_work on types_of_work.id = work_orders.type_of_work_id
join managers on managers.company_id = work_orders.company_id and managers.id = work_orders.manager_id
group by 1, 2, 3
order by hours desc, 1, 2, 3
limit 25
"""


class DemoError(Exception):
    """A step failed; the text says which one and why."""


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Print what is being done, and then how long it took."""
    print(f"{text} ... ", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - start:.1f} s", flush=True)


def run(work_orders: int, seed: int) -> None:
    """Run the whole demo."""
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        with step("Starting PostgreSQL on a free port of 127.0.0.1"):
            server = stack.enter_context(postgres())
        with step(f"Starting the Field Nation emulator with {work_orders:,} work orders (seed {seed})"):
            api = stack.enter_context(Emulator(work_orders=work_orders, seed=seed, rate_limit=0))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tap-fieldnation-demo-"))
        settings = {
            "api_url": api.url,
            "client_id": api.client_id,
            "client_secret": api.client_secret,
            "requests_per_minute": "6000",  # the emulator's own limit is off
        }
        project = Project.create(Path(folder), settings, server)
        command = ["--environment=dev", "run", "fieldnation-to-postgres"]
        with step(f"Running (half a minute to two minutes): meltano {' '.join(command)}"):
            result = project.meltano(*command)
            if result.code:
                raise DemoError(f"Meltano exited with code {result.code}; from its log:\n{result.last_words}")
        expected = len(api.company.visible_ids())
        with psycopg.connect(server.uri, options=f"-c search_path={SCHEMA}") as connection:
            show(connection, expected)
    print(f"\nDone in {time.monotonic() - start:.1f} s. The server and its data were deleted.")


def show(connection: psycopg.Connection[tuple[object, ...]], expected: int) -> None:
    """Print the loaded tables; raises DemoError unless there are as many work orders as expected."""
    names = [
        str(name)
        for (name,) in connection.execute(
            "select table_name from information_schema.tables where table_schema = %s order by table_name",
            [SCHEMA],
        )
    ]
    counts = []
    for name in names:
        counted = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(name)))
        counts.append((f"{SCHEMA}.{name}", *(counted.fetchone() or ())))
    print(f"\nLoaded tables:\n\n{table(['table', 'rows'], counts)}")
    if (f"{SCHEMA}.work_orders", expected) not in counts:
        raise DemoError(f"The API has {expected:,} work orders, but another number was loaded.")
    for title, query in (("Work orders by month and status", BY_MONTH_AND_STATUS), ("A join of five tables", HOURS)):
        result = connection.execute(query)
        heading = [column.name for column in result.description or ()]
        print(f"\n{title}:\n{query}\n{table(heading, result)}")


def main() -> int:
    """Run the demo; a failure is reported in one sentence."""
    parser = argparse.ArgumentParser(prog="dev demo", description=__doc__)
    parser.add_argument("--work-orders", type=int, default=2500, metavar="N", help="work orders (default: 2500)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the company (default: 1)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that cleanup runs
    try:
        run(arguments.work_orders, arguments.seed)
    except (DemoError, PostgresError, psycopg.Error) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
