"""`python -m emulator`: serve until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import threading
from datetime import date

import msgspec

from .emulator import Emulator
from .switches import Switches


def main() -> int:
    """Parse the command line and serve; print the URL."""
    parser = argparse.ArgumentParser(
        prog="python -m emulator", description="An emulator of Field Nation's API on a loopback port"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", choices=["127.0.0.1", "localhost"], help="loopback interface only"
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--work-orders", type=int, default=2_500, help="number of work orders (default: 2500)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated company (default: 1)")
    parser.add_argument("--days", type=int, default=365, help="length of the history in days (default: 365)")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="last day of the history, YYYY-MM-DD (default: today in UTC)"
    )
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="set a switch of emulator/switches.py; may be repeated",
    )
    parser.add_argument("--credentials", action="store_true", help="also print the credentials, as one line of JSON")
    options = parser.parse_args()
    try:
        switches = Switches().parsed(options.switch)
    except ValueError as invalid:
        parser.error(str(invalid))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    emulator = Emulator(
        options.work_orders,
        options.seed,
        options.today,
        options.days,
        port=options.port,
        host=options.host,
        **msgspec.to_builtins(switches),
    )
    with emulator:
        print(f"listening on {emulator.url}", flush=True)
        if options.credentials:
            print(msgspec.json.encode(emulator.app.tokens.credentials).decode(), flush=True)
        while not stop.wait(0.5):
            pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
