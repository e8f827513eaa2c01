"""Airflow 3: load the tables and build the dbt models of this Meltano project once an hour, one run at a time.

Copy this file to Airflow's DAGs folder. Set FIELDNATION_PROJECT=/path/to/project in the environment of the workers, and
have Meltano on their PATH. Credentials are in the project's `.env`.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("FIELDNATION_PROJECT", "/path/to/project")

with DAG(
    dag_id="fieldnation",
    description="Work orders from Field Nation",
    schedule="0 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,  # each run reads what has changed since the last one, so there is nothing to backfill
    max_active_runs=1,  # if a run takes longer than an hour, the next one waits
    tags=["fieldnation", "meltano"],
) as dag:
    load = BashOperator(
        task_id="load",
        bash_command="exec meltano --environment=prod run fieldnation-to-postgres",
        cwd=PROJECT,
        # stop the first run, which reads the whole history, before the hour is over; the next run continues from there
        env={"TAP_FIELDNATION_MAX_MINUTES": "50"},
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(hours=2),  # in case something hangs
    )
    models = BashOperator(
        task_id="models",
        bash_command="exec meltano --environment=prod invoke dbt-postgres:build",
        cwd=PROJECT,
        execution_timeout=timedelta(hours=1),
    )
    load >> models
