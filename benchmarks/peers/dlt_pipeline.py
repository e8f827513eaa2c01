"""dlt's REST source for Field Nation's work orders; runs in the environment of dlt, reads its task from stdin.

Each option is from its documentation, on the page named beside it. It stops before it loads: what is measured is
reading, and making tables of what was read, which is what a tap does.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

# https://dlthub.com/docs/reference/telemetry: nothing of this is anybody's business.
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
                # "Authentication": its OAuth 2.0 client sends a form, and Field Nation takes JSON. So the token is
                # fetched beforehand. It lasts an hour; what goes on for longer fails.
                "auth": {"type": "bearer", "token": given["token"]},
                # "Pagination": `total_path` is where the number of pages stands.
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

    def note(row: dict[str, int]) -> dict[str, int]:
        ids.append(row["id"])
        return row

    source.resources["work_orders"].add_map(note)
    with tempfile.TemporaryDirectory() as folder:
        # https://dlthub.com/docs/dlt-ecosystem/destinations/filesystem, which writes JSON lines
        os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = folder
        pipeline = dlt.pipeline("peer", pipelines_dir=folder, destination="filesystem", dataset_name="fieldnation")
        pipeline.extract(source)
        info = pipeline.normalize()
        print(json.dumps({"rows": info.row_counts, "ids": ids}))


if __name__ == "__main__":
    main()
