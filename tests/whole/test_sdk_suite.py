"""The SDK's own tests for taps, against the emulator, with none switched off: all streams, each with records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_tap_test_class

from emulator import Emulator
from tap_fieldnation.tap import TapFieldNation

if TYPE_CHECKING:
    from collections.abc import Iterator

# Some columns are for other spellings of the API; `test_other_servers.py` shows that they are filled.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records"),
    pytest.mark.usefixtures("untraced"),
]

# The suite takes the config when this file is collected, and reads it when its tests run: by then the emulator listens.
CONFIG: dict[str, Any] = {
    "client_id": "not known yet",
    "client_secret": "not known yet",
    "api_url": "http://127.0.0.1:9",
    "requests_per_minute": 100_000,
}

# An earlier run has seen a work order that is no longer there, so that `work_order_removals` has a record.
STATE = {"bookmarks": {"work_orders": {"cursor": {"version": 1, "streams": [], "open": [987_654_321], "slices": []}}}}


def everything() -> dict[str, Any]:
    """The catalog with all streams selected, those that cost requests too."""
    catalog: dict[str, Any] = TapFieldNation(config={}, validate_config=False).catalog_dict
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = True
    return catalog


@pytest.fixture(scope="session", autouse=True)
def _serving() -> Iterator[None]:
    # Lists that are cut short are completed from their own endpoints, which say more than the work order does: so
    # there is a value for each column.
    with Emulator(work_orders=120, seed=17, rate_limit=0, embedded_cut=1) as api:
        CONFIG.update(client_id=api.client_id, client_secret=api.client_secret, api_url=api.url)
        yield


TestTapFieldNation: Any = get_tap_test_class(
    TapFieldNation, config=CONFIG, parse_env_config=False, catalog=everything(), state=STATE
)
