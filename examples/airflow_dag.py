"""Airflow 3: the Meltano job of this project, once an hour, one run at a time.

Put this file into Airflow's folder of DAGs, and set where the Meltano project is, in the environment of the workers:
FIELDNATION_PROJECT=/path/to/project. Meltano has to be on their PATH; credentials stand in the project's `.env`.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="fieldnation",
    description="Work orders from Field Nation",
    schedule="0 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,  # each run reads what has changed since the last one, so there is nothing to make up for
    max_active_runs=1,  # the next hour waits for a run that outlasts this one
    tags=["fieldnation", "meltano"],
) as dag:
    BashOperator(
        task_id="meltano",
        bash_command="exec meltano --environment=prod run fieldnation-to-postgres",
        cwd=os.environ.get("FIELDNATION_PROJECT", "/path/to/project"),
        # the first run, which reads all of history, ends by itself before the hour is over; the next one goes on there
        env={"TAP_FIELDNATION_MAX_MINUTES": "50"},
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(hours=2),  # should something hang
    )
