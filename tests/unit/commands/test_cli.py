"""The command line: any invalid input ends in one sentence on stderr and exit code 1."""

from __future__ import annotations

import io
import json
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_fieldnation.commands.cli import ISSUES
from tap_fieldnation.tap import TapFieldNation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANARY = "canary4711"
GOOD = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


class Ended(NamedTuple):
    """How a command went."""

    code: int | str | None
    output: str
    log: list[str]


@pytest.fixture(autouse=True)
def _with_the_signals_of_the_tests() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(json.dumps(GOOD))


def run(*arguments: str) -> Ended:
    """The command line, in this process, without a single request."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    command = TapFieldNation.get_singer_command()
    logger = logging.getLogger("tap-fieldnation")
    logger.addHandler(handler)
    try:
        with pytest.raises(SystemExit) as caught:
            command.main(list(arguments), prog_name="tap-fieldnation")
    finally:
        logger.removeHandler(handler)
    return Ended(caught.value.code, "", stream.getvalue().splitlines())


def refusal(*arguments: str) -> str:
    """The one sentence that a command ends with."""
    ended = run(*arguments)
    assert ended.code == 1
    sentence = ended.log[-1]
    assert sentence.endswith(".")
    assert not [line for line in ended.log if "Traceback" in line]
    assert CANARY not in "".join(ended.log)
    return sentence


@pytest.fixture
def write() -> Callable[[str, object], str]:
    def write_file(name: str, content: object) -> str:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        Path(name).write_bytes(raw)
        return name

    return write_file


NO_JSON = {
    "nothing": b"",
    "text": b"client_id: canary4711",
    "cut": b'{"client_id": "canary4711",\n "client_secret"',
    "two": b"{}{}",
    "comments": b"{} // canary4711",
    "single quotes": b"{'client_id': 'canary4711'}",
    "not a number": b'{"page_size": NaN}',
    "UTF-16": '{"client_id": "canary4711"}'.encode("utf-16"),
    "Latin-1": '{"client_secret": "canary4711-ü"}'.encode("latin-1"),
    "too deep": b"[" * 100_000,
}
NO_OBJECT: list[object] = [[], [["client_id", CANARY]], CANARY, 5, None, True]


@pytest.mark.parametrize("kind", ["config", "catalog", "state"])
@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON)
def test_a_file_that_is_not_json_is_named(write: Callable[[str, object], str], kind: str, content: bytes) -> None:
    name = write("given.json", content)
    sentence = refusal("--config", "config.json", f"--{kind}", name)
    assert sentence.startswith("The ")
    assert f" {kind} file given.json is not" in sentence.replace("is nested", "is not")


@pytest.mark.parametrize("kind", ["config", "catalog", "state"])
@pytest.mark.parametrize("content", NO_OBJECT, ids=repr)
def test_a_file_without_a_json_object_is_named(write: Callable[[str, object], str], kind: str, content: object) -> None:
    name = write("given.json", content)
    sentence = refusal("--config", "config.json", f"--{kind}", name)
    assert f" {kind} file given.json is not a {kind}: the top level must be of type object" in sentence


@pytest.mark.parametrize("kind", ["config", "catalog", "state"])
@pytest.mark.parametrize(("name", "words"), [("none.json", "does not exist"), (".", "cannot be read")])
def test_a_file_that_cannot_be_read_is_named(kind: str, name: str, words: str) -> None:
    sentence = refusal("--config", "config.json", f"--{kind}", name)
    assert f" {kind} file {name} {words}" in sentence


HALVES: dict[str, object] = {
    "a value": {"streams": "\ud800"},
    "a name": {"bookmarks": {"\udfff": 1}},
    "a pair in a wrong order": {"user_agent": "\udc00\ud800"},
    "one beside a pair": ["\U0001f600", ["x\udead"]],
}


@pytest.mark.parametrize("kind", ["config", "catalog", "state"])
@pytest.mark.parametrize("content", HALVES.values(), ids=HALVES)
def test_half_a_character_is_reported(write: Callable[[str, object], str], kind: str, content: object) -> None:
    sentence = refusal("--config", "config.json", f"--{kind}", write("given.json", content))
    assert f" {kind} file given.json contains a lone surrogate, which is only half a character: " in sentence


def test_stdin_that_is_not_utf_8_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    # as Python reads it where the locale is C
    monkeypatch.setattr("sys.stdin", io.StringIO(b'{"bookmarks": {"\xff": {}}}'.decode(errors="surrogateescape")))
    assert " state file - contains a lone surrogate" in refusal("--config", "config.json", "--state", "-")


def test_rare_characters_are_accepted(write: Callable[[str, object], str]) -> None:
    write("given.json", {**GOOD, "page_size": 0, "client_secret": "\U0001f600"})
    assert refusal("--config", "given.json").startswith("Setting page_size cannot be used")


def test_the_line_and_column_of_a_mistake_are_reported(write: Callable[[str, object], str]) -> None:
    write("given.json", b'{\n  "client_id": "x",\n  oops\n}')
    assert "is not JSON (line 3, column 3)" in refusal("--config", "given.json")


def test_every_config_is_checked(write: Callable[[str, object], str]) -> None:
    write("given.json", [])
    assert "given.json" in refusal("--config", "config.json", "--config", "given.json")


ENTRY: dict[str, Any] = {"tap_stream_id": "work_orders", "schema": {"properties": {"id": {"type": "integer"}}}}
BAD_CATALOGS: dict[str, tuple[object, str]] = {
    "no streams": ({}, "the top level lacks streams"),
    "streams that are no list": ({"streams": {"work_orders": ENTRY}}, "streams must be of type array"),
    "a stream that is none": ({"streams": ["work_orders"]}, "streams.0 must be of type object"),
    "a stream without name": ({"streams": [{"schema": {"properties": {}}}]}, "streams.0 lacks tap_stream_id"),
    "a stream without schema": ({"streams": [{"tap_stream_id": "x"}]}, "streams.0 lacks schema"),
    "a schema without properties": ({"streams": [{**ENTRY, "schema": {}}]}, "streams.0.schema lacks properties"),
    "a type that is none": (
        {"streams": [{**ENTRY, "schema": {"properties": {"id": {"type": 5}}}}]},
        "streams.0.schema.properties.id.type must be of type array or string",
    ),
    "a schema that is none": ({"streams": [ENTRY, {**ENTRY, "schema": "x"}]}, "streams.1.schema must be of type"),
    "properties that are none": ({"streams": [{**ENTRY, "schema": {"properties": []}}]}, "properties must be of type"),
    "a property that is none": (
        {"streams": [{**ENTRY, "schema": {"properties": {"id": 5}}}]},
        "streams.0.schema.properties.id must be of type object",
    ),
    "metadata that are no list": ({"streams": [{**ENTRY, "metadata": {}}]}, "metadata must be of type array"),
    "metadata without place": ({"streams": [{**ENTRY, "metadata": [{"metadata": {}}]}]}, "lacks breadcrumb"),
    "a place that is none": (
        {"streams": [{**ENTRY, "metadata": [{"breadcrumb": [{}], "metadata": {}}]}]},
        "breadcrumb.0 must be of type string",
    ),
    "metadata that are none": (
        {"streams": [{**ENTRY, "metadata": [{"breadcrumb": [], "metadata": []}]}]},
        "metadata.0.metadata must be of type object",
    ),
    "alternatives that are no list": (
        {"streams": [{**ENTRY, "schema": {"properties": {"id": {"anyOf": 5}}}}]},
        "streams.0.schema.properties.id.anyOf must be of type array",
    ),
    "keys that are no list": ({"streams": [{**ENTRY, "key_properties": "id"}]}, "key_properties must be of type array"),
}
BAD_STATES: dict[str, tuple[object, str]] = {
    "bookmarks that are no object": ({"bookmarks": []}, "bookmarks must be of type object"),
    "no bookmarks": ({"bookmarks": None}, "bookmarks must be of type object"),
    "a bookmark that is none": ({"bookmarks": {"work_orders": "x"}}, "bookmarks.work_orders must be of type object"),
    "partitions that are no list": ({"bookmarks": {"tags": {"partitions": {}}}}, "partitions must be of type array"),
    "markers that are none": ({"bookmarks": {"tags": {"progress_markers": 1}}}, "progress_markers must be of type"),
}


@pytest.mark.parametrize(("content", "words"), BAD_CATALOGS.values(), ids=BAD_CATALOGS)
def test_an_invalid_catalog_is_reported_with_the_place(
    write: Callable[[str, object], str], content: object, words: str
) -> None:
    sentence = refusal("--config", "config.json", "--catalog", write("given.json", content))
    assert sentence.startswith("The catalog file given.json is not a catalog: ")
    assert words in sentence
    assert sentence.endswith(": make a catalog with --discover.")


@pytest.mark.parametrize(("content", "words"), BAD_STATES.values(), ids=BAD_STATES)
def test_an_invalid_state_is_reported_with_the_place(
    write: Callable[[str, object], str], content: object, words: str
) -> None:
    sentence = refusal("--config", "config.json", "--state", write("given.json", content))
    assert sentence.startswith("The state file given.json is not a state: ")
    assert words in sentence


def test_a_bad_setting_is_reported_without_its_value(write: Callable[[str, object], str]) -> None:
    write("given.json", {**GOOD, "page_size": CANARY})
    assert refusal("--config", "given.json") == "Setting page_size cannot be used: it must be an integer from 1 to 100."


@pytest.mark.parametrize(
    "stream_maps",
    [
        {"work_orders": {"x": "((("}},
        {"work_orders": {"__key_properties__": ["nothing"]}},
        {"work_orders": {"__unknown_option__": 1}},
    ],
    ids=repr,
)
def test_an_unusable_stream_map_is_reported(write: Callable[[str, object], str], stream_maps: dict[str, Any]) -> None:
    write("given.json", {**GOOD, "stream_maps": stream_maps})
    assert refusal("--config", "given.json").startswith("Setting stream_maps cannot be used: ")


@pytest.mark.parametrize("more", [(), ("--test",)])
def test_a_bad_setting_of_the_sdk_is_reported_in_the_same_way(
    write: Callable[[str, object], str], more: tuple[str, ...]
) -> None:
    write("given.json", {**GOOD, "flattening_enabled": True})
    sentence = refusal("--config", "given.json", *more)
    assert sentence == "The settings cannot be used: flattening_max_depth is required when flattening is enabled."


def test_an_unexpected_error_says_where_to_report_it_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(f"with {GOOD['client_secret']}")

    monkeypatch.setattr(TapFieldNation, "sync_all", fail)
    ended = run("--config", "config.json")
    assert ended.code == 1
    assert ended.log[-1] == (
        f"Unexpected error (ZeroDivisionError): please report it with the lines above at {ISSUES}."
    )
    assert [line for line in ended.log if line.startswith("ZeroDivisionError: with ***")]
    assert GOOD["client_secret"] not in "".join(ended.log)


def test_nothing_is_logged_after_the_sentence() -> None:
    assert run("--config", "none.json").log[-1].startswith("The config file none.json does not exist")
    logger = logging.getLogger("tap-fieldnation")
    assert not logger.isEnabledFor(logging.WARNING), "a thread that is under way would add a line"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "Ctrl-C would add a sentence"


@pytest.mark.parametrize(
    ("arguments", "begin"),
    [
        (("--version",), "tap-fieldnation v"),
        (("--about", "--format", "json"), "{"),
        (("--about", "--format", "markdown"), "# `tap-fieldnation`"),
        (("--discover",), "{"),
        (("--help",), "Usage:"),
    ],
)
def test_some_output_needs_no_config(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], begin: str
) -> None:
    assert run(*arguments).code == 0
    assert capsys.readouterr().out.startswith(begin)


def test_a_catalog_may_come_on_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("[]"))
    assert " catalog file - is not a catalog" in refusal("--config", "config.json", "--catalog", "-")
    assert capsys.readouterr().out == ""


def test_texts_of_a_catalog_are_read_as_utf_8(
    write: Callable[[str, object], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TapFieldNation, "sync_all", lambda _: None)
    entry = {**ENTRY, "schema": {"properties": {"id": {"type": "integer", "description": "ü"}}}}
    write("given.json", json.dumps({"streams": [entry]}, ensure_ascii=False).encode())
    assert run("--config", "config.json", "--catalog", "given.json").code in {0, None}


CATALOG_NAMES = ["streams", "tap_stream_id", "schema", "properties", "metadata", "breadcrumb", "key_properties", "type"]
STATE_NAMES = ["bookmarks", "work_orders", "tags", "cursor", "version", "progress_markers", "partitions", "streams"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(CATALOG_NAMES + STATE_NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", ["catalog", "state"])
@given(content=JSON)
@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_json_is_accepted_or_refused_in_a_sentence(kind: str, content: object) -> None:
    Path("given.json").write_text(json.dumps(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_fieldnation.tap.TapFieldNation.sync_all", lambda tap: [*tap.streams])
        ended = run("--config", "config.json", f"--{kind}", "given.json")
    if ended.code not in {0, None}:
        assert ended.log[-1].startswith((f"The {kind} file given.json is not", "The STATE "))
        assert ended.log[-1].endswith(".")
