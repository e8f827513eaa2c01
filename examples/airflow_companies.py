"""Airflow 3: load many companies once an hour, each by a task of its own, several at a time on several workers.

Copy this file to Airflow's DAGs folder. It needs:

- the variable `fieldnation_companies`: a JSON list of names, such as ["east", "west"]
- a connection `fieldnation_NAME` for each: login and password are the client id and the client secret, and the extra
  fields are other settings of the tap, such as {"environment": "sandbox", "requests_per_minute": 30}
- the pool `fieldnation`, whose slots are the number of companies that are read at once
- on each worker: FIELDNATION_PROJECT=/path/to/project in the environment, Meltano on the PATH, and in the project's
  `.env` the settings of the target, and MELTANO_DATABASE_URI with a PostgreSQL database, which all workers share. There
  Meltano keeps the state of each company, and refuses to read a company that another worker is reading.
- dbt on the PATH, or FIELDNATION_DBT=/path/to/dbt if it is in an environment of its own
"""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Connection, Variable, task

PROJECT = os.environ.get("FIELDNATION_PROJECT", "/path/to/project")

with DAG(
    dag_id="fieldnation_companies",
    description="Work orders of many companies from Field Nation",
    schedule="0 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,  # each run reads what has changed since the last one, so there is nothing to backfill
    max_active_runs=1,  # if a run takes longer than an hour, the next one waits
    tags=["fieldnation", "meltano"],
) as dag:

    @task
    def companies() -> list[str]:
        """The names of the companies."""
        names: list[str] = Variable.get("fieldnation_companies", deserialize_json=True)
        return names

    @task(
        pool="fieldnation",
        map_index_template="{{ task.op_kwargs['company'] }}",
        # After a worker was lost, Meltano refuses the company for up to 5 minutes: the lost run could still be reading.
        retries=8,
        retry_delay=timedelta(minutes=1),
        execution_timeout=timedelta(hours=2),  # in case something hangs
    )
    def load(company: str) -> None:
        """Run Meltano for a company, with its own credentials, state and rate limit."""
        connection = Connection.get(f"fieldnation_{company}")
        settings = {
            "client_id": connection.login,
            "client_secret": connection.password,
            # stop the first run, which reads the whole history, before the hour is over; the next one continues there
            "max_minutes": 50,
            **connection.extra_dejson,
        }
        # Meltano's files of a run have the same names for all companies, so each needs a folder of its own
        folder = {"MELTANO_SYS_DIR_ROOT": str(Path(PROJECT, ".meltano", "companies", company))}
        variables = {f"TAP_FIELDNATION_{name.upper()}": str(value) for name, value in settings.items()}
        command = ["meltano", "--environment=prod", "run", f"--state-id-suffix={company}", "fieldnation-to-postgres"]
        with subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **variables, **folder}) as run:
            try:
                code = run.wait()
            finally:
                if run.poll() is None:
                    run.send_signal(signal.SIGTERM)  # the tap writes STATE, and the next run continues from it
        if code:
            raise RuntimeError(f"Meltano exited with code {code} for {company}; the reason is in the log above.")

    build = BashOperator(
        task_id="build",
        bash_command='exec "${FIELDNATION_DBT:-dbt}" build --project-dir dbt',
        cwd=PROJECT,
        trigger_rule="all_done_min_one_success",  # a company that fails does not keep the models of the others outdated
    )
    load.expand(company=companies()) >> build
