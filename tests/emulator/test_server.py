from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from emulator import Emulator, Switches, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller


def test_only_get_besides_the_token(call: Caller) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = call.ask("/workorders", method=method)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Emulator(1, host="0.0.0.0")  # noqa: S104 - it must be refused


def test_the_budget_is_a_sliding_minute(start: Callable[..., Caller]) -> None:
    clock = VirtualClock()
    call = start(clock=clock, today=None, rate_limit=5)
    call.login()
    for left in (3, 2, 1, 0):
        answer = call.ask("/workorders/lists")
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        clock.advance(10)
    refused = call.ask("/workorders/lists")
    assert refused.status_code == 429
    assert refused.json()["agent"] == {"action": "RETRY", "backoffMs": 60_000, "maxAttempts": 3}
    wait = int(refused.headers["Retry-After"])
    clock.advance(wait - 1)
    assert call.ask("/workorders/lists").status_code == 429
    clock.advance(1)
    assert call.ask("/workorders/lists").ok


def test_one_connection_serves_many_requests(call: Caller) -> None:
    call.login()
    for _ in range(5):
        assert call.ask("/workorders/lists").raw.version == 11
    assert call.api.server.accepted == 1


def test_gzip(start: Callable[..., Caller]) -> None:
    call = start(gzip=True)
    answer = call.ask("/workorders", columns="id,pay,title")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["results"]


def test_control_from_outside(call: Caller) -> None:
    base = f"{call.api.url}/_emulator"

    def post(action: str, body: object = None) -> requests.Response:
        return call.session.post(f"{base}/{action}", json=body, timeout=5)

    ids = call.session.get(f"{base}/truth", timeout=5).json()
    assert ids == call.api.company.visible_ids()
    truth = call.session.get(f"{base}/truth", params={"id": ids[0]}, timeout=5).json()
    assert truth == call.api.company.work_order(ids[0])
    assert post("advance", {"days": 1}).json()[0]["kind"]
    assert post("move", {"kind": "archive", "id": ids[0]}).json()["work_order_id"] == ids[0]
    assert post("switches", {"page_cap": 50}).json()["page_cap"] == 50
    assert post("switches", {"nonsense": 1}).status_code == 400
    assert post("faults", [{"match": {"path": "/workorders"}, "do": "500"}]).ok
    assert call.ask("/workorders").status_code == 500
    assert call.session.get(f"{base}/unserved-faults", timeout=5).json() == []
    log = call.session.get(f"{base}/log", timeout=5).json()
    assert [entry["path"] for entry in log] == ["/authentication/api/oauth/token", "/workorders"]
    assert call.session.get(f"{base}/tokens", timeout=5).json() == [call.token]
    assert post("reset-log").ok
    assert len(call.api.log) == 0
    clients = call.session.get(f"{base}/rows", params={"path": "/clients", "columns": "name"}, timeout=5).json()
    assert clients == call.api.rows("/clients", columns="name")
    assert post("nonsense").status_code == 404


def test_switches_from_a_command_line() -> None:
    made = Switches().parsed(["rate_limit=0", "gzip", "latency=0.5", "created-filter=none", "embedded_cut=2"])
    assert (made.rate_limit, made.gzip, made.latency, made.created_filter) == (0, True, 0.5, "none")
    assert made.embedded_cut == 2
    with pytest.raises(ValueError, match="no such switch"):
        Switches().parsed(["colour=red"])
    with pytest.raises(ValueError, match="needs a number"):
        Switches().parsed(["rate_limit=many"])
    with pytest.raises(TypeError, match="no such switch"):
        Emulator(1, colour="red")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_the_command() -> None:
    command = [
        sys.executable,
        "-m",
        "emulator",
        "--port",
        "0",
        "--work-orders",
        "5",
        "--seed",
        "3",
        "--switch",
        "page_cap=7",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        url = line.split()[-1]
        assert len(requests.get(f"{url}/_emulator/truth", timeout=5).json()) == 5
        assert requests.get(f"{url}/_emulator/switches", timeout=5).json()["page_cap"] == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
