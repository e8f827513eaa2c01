"""The programs of the alternatives: their environments, and what they need to read the same as this tap."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import typing as t
import venv
from pathlib import Path

import requests

from benchmarks.peers import tap_rest_api_msdk
from tap_fieldnation.api.auth import SCOPE, TOKEN_PATH
from tap_fieldnation.api.work_orders import FIXED_PARAMS

if t.TYPE_CHECKING:
    from benchmarks.common import Server

HERE = Path(__file__).parent
VENVS = HERE / ".venvs"
# The first of the types that are inferred -> a type that fits other values too.
WIDENED = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "string"}


def msdk() -> list[str]:
    """The command of `tap-rest-api-msdk`."""
    return [str(environment("tap-rest-api-msdk") / "tap-rest-api-msdk")]


def dlt() -> list[str]:
    """The command that runs dlt; its stdin has its parameters."""
    return [str(environment("dlt") / "python"), str(HERE / "dlt_pipeline.py")]


def msdk_config(api: Server, columns: str) -> dict[str, t.Any]:
    """The config file of `tap-rest-api-msdk`, with a new access token."""
    return tap_rest_api_msdk.config(api.url, token(api), query(columns))


def msdk_schema(api: Server, columns: str) -> dict[str, t.Any]:
    """The schema that it infers of the first page, in a form that fits the other pages too: nulls, and no integers."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(msdk_config(api, columns), file)
        file.flush()
        listed = subprocess.run([*msdk(), "--config", file.name, "--discover"], capture_output=True, check=True)
    (stream,) = json.loads(listed.stdout)["streams"]
    properties = {name: {"type": _widened(node["type"])} for name, node in stream["schema"]["properties"].items()}
    return {"type": "object", "properties": properties | {"id": {"type": "integer"}}}


def _widened(inferred: str | list[str]) -> list[str]:
    kinds = [inferred] if isinstance(inferred, str) else inferred
    return [next(wide for kind, wide in WIDENED.items() if kind in kinds), "null"]


def dlt_given(api: Server, columns: str) -> dict[str, t.Any]:
    """The parameters of dlt, with a new access token."""
    return {"url": api.url, "token": token(api), "params": query(columns)}


def query(columns: str) -> dict[str, str]:
    """The query parameters of this tap, without the page."""
    return {**FIXED_PARAMS, "columns": columns, "sort": "id", "order": "desc", "per_page": "100"}


def token(api: Server) -> str:
    """A new access token."""
    login = {"grant_type": "client_credentials", "scope": SCOPE}
    login |= {"client_id": api.client_id, "client_secret": api.client_secret}
    response = requests.post(f"{api.url}{TOKEN_PATH}", json=login, timeout=60)
    return str(response.json()["access_token"])


def environment(name: str) -> Path:
    """The folder of the programs of an alternative's environment, which is created if it does not exist."""
    pins = HERE / f"{name}.txt"
    folder = VENVS / name
    mark = folder / "installed.txt"
    if not mark.exists() or mark.read_text() != pins.read_text():
        print(f"installing {name}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(pins)]
        subprocess.run(install, check=True)
        mark.write_text(pins.read_text())
    return folder / "bin"
