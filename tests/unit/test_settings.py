"""The settings: which values are accepted; others get a sentence that names the setting and never shows the value."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation import environment, settings
from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.tap import TapFieldNation

CANARY = "canary4711"
GOOD: dict[str, Any] = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


def sentence_for(**config: Any) -> str:
    """What the tap says to a config that it refuses."""
    with pytest.raises(SettingsError) as caught:
        TapFieldNation(config={**GOOD, **config})
    return str(caught.value)


def test_the_smallest_config_has_the_defaults_of_the_contract() -> None:
    config = TapFieldNation(config=dict(GOOD)).config
    assert {setting.name: config.get(setting.name) for setting in settings.SETTINGS} == {
        **GOOD,
        "username": None,
        "password": None,
        "environment": "production",
        "api_url": None,
        "access_token_location": "query",
        "start_date": None,
        "end_date": None,
        "company_id": None,
        "page_size": 100,
        "requests_per_minute": 50,
        "max_concurrent_requests": 4,
        "request_timeout": 120,
        "max_retries": 6,
        "reconcile_days": 30,
        "accept_mass_removals": False,
        "max_minutes": None,
        "progress": True,
        "user_agent": None,
    }


def test_a_setting_that_is_null_has_its_default() -> None:
    nulls = {setting.name: None for setting in settings.SETTINGS if not setting.required}
    config = TapFieldNation(config={**GOOD, **nulls}).config
    assert {name: config[name] for name in nulls} == {name: settings.BY_NAME[name].default for name in nulls}


def test_only_the_credentials_are_required_and_secret() -> None:
    schema = settings.config_jsonschema()
    assert schema["required"] == ["client_id", "client_secret"]
    secret = {name for name, node in schema["properties"].items() if node.get("secret")}
    assert secret == {"client_id", "client_secret", "username", "password"}


@pytest.mark.parametrize(
    ("environment", "origin"),
    [("production", "https://api.fieldnation.com"), ("sandbox", "https://api-sandbox.fndev.net")],
)
def test_an_environment_is_a_host_and_a_url_wins_over_it(environment: str, origin: str) -> None:
    assert TapFieldNation(config={**GOOD, "environment": environment}).context.origin == origin
    other = {"environment": environment, "api_url": "http://127.0.0.1:8080"}
    assert TapFieldNation(config={**GOOD, **other}).context.origin == "http://127.0.0.1:8080"


USABLE: list[tuple[str, Any]] = [
    ("api_url", "https://proxy.example:8443"),
    ("access_token_location", "header"),
    ("start_date", "2026-01-31"),
    ("start_date", "2026-01-31T00:00:00Z"),
    ("start_date", "2026-01-31T00:00:00.000000Z"),
    ("start_date", "2026-01-31 10:00:00"),
    ("end_date", "2026-01-31T10:00:00+02:00"),
    ("company_id", 1),
    ("company_id", 2**53),
    ("page_size", 1),
    ("page_size", 100),
    ("requests_per_minute", 0.5),
    ("requests_per_minute", 100_000),
    ("requests_per_minute", Decimal("7.5")),
    ("max_concurrent_requests", 1),
    ("max_concurrent_requests", 16),
    ("request_timeout", 0.5),
    ("max_retries", 0),
    ("reconcile_days", 0),
    ("reconcile_days", 0.5),
    ("reconcile_days", 36_500),
    ("accept_mass_removals", True),
    ("max_minutes", 0.1),
    ("progress", False),
    ("user_agent", "somebody/1.0 (+https://example.com)"),
]


@pytest.mark.parametrize(("name", "value"), USABLE, ids=[f"{name} {value}" for name, value in USABLE])
def test_usable_values_are_taken(name: str, value: object) -> None:
    assert TapFieldNation(config={**GOOD, name: value}).config[name] == value


UNUSABLE: list[tuple[str, Any, str]] = [
    *((name, value, "is missing: give the OAuth 2.0 client") for name in GOOD for value in (None,)),
    *((name, value, "must be the OAuth 2.0 client") for name in GOOD for value in (4711, [CANARY], {CANARY: 1})),
    *(
        (name, value, "has whitespace around it: remove it")
        for name in ("client_id", "client_secret", "username", "password")
        for value in (f" {CANARY}", f"{CANARY} ", f"{CANARY}\n", f"\t{CANARY}", f"\u00a0{CANARY}")
    ),
    ("environment", CANARY, "must be production or sandbox"),
    ("environment", "Production", "must be production or sandbox"),
    ("environment", "", "must be production or sandbox"),
    ("api_url", CANARY, "is not a URL"),
    ("api_url", f"http://{CANARY}.example", "must begin with https://"),
    ("api_url", f"https://{CANARY}.example/api", "contains more than an origin"),
    ("api_url", f"https://user:{CANARY}@host.example", "contains more than an origin"),
    ("api_url", 4711, "must be an origin"),
    ("access_token_location", CANARY, "must be query or header"),
    *(
        (name, value, "must be a date from 1900 to 2999, such as 2026-01-31 or 2026-01-31T00:00:00Z")
        for name in ("start_date", "end_date")
        for value in (
            CANARY,
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "2026-1-31",
            "20260131",
            "2026-W05-3",
            "31.01.2026",
            "2026-01-31T25:00:00Z",
            "2026-01-31T00:00:00 Europe/Berlin",
            "0001-01-01T00:00:00+14:00",
            "0001-01-01",
            "1899-12-31T23:59:59Z",
            "3000-01-01",
            "9999-12-31",
            "9999-12-31T23:00:00-05:00",
            20260131,
            ["2026-01-31"],
        )
    ),
    *(("company_id", value, "must be an integer") for value in (0, -1, "4711", 1.5, True, 2**63, CANARY)),
    *(("page_size", value, "must be an integer from 1 to 100") for value in (0, -1, 101, 1.5, "50", True, CANARY)),
    *(
        ("requests_per_minute", value, "must be a number above 0")
        for value in (0, -1, "50", True, math.nan, math.inf, 1e300, 10**400, CANARY)
    ),
    *(("max_concurrent_requests", value, "must be an integer from 1 to 16") for value in (0, 17, "4", 2.5, CANARY)),
    *(
        ("request_timeout", value, "must be a number of seconds above 0")
        for value in (0, -1, "5", math.nan, math.inf, 1e300, CANARY)
    ),
    *(("max_retries", value, "must be an integer, 0 or more") for value in (-1, 1.5, "6", 10**30, CANARY)),
    *(
        ("reconcile_days", value, "must be a number of days from 0 to 36500")
        for value in (-1, "30", 36_501, 1e12, math.nan, CANARY)
    ),
    *(
        ("max_minutes", value, "must be a number of minutes above 0")
        for value in (0, -1, "5", math.nan, math.inf, CANARY)
    ),
    *(
        (name, value, "must be true or false")
        for name in ("accept_mass_removals", "progress")
        for value in ("yes", 1, 0, CANARY)
    ),
    *(
        ("user_agent", value, "must be printable ASCII text")
        for value in (5, f"{CANARY}\nX: y", f"{CANARY}\x00", "naïve")
    ),
    ("stream_maps", CANARY, "cannot be used: see `tap-fieldnation --about`"),
    ("flattening_enabled", CANARY, "cannot be used: see `tap-fieldnation --about`"),
]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    UNUSABLE,
    ids=[f"{at} {name} {value!r:.30}" for at, (name, value, _) in enumerate(UNUSABLE)],
)
def test_other_values_are_refused_in_a_sentence_that_does_not_show_them(name: str, value: object, words: str) -> None:
    sentence = sentence_for(**{name: value})
    assert sentence.startswith(f"Setting {name} ")
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert CANARY not in sentence
    assert "4711" not in sentence


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("values", [[], [None], [""]], ids=["left out", "null", "as in .env.example"])
def test_a_missing_required_setting_is_reported(name: str, values: list[str | None]) -> None:
    config: dict[str, Any] = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(SettingsError, match=f"^Setting {name} is missing: give the OAuth 2.0 client .*\\.$") as caught:
        TapFieldNation(config=config | dict.fromkeys([name] * len(values), *values))
    assert f"TAP_FIELDNATION_{name.upper()}" in str(caught.value)


@pytest.mark.parametrize(("given", "missing"), [("username", "password"), ("password", "username")])
def test_a_user_name_needs_a_password_and_a_password_a_user_name(given: str, missing: str) -> None:
    sentence = sentence_for(**{given: CANARY})
    assert sentence == f"Setting {given} is given without {missing}: give both (password grant), or neither."


def test_the_start_must_not_be_after_the_end() -> None:
    sentence = sentence_for(start_date="2026-02-01", end_date="2026-01-31")
    assert sentence == "Setting start_date is after end_date: it must be the same day or an earlier one."
    same = TapFieldNation(config={**GOOD, "start_date": "2026-01-31T20:00:00Z", "end_date": "2026-01-31"})
    assert same.context.date_range == (date(2026, 1, 31), date(2026, 1, 31))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        (None, None),
        ("2026-01-31", date(2026, 1, 31)),
        ("2026-01-31T23:59:59", date(2026, 1, 31)),
        ("2026-01-31T23:59:59Z", date(2026, 1, 31)),
        ("2026-01-31T23:59:59z", date(2026, 1, 31)),
        ("2026-01-31T23:59:59-05:00", date(2026, 2, 1)),
        ("2026-02-01T01:00:00+02:00", date(2026, 1, 31)),
        ("1900-01-01", date(1900, 1, 1)),
        ("2999-12-31", date(2999, 12, 31)),
    ],
)
def test_a_date_is_a_day_in_utc(text: str | None, day: date | None) -> None:
    assert settings.day({"start_date": text}, "start_date") == day


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()), st.datetimes()))
def test_any_value_of_a_date_is_a_day_or_refused(value: object) -> None:
    try:
        day = settings.day({"end_date": value}, "end_date")
    except SettingsError:
        return
    assert (day is None) == (value is None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([setting.name for setting in settings.SETTINGS]), JSON, max_size=4))
def test_any_config_is_taken_or_refused_in_a_sentence(config: dict[str, Any]) -> None:
    try:
        tap = TapFieldNation(config={**GOOD, **config})
    except SettingsError as error:
        assert str(error).startswith("Setting ")  # noqa: PT017
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert tap.context.authenticator.client_id == tap.config["client_id"]
        assert tap.context.requester.rate_limiter.per_minute == tap.config["requests_per_minute"]
        tap.context.transport.session.close()


PREFIX = "TAP_FIELDNATION_"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("client_id", "007", "007"),
        ("client_secret", "1e5", "1e5"),
        ("environment", "sandbox", "sandbox"),
        ("start_date", "2026-01-31", "2026-01-31"),
        ("page_size", "50", 50),
        ("page_size", " 50 ", 50),
        ("company_id", "12345678901", 12345678901),
        ("max_retries", "0", 0),
        ("requests_per_minute", "7.5", 7.5),
        ("requests_per_minute", "60", 60.0),
        ("max_minutes", "0.5", 0.5),
        ("progress", "true", True),
        ("progress", "True", True),
        ("progress", "1", True),
        ("progress", "false", False),
        ("progress", "FALSE", False),
        ("progress", "0", False),
        ("accept_mass_removals", "true", True),
        ("page_size", "many", "many"),
        ("page_size", "5.5", "5.5"),
        ("requests_per_minute", "fast", "fast"),
        ("progress", "maybe", "maybe"),
    ],
)
def test_values_from_the_environment_have_their_types(name: str, text: str, value: object) -> None:
    schemas = settings.config_jsonschema()["properties"]
    found = environment.read_settings({f"{PREFIX}{name.upper()}": text, "PATH": "x"}, schemas)
    assert found == {name: value}
    assert type(found[name]) is type(value)


def test_the_environment_is_a_config(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {**GOOD, "page_size": "7", "progress": "false", "requests_per_minute": "12.5"}.items():
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", text)
    monkeypatch.setenv(f"{PREFIX}FLATTENING_ENABLED", "true")
    monkeypatch.setenv(f"{PREFIX}FLATTENING_MAX_DEPTH", "1")
    config = TapFieldNation(config={}, parse_env_config=True).config
    assert config["client_secret"] == GOOD["client_secret"]
    assert (config["page_size"], config["progress"], config["requests_per_minute"]) == (7, False, 12.5)
    assert config["flattening_enabled"] is True


@pytest.mark.parametrize(
    ("name", "text"),
    [("page_size", CANARY), ("progress", CANARY), ("requests_per_minute", "nan"), ("max_retries", " ")],
)
def test_bad_values_from_the_environment_are_refused_like_others(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", text)
    with pytest.raises(SettingsError, match=f"^Setting {name} cannot be used: it must be ") as caught:
        TapFieldNation(config=dict(GOOD), parse_env_config=True)
    assert CANARY not in str(caught.value)


def test_a_catalog_needs_no_config() -> None:
    assert TapFieldNation(config={}, validate_config=False).catalog_dict["streams"]
