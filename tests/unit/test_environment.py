"""Environment variables: what is not set, what is not JSON, and what has no effect."""

from __future__ import annotations

import logging
import typing as t

import pytest

from tap_fieldnation import environment, settings
from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.tap import TapFieldNation

PREFIX = environment.PREFIX
GOOD = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


def schemas() -> environment.Schemas:
    """All settings, the SDK's too."""
    schema: dict[str, t.Any] = settings.config_jsonschema()
    TapFieldNation.append_builtin_config(schema)
    return t.cast("environment.Schemas", schema["properties"])


ALL = schemas()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "load_dotenv", lambda: None)
    for name in ALL:
        monkeypatch.delenv(environment.variable(name), raising=False)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("name", ALL)
def test_an_empty_variable_is_not_set(name: str) -> None:
    assert environment.read_settings({environment.variable(name): ""}, ALL) == {}


@pytest.mark.parametrize("name", sorted(set(ALL) - {"client_id", "client_secret"}))
def test_a_run_takes_the_default_where_the_variable_is_empty(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    default = TapFieldNation(config=dict(GOOD)).config.get(name)
    monkeypatch.setenv(environment.variable(name), "")
    assert TapFieldNation(config=dict(GOOD), parse_env_config=True).config.get(name) == default
    # Meltano writes the empty text into the config.
    if ALL[name]["type"][0] == "string":
        assert TapFieldNation(config={**GOOD, name: ""}).config.get(name) == default


OBJECTS = [name for name, schema in ALL.items() if "object" in schema["type"]]


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("text", ["{canary4711", "canary4711", "{'a': 1}", "{} {}", "[" * 100_000, '{"a": NaN}'])
def test_what_is_not_json_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        environment.read_settings({environment.variable(name): text}, ALL)
    sentence = str(caught.value)
    assert sentence.startswith(f"The environment variable {environment.variable(name)} is not JSON")
    assert sentence.endswith(": give a JSON object.")
    assert "canary4711" not in sentence


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("text", ["[1]", "5", '"x"', "true"])
def test_json_of_another_type_is_refused_by_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(environment.variable(name), text)
    with pytest.raises(SettingsError, match=f"^Setting {name} cannot be used"):
        TapFieldNation(config=dict(GOOD), parse_env_config=True)


@pytest.mark.parametrize("name", ["client_secret", "stream_maps", "page_size", "progress"])
def test_bytes_that_are_not_utf_8_are_named(name: str) -> None:
    text = b"\xff".decode(errors="surrogateescape")
    with pytest.raises(SettingsError, match=f"{environment.variable(name)} is not UTF-8 text: set it again"):
        environment.read_settings({environment.variable(name): text}, ALL)


@pytest.mark.parametrize("text", ["true", "1", "Yes", "on", "FALSE", "0", "no", "off"])
def test_settings_of_the_sdk_are_read_by_their_types(text: str) -> None:
    found = environment.read_settings(
        {f"{PREFIX}FLATTENING_ENABLED": text, f"{PREFIX}FLATTENING_MAX_DEPTH": "3", f"{PREFIX}STREAM_MAPS": "{}"}, ALL
    )
    assert found == {
        "flattening_enabled": text.lower() in {"true", "1", "yes", "on"},
        "flattening_max_depth": 3,
        "stream_maps": {},
    }


@pytest.mark.parametrize(("name", "text"), [("flattening_max_depth", "deep"), ("flattening_enabled", "perhaps")])
def test_a_value_of_another_type_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(environment.variable(name), text)
    with pytest.raises(SettingsError, match=f"^Setting {name} cannot be used"):
        TapFieldNation(config=dict(GOOD), parse_env_config=True)


@pytest.mark.parametrize(
    ("variable", "advice"),
    [
        ("TAP_FIELDNATION_STARTDATE", "did you mean TAP_FIELDNATION_START_DATE?"),
        ("TAP_FIELDNATION_LOG_LEVEL", "did you mean TAP_FIELDNATION_LOGLEVEL?"),
        ("tap_fieldnation_page_size", "did you mean TAP_FIELDNATION_PAGE_SIZE?"),
        ("TAP_FIELDNATION_MY_START_DATE", "did you mean TAP_FIELDNATION_START_DATE?"),
        ("TAP_FIELDNATION_XYZ", "see `tap-fieldnation --about`."),
    ],
)
def test_an_unknown_variable_is_named_with_the_closest_one(variable: str, advice: str) -> None:
    [sentence] = environment.unknown_variables({variable: "x", "PATH": "x"}, ALL)
    assert sentence == f"The environment variable {variable} is unknown and has no effect: {advice}"


@pytest.mark.parametrize(
    "variable",
    [
        "TAP_FIELDNATION__SELECT",
        "TAP_FIELDNATION__EAST_CLIENT_ID",
        "TAP_FIELDNATION_EAST_CLIENT_ID",
        "TAP_FIELDNATION_EAST__SELECT",
        "TAP_FIELDNATION_STREAM_MAPS_USERS_X",
        "TAP_FIELDNATION_LOGLEVEL",
        "TAP_FIELDNATION_CLIENT_ID",
        "TAP_FIELDNATIONS_X",
    ],
)
def test_the_variables_of_meltano_are_known(variable: str) -> None:
    assert list(environment.unknown_variables({variable: "x", "MELTANO_EXTRACTOR_NAME": "tap"}, ALL)) == []


def test_variables_that_are_not_read_are_named_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, text in {"start_date": "2026-01-01", "page_size": "7", "client_id": GOOD["client_id"]}.items():
        monkeypatch.setenv(environment.variable(name), text)
    TapFieldNation(config={**GOOD, "page_size": 50})
    [sentence] = warnings(caplog)
    unread = "TAP_FIELDNATION_START_DATE, TAP_FIELDNATION_PAGE_SIZE"
    assert sentence == f"Without --config=ENV the environment is not read, and this has no effect: {unread}."
    caplog.clear()
    TapFieldNation(config={**GOOD, "page_size": 50}, parse_env_config=True)
    TapFieldNation(config={**GOOD, "page_size": 7, "start_date": "2026-01-01"})
    assert warnings(caplog) == []


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_exported_credentials_need_the_option(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv(environment.variable(missing), "canary4711")
    config = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(SettingsError) as caught:
        TapFieldNation(config=config)
    assert str(caught.value) == (
        f"Setting {missing} is missing, and the environment is not read: add --config=ENV for "
        f"{environment.variable(missing)}, which is set there."
    )


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"startdate": "x"}, "Setting startdate is unknown and has no effect: did you mean start_date?"),
        ({"clientId": "x"}, "Setting clientId is unknown and has no effect: did you mean client_id?"),
        ({"xyz": 1}, "Setting xyz is unknown and has no effect: see `tap-fieldnation --about`."),
        ({"flattening_max_depth": 3}, "Setting flattening_max_depth has no effect: set flattening_enabled to true"),
        ({"faker_config": {"seed": 1}}, "Setting faker_config has no effect: install the package faker"),
    ],
)
def test_a_setting_without_effect_is_named(
    caplog: pytest.LogCaptureFixture, config: dict[str, t.Any], sentence: str
) -> None:
    TapFieldNation(config={**GOOD, **config})
    [found] = warnings(caplog)
    assert found.startswith(sentence)


def test_a_typo_of_what_is_required_is_named_before_it_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SettingsError, match="Setting client_id is missing"):
        TapFieldNation(config={"clientid": "x", "client_secret": "y"})
    assert warnings(caplog) == ["Setting clientid is unknown and has no effect: did you mean client_id?"]


@pytest.mark.parametrize("value", [{}, {"encoding": "x"}, {"encoding": {"format": "jsonl"}}, "x", 5])
def test_batches_are_refused(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^Setting batch_config cannot be used: this tap writes no BATCH"):
        TapFieldNation(config={**GOOD, "batch_config": value})


def test_nothing_is_said_of_a_usual_config(caplog: pytest.LogCaptureFixture) -> None:
    TapFieldNation(config={**GOOD, "flattening_enabled": True, "flattening_max_depth": 3, "batch_config": None})
    assert warnings(caplog) == []
