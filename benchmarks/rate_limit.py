"""How much of the rate limit is used at several latencies, and if it is exceeded: `python -m benchmarks.rate_limit`.

Each latency takes some minutes of real time, at 60 requests a minute.
"""

from __future__ import annotations

import itertools
import sys
import typing as t

from benchmarks.common import catalog, report, run
from emulator import Emulator
from tap_fieldnation.api.work_orders import CREATED_NAMES, PATH

LATENCIES = (0.2, 1.0, 3.0, 8.0)
PER_MINUTE = 60
THREADS = 4
REQUESTS = 150
WINDOW = 60.0


def measure(latency: float, per_minute: float, requests: int) -> dict[str, t.Any]:
    """A rate-limited first run against a server that takes `latency` seconds for a response."""
    with Emulator(work_orders=requests * 100, seed=1, rate_limit=0, latency=latency) as api:
        run(api, catalog("work_order_tags"), requests_per_minute=per_minute, max_concurrent_requests=THREADS)
        times = sorted(entry.at for entry in api.log)
        pages = sorted(entry.at for entry in api.log.of(PATH) if _is_history(entry.params))[:-1]
    # Only pages of history are prefetched, and not the last of them, whose days are not settled.
    used = (len(pages) - 1) / ((pages[-1] - pages[0]) / 60 * per_minute)
    most = max(sum(1 for at in times[number:] if at < start + WINDOW) for number, start in enumerate(times))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return {
        "latency, s": latency,
        "requests": len(times),
        "rate limit used, %": 100 * used,
        "possible, %": 100 * min(1.0, THREADS / latency * 60 / per_minute),
        "most in 60 s": most,
        "shortest gap, s": min(gaps),
    }


def _is_history(params: t.Mapping[str, str]) -> bool:
    filtered = any(name in params for name in CREATED_NAMES)
    return filtered and params["order"] == "desc" and params["per_page"] != "1"


def main() -> None:
    """Run the benchmark, print the figures and save them."""
    latencies = [float(latency) for latency in sys.argv[1:]] or LATENCIES
    figures = [measure(latency, PER_MINUTE, REQUESTS) for latency in latencies]
    report("rate_limit", f"Rate limit of {PER_MINUTE} requests/min, {THREADS} concurrent", figures)


if __name__ == "__main__":
    main()
