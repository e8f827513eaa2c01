"""examples/personal_data.json: with it, no person can be identified in what the tap writes by default."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator
from tools import docs

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "personal_data.json"
ADDRESS_OR_PHONE = re.compile(r"[\w.]+@people\.example|\(\d{3}\) 555-\d{4}")
NEW = {"checked_in_at", "checked_out_at"}
Row = dict[str, t.Any]


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=250, seed=2, rate_limit=0) as running:
        yield running


def written(api: Emulator, folder: Path, *configs: Path) -> str:
    """What the tap writes, with these files after that with the credentials."""
    config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
    (folder / "config.json").write_text(json.dumps({**config, "requests_per_minute": 6000}))
    command = [sys.executable, "-m", "tap_fieldnation"]
    for file in (folder / "config.json", *configs):
        command += ["--config", str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True, encoding="utf-8").stdout


def rows(output: str, stream: str) -> list[Row]:
    messages = map(json.loads, output.splitlines())
    return [one["record"] for one in messages if one["type"] == "RECORD" and one["stream"] == stream]


def people(value: object) -> Iterator[str]:
    """The full names of all persons in a record."""
    if isinstance(value, dict):
        if value.get("first_name") and value.get("last_name"):
            yield f"{value['first_name']} {value['last_name']}"
        for inner in value.values():
            yield from people(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from people(inner)


def test_nobody_can_be_told_from_it(api: Emulator, tmp_path: Path) -> None:
    plain, mapped = written(api, tmp_path), written(api, tmp_path, EXAMPLE)
    names = {name for line in plain.splitlines() for name in people(json.loads(line))}
    assert len(names) > 50
    assert ADDRESS_OR_PHONE.search(plain)
    assert [name for name in names if name in mapped] == []
    assert ADDRESS_OR_PHONE.findall(mapped) == []

    # whoever was one person before is one afterwards, and nobody else
    before, after = (rows(output, "work_order_contacts") for output in (plain, mapped))
    assert len(before) == len(after) > 100
    assert len({row["email"] for row in before}) == len({row["email"] for row in after})
    pairs = {(one["name"], other["name"]) for one, other in zip(before, after, strict=True)}
    assert len(pairs) == len({name for name, _ in pairs}) == len({hashed for _, hashed in pairs})
    assert any(row["checked_in_at"] for row in rows(mapped, "work_order_time_logs"))


def test_each_column_that_it_names_is_there() -> None:
    maps = json.loads(EXAMPLE.read_text(encoding="utf-8"))["stream_maps"]
    for stream, columns in maps.items():
        assert columns.keys() - NEW <= docs.streams()[stream].schema["properties"].keys()
