"""The command line: its options, and for each failure one sentence on stderr and an exit code other than 0."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import typing as t

import click
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.plugin_base import SingerCommand, _ConfigInput
from typing_extensions import override

from tap_fieldnation.api import redact
from tap_fieldnation.api.errors import SettingsError, TapError
from tap_fieldnation.commands.input_files import read_checked
from tap_fieldnation.commands.last_line import ignore_signals, silence_other_threads
from tap_fieldnation.streams.writer import buffer_output

ISSUES = "https://github.com/tap-fieldnation/tap-fieldnation/issues"
ENVIRONMENT = "ENV"  # in place of the name of a config file
NOT_GIVEN = "not given"
READ_BEFORE = "tap_fieldnation.read_before"  # in the context of a command

_NO_THREAD = "can't start new thread"
_LIMITED = (
    "This machine, or a limit on this process, allows no more {}: raise the limit, or set max_concurrent_requests to 1 "
    "and progress to false, and run again (no data is lost)."
)

HELP = """Read work orders, their child records, and company data from Field Nation, and write them to stdout as Singer
messages for a target to load. --test, --plan, --discover and --about write reports instead.

\b
Documentation:
https://github.com/tap-fieldnation/tap-fieldnation/tree/main/docs
"""
# The help of the SDK's own options.
OPTION_HELP = {
    "config": "A JSON file with the settings, or ENV for those in the environment (TAP_FIELDNATION_CLIENT_ID and so "
    "on). Can be repeated: a later file overrides an earlier one, and ENV overrides all files.",
    "discover": "Print the catalog: all streams, and which are selected by default. Needs no account.",
    "catalog": "A JSON file that selects streams and columns: the output of --discover, edited.",
    "state": "A JSON file with the value of the last STATE message of the previous run.",
}


class OutputError(TapError):
    """stdout cannot be written."""


def build_command(command: click.Command, logger: logging.Logger) -> Command:
    """The SDK's command with this tap's options, help and error messages.

    Args:
        command: As the SDK builds it.
        logger: Where failures are reported.
    """
    params = [option for option in command.params if option.name != "test"]
    for option in params:
        if isinstance(option, click.Option) and option.name in OPTION_HELP:
            option.help = OPTION_HELP[option.name]
    params += [
        click.Option(
            ["--test"],
            flag_value="all",
            is_flag=False,
            default=NOT_GIVEN,
            metavar="[=schema]",
            type=click.Choice(["all", "schema", NOT_GIVEN]),
            help="Check whether the credentials work, what the account may read, and whether the API behaves as "
            "expected; --test=schema prints SCHEMA messages.",
        ),
        click.Option(
            ["--plan"],
            flag_value="table",
            is_flag=False,
            default=NOT_GIVEN,
            metavar="[=json]",
            type=click.Choice(["table", "json", NOT_GIVEN]),
            help="Show what a sync would read and cost; --plan=json for programs.",
        ),
    ]
    return Command(
        name=command.name,
        callback=command.callback,
        context_settings=command.context_settings,
        params=params,
        help=HELP,
        logger=logger,
    )


class Command(SingerCommand):
    """The SDK's command, which reports failures in one sentence instead of a traceback."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        run = self.callback
        assert run  # noqa: S101
        self.callback = functools.partial(_run, run)
        options = {str(option.name): option for option in self.params}
        config = options["config"]
        config.callback = _parse_config
        for name in ("catalog", "state"):
            # Plain text, like the name of a config: `click` would open the file in the machine's encoding.
            options[name].type, options[name].callback = config.type, _parse_file

    @override
    def main(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Run the command line."""
        redact.install()
        try:
            _check_output()
            buffer_output()
            return self._run_and_flush(*args, **kwargs)
        except TapError as error:
            self._fail(str(error))
        except ConfigValidationError as error:
            self._fail(_settings_sentence(error))
        except MappingError as error:
            self._fail(f"Setting stream_maps cannot be used: {' '.join(str(error).split()).rstrip('.')}.")
        except Exception as error:
            if isinstance(error, OSError) and error.filename is None:
                self._fail(_output_sentence(error))
            if isinstance(error, MemoryError) or _NO_THREAD in str(error):
                self._fail(_LIMITED.format("memory" if isinstance(error, MemoryError) else "threads"))
            self.logger.exception("Unexpected error")
            self._fail(f"Unexpected error ({type(error).__name__}): please report it with the lines above at {ISSUES}.")

    def _run_and_flush(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Run the command line and flush stdout, so that write errors occur here and not while Python exits."""
        try:
            return super().main(*args, **kwargs)
        except SystemExit:
            sys.stdout.flush()
            raise

    def _fail(self, sentence: str) -> t.NoReturn:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            _discard_output()
        silence_other_threads()
        ignore_signals()
        logging.disable(logging.WARNING)
        self.logger.error("%s", redact.clean(sentence))
        sys.exit(1)


def _run(run: t.Callable[..., t.Any], **options: t.Any) -> t.Any:
    """Run the command itself, and convert exceptions that the SDK or `click` would otherwise handle."""
    try:
        return run(**options)
    except ConfigValidationError as error:
        sentence = _settings_sentence(error)
    except BrokenPipeError as error:
        # `click` would exit without a message.
        raise OutputError(_output_sentence(error)) from None
    raise SettingsError(sentence)


def _output_sentence(error: OSError) -> str:
    """The sentence for an error of the operating system; those of the network are already `ApiError`."""
    if isinstance(error, BrokenPipeError):
        return "The target stopped reading: find the reason in its log, and run again (no data is lost)."
    reason = error.strerror or type(error).__name__
    return f"stdout cannot be written ({reason}): check where it is redirected to, and run again (no data is lost)."


def _check_output() -> None:
    if sys.stdout is None:
        raise OutputError("stdout is closed: pipe it into a target, or redirect it into a file.")


def _discard_output() -> None:
    """Drop what could not be written: at exit Python would try again, and exit with a code of its own."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings_sentence(error: ConfigValidationError) -> str:
    return f"The settings cannot be used: {'; '.join(error.errors) or error}."


def _parse_config(context: click.Context, _: click.Parameter, names: tuple[str, ...]) -> _ConfigInput:
    """The callback of `--config`: read the files; later ones override earlier ones."""
    config: dict[str, t.Any] = {}
    for name in names:
        if name != ENVIRONMENT:
            config |= read_checked("config", name, context.meta.setdefault(READ_BEFORE, {}))
    return _ConfigInput(config=config, parse_env=ENVIRONMENT in names)


def _parse_file(context: click.Context, option: click.Parameter, name: str | None) -> dict[str, t.Any] | None:
    """The callback of `--catalog` and `--state`."""
    if name is None:
        return None
    return read_checked(str(option.name), name, context.meta.setdefault(READ_BEFORE, {}))


def occupy_closed_streams() -> None:
    """Open stdin and stderr if the caller closed them (`2>&-`).

    Otherwise the next file or connection would get their file descriptor, and receive what is written to stderr.
    """
    for number, stream in ((0, sys.stdin), (2, sys.stderr)):
        if stream is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
