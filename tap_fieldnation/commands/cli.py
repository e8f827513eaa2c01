"""The command line: its options, and one sentence on stderr and an exit code that is not 0 for each failure."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import sys
import typing as t

import click
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_fieldnation.api import redact
from tap_fieldnation.api.errors import SettingsError, TapError
from tap_fieldnation.commands.input_files import read_checked
from tap_fieldnation.commands.last_line import silence_other_threads
from tap_fieldnation.streams.writer import buffer_output

ISSUES = "https://github.com/tap-fieldnation/tap-fieldnation/issues"
ENVIRONMENT = "ENV"  # in place of the name of a config file
NOT_GIVEN = "not given"

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
    """The SDK's command with this tap's options, help and failures.

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
    """The SDK's command, with failures reported in a sentence instead of a traceback."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        run = self.callback
        assert run  # noqa: S101
        self.callback = functools.partial(_run, run)
        options = {str(option.name): option for option in self.params}
        config = options["config"]
        assert config.callback  # noqa: S101
        config.callback = functools.partial(_parse_config, config.callback)
        for name in ("catalog", "state"):
            # Plain text, like the name of a config: `click` would open the file in the machine's encoding.
            options[name].type, options[name].callback = config.type, _parse_file

    @override
    def main(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Run the command line."""
        redact.install()
        try:
            buffer_output()
            return super().main(*args, **kwargs)
        except TapError as error:
            self._fail(str(error))
        except ConfigValidationError as error:
            self._fail(_settings_sentence(error))
        except MappingError as error:
            self._fail(f"Setting stream_maps cannot be used: {' '.join(str(error).split()).rstrip('.')}.")
        except Exception as error:
            if isinstance(error, OSError) and error.filename is None:
                self._fail(_output_sentence(error))
            self.logger.exception("Unexpected error")
            self._fail(f"Unexpected error ({type(error).__name__}): please report it with the lines above at {ISSUES}.")

    def _fail(self, sentence: str) -> t.NoReturn:
        try:
            sys.stdout.flush()
        except OSError:
            _discard_output()
        silence_other_threads()
        logging.disable(logging.WARNING)
        self.logger.error("%s", redact.clean(sentence))
        sys.exit(1)


def _run(run: t.Callable[..., t.Any], **options: t.Any) -> t.Any:
    """The command itself. Exceptions that the SDK or `click` would handle on their own become ours."""
    try:
        return run(**options)
    except ConfigValidationError as error:
        sentence = _settings_sentence(error)
    except BrokenPipeError as error:
        # `click` would exit without a message.
        raise OutputError(_output_sentence(error)) from None
    raise SettingsError(sentence)


def _output_sentence(error: OSError) -> str:
    """For an error of the system that names no file; those of the network are `ApiError` by now."""
    if isinstance(error, BrokenPipeError):
        return "The target stopped reading: find the reason in its log, and run again (no data is lost)."
    reason = error.strerror or type(error).__name__
    return f"stdout cannot be written ({reason}): check where it is redirected to, and run again (no data is lost)."


def _discard_output() -> None:
    """Drop what could not be written: at exit Python would try again, and exit with a code of its own."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings_sentence(error: ConfigValidationError) -> str:
    return f"The settings cannot be used: {'; '.join(error.errors) or error}."


def _parse_config(
    parse: t.Callable[..., t.Any], context: click.Context, option: click.Parameter, names: tuple[str, ...]
) -> t.Any:
    """The callback of `--config`, after the files are known to be usable."""
    for name in names:
        if name != ENVIRONMENT:
            read_checked("config", name)
    return parse(context, option, names)


def _parse_file(context: click.Context, option: click.Parameter, name: str | None) -> t.IO[str] | None:  # noqa: ARG001
    """The callback of `--catalog` and `--state`."""
    return None if name is None else io.StringIO(read_checked(str(option.name), name))
