"""The least that a tap in Python has to do: fetch the pages, decode them, write a RECORD for each work order.

`benchmarks.cpu` runs it, and sends the address, the credentials and the parameters to its stdin as JSON. It neither
cleans, checks nor selects anything, and its STATE is empty.
"""

from __future__ import annotations

import json
import sys

import orjson
import requests


def main() -> None:
    """Read page after page."""
    given = json.load(sys.stdin)
    session = requests.Session()
    login = session.post(given["login_url"], json=given["login"], timeout=60)
    query = {**given["params"], "access_token": login.json()["access_token"]}
    number, pages = 0, 1
    while number < pages:
        number += 1
        response = session.get(given["url"], params={**query, "page": number}, timeout=60)
        page = orjson.loads(response.content)
        pages = page["metadata"]["pages"]
        for record in page["results"]:
            message = {"type": "RECORD", "stream": "work_orders", "record": record}
            sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    sys.stdout.buffer.write(orjson.dumps({"type": "STATE", "value": {}}) + b"\n")


if __name__ == "__main__":
    main()
