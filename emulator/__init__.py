"""An emulator of Field Nation's REST API v2 on a loopback port, for the demo, the tests and the benchmarks.

from emulator import Emulator

with Emulator(work_orders=2_500, seed=1) as api:
...  # api.url, api.client_id, api.client_secret; api.company holds the expected data, api.log the requests received
"""

from __future__ import annotations

from .clock import SystemClock, VirtualClock
from .emulator import Emulator
from .switches import Switches

__all__ = ["Emulator", "Switches", "SystemClock", "VirtualClock"]
