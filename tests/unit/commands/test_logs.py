"""Log levels and log configs that cannot be used end in a sentence that names the variable."""

from __future__ import annotations

import logging
import typing as t
from pathlib import Path

import pytest
from singer_sdk import metrics

from tap_fieldnation.commands import logs

if t.TYPE_CHECKING:
    from collections.abc import Iterator

LEVEL, TAP_LEVEL, CONFIG = "LOGLEVEL", "TAP_FIELDNATION_LOGLEVEL", "SINGER_SDK_LOG_CONFIG"
MELTANO = "MELTANO_EXTRACTOR_NAME"


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger, as it was before afterwards."""
    for name in (LEVEL, TAP_LEVEL, CONFIG, MELTANO):
        monkeypatch.delenv(name, raising=False)
    root, metrics_logger = logging.getLogger(), metrics.get_metrics_logger()
    level, handlers = root.level, list(root.handlers)
    filters, metrics_level = list(metrics_logger.filters), metrics_logger.level
    metrics_logger.setLevel(logging.NOTSET)
    yield root
    root.setLevel(level)
    root.handlers[:] = handlers
    metrics_logger.setLevel(metrics_level)
    metrics_logger.filters[:] = filters


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        logs.set_up("tap-fieldnation")
    assert caught.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    return line.split(" | ", 3)[-1]


@pytest.mark.parametrize("variable", [LEVEL, TAP_LEVEL])
@pytest.mark.parametrize("text", ["verbose", "10", " ", "INFO ", "\udcff"])
def test_an_unknown_level(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    assert refusal(capsys) == (
        f"The environment variable {variable} cannot be used: it must be DEBUG, INFO, WARNING, ERROR or CRITICAL."
    )


@pytest.mark.parametrize("text", ["debug", "WARNING", "Error", "critical", "warn"])
def test_a_known_level(monkeypatch: pytest.MonkeyPatch, root: logging.Logger, text: str) -> None:
    monkeypatch.setenv(LEVEL, "verbose")  # the tap's own counts
    monkeypatch.setenv(TAP_LEVEL, text)
    logs.set_up("tap-fieldnation")
    assert root.level == logging.getLevelName(text.upper())


def test_empty_variables_are_not_set(monkeypatch: pytest.MonkeyPatch, root: logging.Logger) -> None:
    for name in (LEVEL, TAP_LEVEL, CONFIG):
        monkeypatch.setenv(name, "")
    logs.set_up("tap-fieldnation")
    assert root.level == logging.INFO


@pytest.mark.parametrize(
    ("variables", "level"), [({}, "DEBUG"), ({MELTANO: "tap-fieldnation"}, "INFO"), ({CONFIG: "log.yml"}, "INFO")]
)
def test_metrics_are_for_programs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    root: logging.Logger,
    variables: dict[str, str],
    level: str,
) -> None:
    (tmp_path / "log.yml").write_text("version: 1\ndisable_existing_loggers: false\n")
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    logs.set_up("tap-fieldnation")
    for threshold in (logging.INFO, logging.DEBUG):
        root.setLevel(threshold)
        with metrics.record_counter("tags") as counter:
            counter.increment()
        lines = capsys.readouterr().err.splitlines()
        shown = [line.split(" | ")[1].strip() for line in lines if '"stream":"tags"' in line]
        assert shown == ([level] if logging.getLevelName(level) >= threshold else [])


CONFIGS: dict[str, bytes | None] = {
    "none": None,
    "no YAML": b"a: [",
    "no mapping": b"[1]",
    "empty": b"",
    "no log config": b"a: 1",
    "another version": b"version: 2",
    "not UTF-8": b"version: 1\na: \xff",
    "an unknown handler": b"version: 1\nroot: {handlers: [nothing]}",
    "an unknown class": b"version: 1\nhandlers: {a: {class: nothing.at.All}}",
    "a file that cannot be written": b"version: 1\nhandlers: {a: {class: logging.FileHandler, filename: no/such}}",
    "an unknown level": b"version: 1\nroot: {level: verbose}",
}


@pytest.mark.parametrize("content", CONFIGS.values(), ids=CONFIGS)
def test_a_log_config_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("log.yml").write_bytes(content)
    monkeypatch.setenv(CONFIG, "log.yml")
    sentence = refusal(capsys)
    assert sentence.startswith("The environment variable SINGER_SDK_LOG_CONFIG cannot be used (")
    assert sentence.endswith("): it must name a YAML file that logging.config.dictConfig takes.")


def test_a_log_config_that_is_a_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(CONFIG, str(tmp_path))
    assert "SINGER_SDK_LOG_CONFIG cannot be used (Is a directory)" in refusal(capsys)
