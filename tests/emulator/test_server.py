from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from emulator import Emulator, Switches, VirtualClock
from tests.emulator.conftest import SHORT_LIST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import ApiClient


def test_other_methods_than_get_are_not_allowed(client: ApiClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = client.request("/workorders", method=method)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET")


def test_host_must_be_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Emulator(1, host="0.0.0.0")  # noqa: S104  (must be refused)


def test_rate_limit_is_a_sliding_minute(start: Callable[..., ApiClient]) -> None:
    clock = VirtualClock()
    client = start(clock=clock, today=None, rate_limit=5)
    client.login()
    for left in (3, 2, 1, 0):
        response = client.request(SHORT_LIST)
        assert response.headers["X-RateLimit-Remaining"] == str(left)
        clock.advance(10)
    refused = client.request(SHORT_LIST)
    assert refused.status_code == 429
    assert refused.json()["agent"] == {"action": "RETRY", "backoffMs": 60_000, "maxAttempts": 3}
    wait = int(refused.headers["Retry-After"])
    clock.advance(wait - 1)
    assert client.request(SHORT_LIST).status_code == 429
    clock.advance(1)
    assert client.request(SHORT_LIST).ok


def test_keep_alive(client: ApiClient) -> None:
    client.login()
    for _ in range(5):
        assert client.request(SHORT_LIST).raw.version == 11
    assert client.api.server.accepted == 1


def test_gzip(start: Callable[..., ApiClient]) -> None:
    client = start(gzip=True)
    response = client.request("/workorders", columns="id,pay,title")
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.json()["results"]


def test_control_endpoints(client: ApiClient) -> None:
    base = f"{client.api.url}/_emulator"

    def post(action: str, body: object = None) -> requests.Response:
        return client.session.post(f"{base}/{action}", json=body, timeout=5)

    ids = client.session.get(f"{base}/truth", timeout=5).json()
    assert ids == client.api.company.visible_ids()
    truth = client.session.get(f"{base}/truth", params={"id": ids[0]}, timeout=5).json()
    assert truth == client.api.company.work_order(ids[0])
    assert post("advance", {"days": 1}).json()[0]["kind"]
    assert post("change", {"kind": "archive", "id": ids[0]}).json()["work_order_id"] == ids[0]
    assert post("switches", {"page_cap": 50}).json()["page_cap"] == 50
    assert post("switches", {"nonsense": 1}).status_code == 400
    assert post("faults", [{"match": {"path": "/workorders"}, "do": "500"}]).ok
    assert client.request("/workorders").status_code == 500
    assert client.session.get(f"{base}/unserved-faults", timeout=5).json() == []
    log = client.session.get(f"{base}/log", timeout=5).json()
    assert [entry["path"] for entry in log] == ["/authentication/api/oauth/token", "/workorders"]
    assert client.session.get(f"{base}/tokens", timeout=5).json() == [client.token]
    assert post("reset-log").ok
    assert len(client.api.log) == 0
    assert post("plan", {"seed": 1, "every": 1, "changes": 2}).ok
    client.request("/workorders")
    changes = client.session.get(f"{base}/changes", timeout=5).json()
    assert len(changes) == len(client.api.company.changes) > 1
    assert post("stop-changes").ok
    client.request("/workorders")
    assert len(client.api.company.changes) == len(changes)
    clients = client.session.get(f"{base}/rows", params={"path": "/clients", "columns": "name"}, timeout=5).json()
    assert clients == client.api.rows("/clients", columns="name")
    assert post("warm", {"columns": "id"}).ok
    few = client.api.app._sections.size
    assert post("warm", {}).ok
    assert client.api.app._sections.size > 100 * few > 0
    assert post("nonsense").status_code == 404


def test_switches_from_the_command_line() -> None:
    switches = Switches().parsed(["rate_limit=0", "gzip", "latency=0.5", "created-filter=none", "embedded_cut=2"])
    assert (switches.rate_limit, switches.gzip, switches.latency, switches.created_filter) == (0, True, 0.5, "none")
    assert switches.embedded_cut == 2
    with pytest.raises(ValueError, match="no such switch"):
        Switches().parsed(["colour=red"])
    with pytest.raises(ValueError, match="needs a number"):
        Switches().parsed(["rate_limit=many"])
    with pytest.raises(TypeError, match="no such switch"):
        Emulator(1, colour="red")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_command_line() -> None:
    command = [sys.executable, "-m", "emulator", "--work-orders=5", "--seed=3", "--switch=page_cap=7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        url = line.split()[-1]
        assert len(requests.get(f"{url}/_emulator/truth", timeout=5).json()) == 5
        assert requests.get(f"{url}/_emulator/switches", timeout=5).json()["page_cap"] == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
