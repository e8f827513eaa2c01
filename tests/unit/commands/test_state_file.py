"""A STATE in the forms in which tools store it: unwrapped, or rejected in a sentence, but never taken as empty."""

from __future__ import annotations

import json
import typing as t

import pytest

from tap_fieldnation.commands.input_files import FileError, read_checked

if t.TYPE_CHECKING:
    from pathlib import Path

STATE: dict[str, t.Any] = {"bookmarks": {"work_orders": {"cursor": {"version": 2, "open": [1, 2]}}}}
OLDER: dict[str, t.Any] = {
    "bookmarks": {"work_orders": {"cursor": {"version": 1, "open": [5]}}, "tags": {"read": True}}
}
MERGED: dict[str, t.Any] = {"bookmarks": {**STATE["bookmarks"], "tags": {"read": True}}}
SCHEMA, RECORD = {"type": "SCHEMA", "stream": "tags"}, {"type": "RECORD", "stream": "tags", "record": {"value": {}}}


def message(state: object) -> dict[str, object]:
    return {"type": "STATE", "value": state}


def singer(state: object) -> dict[str, object]:
    return {"singer_state": state}


def lines(*values: object, end: str = "\n") -> str:
    return "".join(json.dumps(value) + "\n" for value in values).removesuffix("\n") + end


TAKEN: dict[str, tuple[str, dict[str, t.Any]]] = {
    "a STATE's value": (lines(STATE), STATE),
    "with what is being synced": (
        lines({**STATE, "currently_syncing": "tags"}),
        {**STATE, "currently_syncing": "tags"},
    ),
    "empty": ("{}", {}),
    "no bookmarks yet": ('{"bookmarks": {}}', {"bookmarks": {}}),
    "indented": (json.dumps(STATE, indent=2), STATE),
    "with a byte order mark": ("\ufeff" + lines(STATE), STATE),
    "a STATE message": (lines(message(STATE)), STATE),
    "its value alone": (lines({"value": STATE}), STATE),
    "as meltano state get prints it": (lines(singer(STATE)), STATE),
    "the same, indented": (json.dumps(singer(STATE), indent=2), STATE),
    "the same, empty": (lines(singer({})), {}),
    "in a message": (lines(message(singer(STATE))), STATE),
    "as Meltano stores it": (lines({"completed": singer(STATE), "partial": {}}), STATE),
    "completed alone": (lines({"completed": singer(STATE)}), STATE),
    "partial alone": (lines({"completed": None, "partial": singer(STATE)}), STATE),
    "partial merged into completed": (lines({"completed": singer(OLDER), "partial": singer(STATE)}), MERGED),
    "a row of Meltano's": (
        lines({"state_id": "dev:x", "completed_state": singer(OLDER), "partial_state": singer(STATE)}),
        MERGED,
    ),
    "of a run that Meltano began": (lines({"completed": {}, "partial": {}}), {}),
    "a target's output": (lines(OLDER, STATE), STATE),
    "the same, without its last line break": (lines(OLDER, STATE, end=""), STATE),
    "the same, cut": (lines(STATE, OLDER)[:-9], STATE),
    "the same, with empty lines": (f"\n{lines(OLDER)}\n{lines(STATE)}\n\n", STATE),
    "the same, with line breaks of Windows": (lines(OLDER, STATE).replace("\n", "\r\n"), STATE),
    "the same, with separators of Unicode": (
        lines(OLDER) + '{"bookmarks": {}, "a": "\u2028"}\n',
        {"bookmarks": {}, "a": "\u2028"},
    ),
    "a tap's output": (lines(SCHEMA, RECORD, message(OLDER), RECORD, message(STATE)), STATE),
    "the same, stopped after records": (lines(SCHEMA, message(STATE), RECORD, RECORD), STATE),
    "the same, cut in a record": (lines(SCHEMA, message(STATE), RECORD)[:-9], STATE),
}
REFUSED: dict[str, tuple[str, str]] = {
    "nothing": ("", "is not JSON (it is empty)"),
    "space": (" \n\n", "is not JSON (it is empty)"),
    "a list of states": (lines([STATE]), "is not a state: the top level must be of type object"),
    "a state in a text": (lines(json.dumps(STATE)), "is not a state: the top level must be of type object"),
    "a state in a text, wrapped": (
        lines(singer(json.dumps(STATE))),
        "is not a state: singer_state must be of type object",
    ),
    "a wrapped null": (lines(singer(None)), "is not a state: singer_state must be of type object"),
    "a message without value": (lines(message(None)), "is not a state: value must be of type object"),
    "a message of another type": (lines(RECORD), "is not a state: it looks like a RECORD message"),
    "messages without STATE": (lines(SCHEMA, RECORD), "is not a state: it contains messages, but no STATE message"),
    "what is within bookmarks": (lines(STATE["bookmarks"]), "is not a state: it has no bookmarks"),
    "a config": (lines({"client_id": "x"}), "is not a state: it has no bookmarks and looks like a config"),
    "a catalog": (lines({"streams": []}), "is not a state: it has no bookmarks and looks like a catalog"),
    "another wrapper": (lines({"state": STATE}), "is not a state: it has no bookmarks"),
    "a message of another form": (lines({"type": "STATE", "data": STATE}), "is not a state: it has no bookmarks"),
    "a wrapped wrapper": (lines(singer({"state": STATE})), "is not a state: it has no bookmarks"),
    "an id alone": (
        lines({"state_id": "x"}),
        "is not a state: it has no bookmarks and looks like a record of Meltano's",
    ),
    "a last line of another form": (lines(STATE, {"a": 1}), "is not a state: it has no bookmarks"),
    "a line that is not JSON": (lines(STATE) + "oops\n", "is not JSON (line 2, column 1)"),
    "a log before it": ("INFO x\n" + lines(STATE), "is not JSON (line 1, column 1)"),
    "bookmarks of another type": (
        lines(message({"bookmarks": []})),
        "is not a state: bookmarks must be of type object",
    ),
    "a name that comes twice": ('{"bookmarks": {}, "bookmarks": {"a": {}}}', "has bookmarks twice in one object"),
}


def read(folder: Path, text: str) -> dict[str, t.Any]:
    file = folder / "state.json"
    file.write_bytes(text.encode())
    return read_checked("state", str(file), {})


@pytest.mark.parametrize(("text", "state"), TAKEN.values(), ids=TAKEN)
def test_a_state_is_unwrapped(tmp_path: Path, text: str, state: dict[str, t.Any]) -> None:
    assert read(tmp_path, text) == state


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_state_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    sentence = str(caught.value)
    assert f"state.json {words}: " in sentence
    assert sentence.endswith(".")
