"""Field Nation on a loopback port: the REST API v2 of one invented company, for demo, tests and benchmarks.

from emulator import Emulator

with Emulator(work_orders=2_500, seed=1) as api:
...  # api.url, api.client_id, api.client_secret; api.company is the truth, api.log what was asked
"""

from __future__ import annotations

from .clock import SystemClock, VirtualClock
from .emulator import Emulator
from .switches import Switches

__all__ = ["Emulator", "Switches", "SystemClock", "VirtualClock"]
