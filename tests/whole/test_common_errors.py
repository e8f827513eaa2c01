"""The errors that Field Nation's documentation lists as common, each with its own sentence, in `--test` too."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator, VirtualClock
from tests.whole.runs import Runner, small_catalog

if t.TYPE_CHECKING:
    from pathlib import Path

CHECK = "check that client_id and client_secret are correct, have no spaces around them and belong to this environment"
LATER = "the API keeps failing: check Field Nation's status page, and run again later (no data is lost)."
WORK_ORDERS = "work_orders: /api/rest/v2/workorders"


class Common(t.NamedTuple):
    """One row.

    Attributes:
        sentence: What the run ends with, from its beginning; `…` stands for anything.
        settings: Of the tap.
        switches: Of the emulator.
        faults: Which requests for work orders fail for ever, and how.
    """

    sentence: str
    settings: t.Mapping[str, t.Any] = {}
    switches: t.Mapping[str, t.Any] = {}
    faults: str = ""


def login(status: int, reason: str, advice: str) -> str:
    return f"Field Nation (http://127.0.0.1:…) gave no access token, HTTP {status} ({reason}): {advice}"


NOBODY = "Client authentication failed"
COMMON = {
    "a wrong id": Common(login(401, NOBODY, CHECK), {"client_id": "somebody-else"}),
    "a wrong secret": Common(login(401, NOBODY, CHECK), {"client_secret": "not-the-secret"}),
    "space around the secret": Common(
        "Setting client_secret has whitespace around it: remove it.", {"client_secret": "x "}
    ),
    "space around the id": Common("Setting client_id has whitespace around it: remove it.", {"client_id": "\tx"}),
    "space within the secret": Common(login(401, NOBODY, CHECK), {"client_secret": "not the secret"}),
    "those of another environment": Common(login(401, NOBODY, CHECK), {"client_id": "fn-of-the-sandbox"}),
    "a grant type that is not open": Common(
        login(
            400,
            "The client is not authorized to use this grant type",
            "the client-credentials grant is not enabled for this client: set username and password for the password "
            "grant, or ask Field Nation to enable it.",
        ),
        switches={"client_credentials": False},
    ),
    "a password grant that is not open": Common(
        login(
            400,
            "The client is not authorized to use this grant type",
            "the password grant is not enabled for this client: ask Field Nation to enable it.",
        ),
        {"username": "somebody", "password": "knows"},
        {"password_grant": False},
    ),
    "a wrong password": Common(
        login(
            400,
            "The user credentials were incorrect",
            "check that client_id, client_secret, username and password are correct",
        ),
        {"username": "somebody", "password": "guesses"},
    ),
    "an ended token": Common(
        f"{WORK_ORDERS} returned HTTP 401 (The access token expired): a new token is rejected as expired too",
        faults="401",
    ),
    "an ended token, as the older pages have it": Common(
        f"{WORK_ORDERS} returned HTTP 400 (Expired token): a new token is rejected as expired too",
        faults="400-expired",
    ),
    "a corrupted token": Common(
        f"{WORK_ORDERS} returned HTTP 401 (The access token is invalid): a new token is rejected as invalid too: "
        "check whether a proxy alters it, or try the other access_token_location.",
        faults="token-altered",
    ),
    "no permission": Common(
        f"{WORK_ORDERS} returned HTTP 403 (Made to fail with 403; correlation id …): ask for permission",
        faults="403",
    ),
    "an api_url that is none": Common(
        f"{WORK_ORDERS} returned HTTP 404 (Made to fail with 404): check environment and api_url",
        faults="404-status",
    ),
    "a quota that is used up": Common(
        f"{WORK_ORDERS} returned HTTP 429 (Rate limit exceeded): the rate limit is shared",
        faults="429-none",
    ),
    "trouble": Common(f"{WORK_ORDERS} returned HTTP 502 (Made to fail with 502): {LATER}", faults="502-error"),
    "a request that is not understood": Common(
        f"{WORK_ORDERS} returned HTTP 400 (Made to fail with 400; correlation id …): this looks like a bug "
        "in tap-fieldnation: please report it with this line.",
        faults="400",
    ),
    "a redirect": Common(
        f"{WORK_ORDERS} returned HTTP 302: redirects are not followed, to protect the token: check api_url.",
        faults="redirect-other",
    ),
    "a page of HTML": Common(
        f"{WORK_ORDERS} returned HTTP 200 (the body is not valid JSON: …): a proxy or the server",
        faults="html",
    ),
    "silence": Common(
        f"{WORK_ORDERS} could not be read (the connection failed or was closed): check the network",
        faults="reset-before",
    ),
}


@pytest.mark.parametrize("common", COMMON.values(), ids=COMMON)
def test_each_error_has_its_sentence(tmp_path: Path, common: Common) -> None:
    clock = VirtualClock()
    with Emulator(work_orders=30, days=40, seed=3, rate_limit=0, clock=clock, **common.switches) as api:
        if common.faults:
            api.faults([{"match": {"path": "/workorders", "times": 0}, "do": common.faults}])
        settings = {"max_retries": 0, **common.settings}
        runner = Runner(api, tmp_path)
        ended = runner.run(catalog=small_catalog("work_orders"), **settings)
        tested = runner.run("--test", catalog=small_catalog("work_orders"), **settings)
        assert api.unserved_faults() == []
    assert_sentence(common, ended.last_line)
    assert ended.last_line.endswith(".")
    assert (ended.code, tested.code) == (1, 1)
    assert "Traceback" not in ended.log + tested.log
    assert ended.last_line in {tested.last_line, *(line.removeprefix("FAIL  ") for line in tested.output.splitlines())}
    for value in ("client_id", "client_secret", "password"):
        assert str(common.settings.get(value, "(none)")).strip() not in ended.last_line.split()


def test_a_scope_that_is_not_enabled_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_fieldnation.api.auth.SCOPE", "everything")
    with Emulator(work_orders=3, days=3, clock=VirtualClock()) as api:
        ended = Runner(api, tmp_path).run(catalog=small_catalog("work_orders"))
    reason = "The requested scope is invalid, unknown, or malformed"
    advice = "the scope is not enabled for this client: set username and password for the password grant, or ask"
    assert_sentence(Common(login(400, reason, advice)), ended.last_line)


def assert_sentence(common: Common, line: str) -> None:
    begin, *parts = common.sentence.split("…")
    assert line.startswith(begin)
    for part in parts:
        assert part in line
