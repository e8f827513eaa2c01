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
    """Parse the command line, serve, say where."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description="Field Nation on a loopback port")
    parser.add_argument("--host", default="127.0.0.1", choices=["127.0.0.1", "localhost"], help="loopback only")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--work-orders", type=int, default=2_500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=365, help="how far the history reaches back")
    parser.add_argument("--today", type=date.fromisoformat, help="last day of the history, YYYY-MM-DD (today in UTC)")
    parser.add_argument(
        "--switch", action="append", default=[], metavar="NAME[=VALUE]", help="see emulator/switches.py"
    )
    parser.add_argument("--credentials", action="store_true", help="print the credentials too, as one line of JSON")
    options = parser.parse_args()
    try:
        switches = Switches().parsed(options.switch)
    except ValueError as wrong:
        parser.error(str(wrong))
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
            known = emulator.app.tokens.credentials
            print(msgspec.json.encode(known).decode(), flush=True)
        while not stop.wait(0.5):
            pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
