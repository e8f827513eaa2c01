"""Dagster: load the tables and build the dbt models of this Meltano project once an hour, one run at a time, as assets.

Set FIELDNATION_PROJECT=/path/to/project in the environment, have Meltano on PATH, and start Dagster with
`dagster dev -f dagster_assets.py`. Credentials are in the project's `.env`.
"""

import os
import subprocess
from collections.abc import Iterator

import dagster as dg

# One asset for each table that your models use; one run updates all of them.
TABLES = ("work_orders", "work_order_expenses", "work_order_time_logs", "work_order_removals", "clients", "projects")


def meltano(context: dg.AssetExecutionContext, *arguments: str) -> None:
    """Run Meltano, and copy its log to Dagster's."""
    command = ["meltano", "--environment=prod", *arguments]
    with subprocess.Popen(
        command,
        cwd=os.environ["FIELDNATION_PROJECT"],
        # stop the first run, which reads the whole history, before the hour is over; the next run continues from there
        env={**os.environ, "TAP_FIELDNATION_MAX_MINUTES": "50"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as run:
        try:
            for line in run.stdout or ():
                context.log.info(line.rstrip())
        finally:
            if run.poll() is None:
                run.terminate()  # the tap writes STATE, and the next run continues from it
    if run.returncode:
        raise dg.Failure(f"Meltano exited with code {run.returncode}; the reason is in the log above.")


@dg.multi_asset(
    name="fieldnation",
    specs=[dg.AssetSpec(["fieldnation", table], kinds={"postgres"}) for table in TABLES],
    pool="fieldnation",  # with a limit of 1: `dagster instance concurrency set fieldnation 1`
)
def fieldnation(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Load the tables."""
    meltano(context, "run", "fieldnation-to-postgres")
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=["fieldnation", table])


@dg.asset(
    key=["fieldnation", "models"],
    deps=[["fieldnation", table] for table in TABLES],
    kinds={"dbt", "postgres"},
    pool="fieldnation",
)
def models(context: dg.AssetExecutionContext) -> None:
    """Build and test the dbt models."""
    meltano(context, "invoke", "dbt-postgres:build")


hourly = dg.ScheduleDefinition(
    name="fieldnation_hourly",
    cron_schedule="0 * * * *",
    execution_timezone="UTC",
    target=dg.AssetSelection.groups("default"),
)
defs = dg.Definitions(assets=[fieldnation, models], schedules=[hourly])
