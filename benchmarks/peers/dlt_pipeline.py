"""dlt's REST source for Field Nation's work orders. It runs in dlt's environment and reads its parameters from stdin.

Each option follows the page of dlt's documentation that is named next to it. Without a destination nothing is loaded:
like a tap, it only reads and makes tables of what it read.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import typing as t

# https://dlthub.com/docs/reference/telemetry: switched off.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt  # type: ignore[import-not-found]
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]


def make_source(given: dict[str, t.Any]) -> t.Any:
    """The work orders, from the first page to the last one."""
    return rest_api_source(
        {
            # https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api/basic
            "client": {
                "base_url": f"{given['url']}/api/rest/v2/",
                # "Authentication": its OAuth 2.0 client sends a form, but Field Nation requires JSON. So the token
                # is requested beforehand. It expires after an hour, so a longer run fails.
                "auth": {"type": "bearer", "token": given["token"]},
                # "Pagination": `total_path` is the place of the number of pages.
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "page_param": "page",
                    "total_path": "metadata.pages",
                },
            },
            "resources": [
                {
                    "name": "work_orders",
                    # "Resource configuration"; lists become tables of their own, linked by `_dlt_parent_id`.
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {"path": "workorders", "params": given["params"], "data_selector": "results"},
                }
            ],
        }
    )


def load(pipeline: t.Any) -> dict[str, float]:
    """Load what was normalized; returns the seconds that this took."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    pipeline.load()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.perf_counter() - began, "cpu": cpu}


def main() -> None:
    """Extract and normalize; load if there is a destination."""
    given = json.load(sys.stdin)
    source = make_source(given)
    ids: list[int] = []

    def collect_id(row: dict[str, int]) -> dict[str, int]:
        ids.append(row["id"])
        return row

    source.resources["work_orders"].add_map(collect_id)
    with tempfile.TemporaryDirectory() as folder:
        if uri := given.get("postgres"):
            # https://dlthub.com/docs/dlt-ecosystem/destinations/postgres
            destination = "postgres"
            os.environ["DESTINATION__POSTGRES__CREDENTIALS"] = uri
            # https://dlthub.com/docs/dlt-ecosystem/file-formats: not compressed, so that sizes can be compared
            os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"
        else:
            # https://dlthub.com/docs/dlt-ecosystem/destinations/filesystem, which writes JSON lines
            destination = "filesystem"
            os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = folder
        pipeline = dlt.pipeline("peer", pipelines_dir=folder, destination=destination, dataset_name="fieldnation")
        if uri:
            # https://dlthub.com/docs/general-usage/state: its schema and state are kept in the destination
            pipeline.sync_destination()
        pipeline.extract(source)
        info = pipeline.normalize()
        tables = [
            metrics for several in info.metrics.values() for one in several for metrics in one["table_metrics"].values()
        ]
        result = {"rows": info.row_counts, "ids": ids, "bytes": sum(metrics.file_size for metrics in tables)}
        print(json.dumps(result | (load(pipeline) if uri else {})))


if __name__ == "__main__":
    main()
