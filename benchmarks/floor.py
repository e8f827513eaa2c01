"""The least that a tap in Python has to do: fetch the pages, decode them, write a RECORD a work order.

`python -m benchmarks.floor`, which reads from stdin, as JSON, where to log in and what to ask for (`benchmarks.cpu`
says it). Nothing is cleaned, checked or selected, and STATE says nothing.
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
    answer = session.post(given["login_url"], json=given["login"], timeout=60)
    query = {**given["params"], "access_token": answer.json()["access_token"]}
    number, pages = 0, 1
    while number < pages:
        number += 1
        answer = session.get(given["url"], params={**query, "page": number}, timeout=60)
        page = orjson.loads(answer.content)
        pages = page["metadata"]["pages"]
        for record in page["results"]:
            message = {"type": "RECORD", "stream": "work_orders", "record": record}
            sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    sys.stdout.buffer.write(orjson.dumps({"type": "STATE", "value": {}}) + b"\n")


if __name__ == "__main__":
    main()
