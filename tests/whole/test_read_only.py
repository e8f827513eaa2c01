"""With every stream selected: nothing is changed at Field Nation, and what must never be read is not requested."""

from __future__ import annotations

from emulator import Emulator
from tap_fieldnation.api.auth import TOKEN_PATH
from tests.whole.in_process import catalog, names, run

# Words in the paths of what holds keys of integrations, or contents of files.
NEVER = ("integration", "download", "file", "key", "token")


def test_only_get_besides_the_login_and_no_keys_and_no_files() -> None:
    with Emulator(work_orders=12, days=40, seed=6, rate_limit=0) as api:
        done = run(api, catalog(names()))
        asked = {(entry.method, entry.path) for entry in api.log}
    assert done.out.rows.keys() > {"work_order_attachments", "work_order_signatures", "users"}
    assert {path for method, path in asked if method != "GET"} == {TOKEN_PATH}
    assert len(asked) > 40
    paths = {path for _, path in asked} - {TOKEN_PATH}
    assert [path for path in paths if any(word in path for word in NEVER)] == []
