"""dlt's REST source for Field Nation's work orders. It runs in dlt's environment and reads its parameters from stdin.

Each option follows the page of dlt's documentation that is named next to it. Nothing is loaded: like a tap, it only
reads and makes tables of what it read.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

# https://dlthub.com/docs/reference/telemetry: switched off.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt  # type: ignore[import-not-found]
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]


def main() -> None:
    """Extract and normalize."""
    given = json.load(sys.stdin)
    source = rest_api_source(
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
    ids: list[int] = []

    def collect_id(row: dict[str, int]) -> dict[str, int]:
        ids.append(row["id"])
        return row

    source.resources["work_orders"].add_map(collect_id)
    with tempfile.TemporaryDirectory() as folder:
        # https://dlthub.com/docs/dlt-ecosystem/destinations/filesystem, which writes JSON lines
        os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = folder
        pipeline = dlt.pipeline("peer", pipelines_dir=folder, destination="filesystem", dataset_name="fieldnation")
        pipeline.extract(source)
        info = pipeline.normalize()
        print(json.dumps({"rows": info.row_counts, "ids": ids}))


if __name__ == "__main__":
    main()
