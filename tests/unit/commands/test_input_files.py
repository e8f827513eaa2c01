"""Input files are read once, so that each can be a pipe; error messages name the place."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from tap_fieldnation.commands import input_files
from tap_fieldnation.commands.input_files import FileError, read_checked

if t.TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = {"client_id": "x", "page_size": 7}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fifo() -> Iterator[str]:
    """A pipe that gives a config to its first reader."""
    if sys.platform == "win32":
        pytest.skip("pipes have no names there")
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(json.dumps(CONFIG)))
    writer.start()
    yield "pipe"
    writer.join()


def refusal(kind: str, name: str, read_before: dict[t.Any, str] | None = None) -> str:
    with pytest.raises(FileError) as caught:
        read_checked(kind, name, read_before if read_before is not None else {})
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "canary4711" not in sentence
    return sentence


def set_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_pipe_is_read_once(fifo: str) -> None:
    assert read_checked("config", fifo, {}) == CONFIG


def test_a_pipe_cannot_be_two_files(fifo: str) -> None:
    read_before: dict[t.Any, str] = {}
    read_checked("config", fifo, read_before)
    assert refusal("state", fifo, read_before) == (
        "The state file pipe is a pipe that --config has read already: give one of the two options a file."
    )


def test_stdin_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_stdin(monkeypatch, json.dumps(CONFIG).encode())
    read_before: dict[t.Any, str] = {}
    assert read_checked("config", "-", read_before) == CONFIG
    assert "The catalog file - is a pipe that --config has read already" in refusal("catalog", "-", read_before)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="names of open files are an addition of Unix systems")
def test_stdin_has_several_names(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin, os.fdopen(writer, "w") as other_end:
        monkeypatch.setattr("sys.stdin", stdin)
        other_end.write(json.dumps(CONFIG))
        other_end.close()
        read_before: dict[t.Any, str] = {}
        assert read_checked("config", f"/dev/fd/{reader}", read_before) == CONFIG
        assert "is a pipe that --config has read already" in refusal("state", "-", read_before)


def test_a_file_may_be_given_twice() -> None:
    Path("config.json").write_text(json.dumps(CONFIG))
    read_before: dict[t.Any, str] = {}
    assert [read_checked("config", "config.json", read_before) for _ in range(2)] == [CONFIG, CONFIG]


def test_stdin_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert "The config file - cannot be read (stdin is closed): give a JSON object" in refusal("config", "-")


def test_a_byte_of_stdin_that_is_not_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    set_stdin(monkeypatch, b'{"client_id": "canary4711 \xff"}')
    assert "The config file - is not UTF-8 text" in refusal("config", "-")


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "UTF-16, as PowerShell writes it": ('{"client_id": "canary4711"}'.encode("utf-16"), "is not UTF-8 text but UTF-16"),
    "UTF-16 without a mark": ('{"a": "canary4711"}'.encode("utf-16-le"), "is not JSON"),
    "no bytes": (b"", "is not JSON (it is empty)"),
    "bytes of nothing": (b"\0" * 9, "is not JSON"),
    "a number with too many digits": (b'{"page_size": ' + b"9" * 10_000 + b"}", "is not JSON"),
    "NaN": (b'{"page_size": NaN}', "is not JSON"),
    "infinity": (b'{"page_size": -Infinity}', "is not JSON"),
    "a name that comes twice": (b'{"page_size": 1, "page_size": 2}', "has page_size twice in one object: remove one"),
    "the same, further within": (b'{"stream_maps": {"a": {"b": "1", "b": "2"}}}', "has b twice in one object"),
}


@pytest.mark.parametrize(("content", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_a_file_must_not_hold(content: bytes, words: str) -> None:
    Path("config.json").write_bytes(content)
    assert f"The config file config.json {words}" in refusal("config", "config.json")


def test_a_byte_order_mark_is_skipped() -> None:
    Path("config.json").write_text(json.dumps(CONFIG), encoding="utf-8-sig")
    assert read_checked("config", "config.json", {}) == CONFIG


def test_a_device_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "MAX_BYTES", 2**20)
    Path("config.json").write_bytes(b" " * (2**20 + 1))
    assert "The config file config.json is larger than 1 MiB: " in refusal("config", "config.json")


FLAGS = ["true", "false", "", 1, 0, [], {}]


@pytest.mark.parametrize("value", FLAGS, ids=repr)
@pytest.mark.parametrize("name", ["selected", "selected-by-default"])
@pytest.mark.parametrize("breadcrumb", [[], ["properties", "id"]])
def test_a_selection_is_true_or_false(name: str, value: object, breadcrumb: list[str]) -> None:
    entry = {
        "tap_stream_id": "tags",
        "schema": {"properties": {}},
        "metadata": [{"breadcrumb": breadcrumb, "metadata": {name: value}}],
    }
    Path("catalog.json").write_text(json.dumps({"streams": [entry]}))
    assert refusal("catalog", "catalog.json") == (
        f"The catalog file catalog.json is not a catalog: streams.0.metadata.0.metadata.{name} must be of type boolean "
        "or null: make a catalog with --discover."
    )
