"""The Singer plugin: what the SDK asks a tap for. No HTTP."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import typing as t

from singer_sdk import Tap
from singer_sdk.cli import plugin_cli
from singer_sdk.configuration._dict_config import merge_missing_config_jsonschema
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import (
    EMIT_ACTIVATE_VERSION_CONFIG,
    CapabilitiesEnum,
    PluginCapabilities,
    TapCapabilities,
)
from singer_sdk.plugin_base import JSONSchemaValidator, _ConfigInput
from typing_extensions import override

from tap_fieldnation import environment, settings
from tap_fieldnation.api import redact
from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.api.transport import checked_origin
from tap_fieldnation.commands import about as _about  # noqa: F401  registers itself with the SDK
from tap_fieldnation.commands import cli, logs
from tap_fieldnation.commands.last_line import silence_other_threads
from tap_fieldnation.commands.plan import print_plan
from tap_fieldnation.commands.sync import record_failure, sync
from tap_fieldnation.commands.test import print_checks
from tap_fieldnation.context import RunContext
from tap_fieldnation.hints import did_you_mean
from tap_fieldnation.proxies import check_proxy
from tap_fieldnation.reading.cursor_state import company_id_in
from tap_fieldnation.streams import input_catalog, maps
from tap_fieldnation.streams.factory import make_streams
from tap_fieldnation.streams.order import in_sync_order
from tap_fieldnation.streams.sdk import is_useful
from tap_fieldnation.streams.writer import Writer

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk.streams import Stream


class TapFieldNation(Tap):
    """Reads work orders, their child records, and company data from Field Nation."""

    name = "tap-fieldnation"
    message_writer_class = Writer
    config_jsonschema = settings.config_jsonschema()
    capabilities: t.ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *args: t.Any, parse_env_config: bool = False, **kwargs: t.Any) -> None:
        redact.install()
        self.logger.addFilter(is_useful)
        self._reads_environment = parse_env_config
        super().__init__(*args, parse_env_config=parse_env_config, **kwargs)

    @functools.cached_property
    def context(self) -> RunContext:
        """What the streams and commands of this run share."""
        return RunContext(
            self.config,
            user_agent=f"{self.name}/{self.plugin_version}",
            logger=self.logger,
        )

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """All streams; no request is made."""
        return make_streams(self, self.context)

    @override
    def setup_mapper(self) -> None:
        """Set up the stream maps with the catalog, which the streams have normalized; warn of what has no effect."""
        remarks = [
            *input_catalog.remarks(self.input_catalog, self.streams),
            *maps.remarks(self.config, self.streams),
        ]
        for sentence in remarks:
            self.logger.warning("%s", sentence)
        self.mapper = mapper = maps.Mapper(self.config, self.streams, self.logger)
        mapper.register_raw_streams_from_catalog(self.catalog)

    @override
    def load_state(self, state: dict[str, t.Any]) -> None:
        """Load the STATE of the last run, which determines the order of the streams; warn of unknown streams."""
        for name in state.get("bookmarks", {}).keys() - self.streams.keys():
            advice = did_you_mean(name, self.streams, "is it the STATE of another tap? If not, ignore this")
            self.logger.warning("The STATE names %s, which is not a stream and has no effect: %s", name, advice)
        super().load_state(state)
        self.context.expect_company(company_id_in(self.state))
        now = self.context.clock.utc_now()
        self._streams = in_sync_order(self.streams, self.state.get("bookmarks", {}), now)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Write the STATE of what was emitted, and exit with a code that shows that the run was interrupted.

        The SDK's own handler exits with 0, and can write STATE into the middle of another message.
        """
        writer = t.cast("Writer", self.message_writer)
        leave = functools.partial(self._leave, signum)
        if writer.busy and writer.on_idle is None and not writer.has_failed:
            writer.on_idle = leave
        else:
            leave()

    def _leave(self, signum: int) -> t.NoReturn:
        writer = t.cast("Writer", self.message_writer)
        text = f"Stopped by {signal.Signals(signum).name}"
        if self.context.started_at:
            text += ": the next run continues from the last STATE (no data is lost)"
            if not writer.busy:
                writer.on_idle = None
                with contextlib.suppress(OSError):  # Ctrl-C ends the target too
                    record_failure(self.streams, f"stopped by {signal.Signals(signum).name}")
                    self._state_writer.write_state(self.state)
                    sys.stdout.flush()
        silence_other_threads()
        # Not through the logger, which the signal may have interrupted. On a terminal, below the progress bar.
        line = f"{text}.\n"
        os.write(2, f"\n{line}".encode() if sys.stderr.isatty() else line.encode())
        os._exit(128 + signum)  # without waiting for requests in flight

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: dict[str, t.Any] | None = None,
        catalog: dict[str, t.Any] | None = None,
        test: str = cli.NOT_GIVEN,
        plan: str = cli.NOT_GIVEN,
    ) -> None:
        """Do what the command line asks for."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        source = config or _ConfigInput()
        tap = cls(
            config=source.config,
            state=state,
            catalog=catalog,
            parse_env_config=source.parse_env,
        )
        if test == "schema":
            tap.write_schemas()
        elif test != cli.NOT_GIVEN:
            print_checks(tap.context, tap.streams)
        elif plan != cli.NOT_GIVEN:
            print_plan(tap.context, tap.streams, as_json=plan == "json")
        else:
            sync(tap.sync_all, tap.context, tap.streams, tap.logger)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings and fill in the defaults, with our own messages, because those of the SDK show values."""
        secrets = (self._config.get(name) for name in settings.SECRETS)
        redact.register_secrets(*(value for value in secrets if isinstance(value, str)))
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        self._config = environment.without_empty(self._config, os.environ)
        if raise_errors:
            self._check_names(schema["properties"])
        invalid: dict[str, str] = {}
        for error in JSONSchemaValidator(schema).iter_errors(self._config):
            if error.absolute_path:
                invalid[str(error.absolute_path[0])] = ".".join(map(str, _innermost(error).absolute_path))
        if raise_errors:
            exported = [] if self._reads_environment else environment.exported(os.environ, settings.BY_NAME)
            settings.check(self._config, invalid, exported)
            check_proxy(checked_origin(settings.origin(self._config)))
        return sorted(invalid)

    def _check_names(self, known: environment.Schemas) -> None:
        """Warn of settings and environment variables that have no effect.

        Raises:
            SettingsError: One of them asks for something that the tap does not support.
        """
        if self._config.get("batch_config") is not None:
            raise SettingsError("Setting batch_config cannot be used: this tap writes no BATCH messages; remove it.")
        for name in [name for name, value in self._config.items() if name not in known and value is not None]:
            advice = did_you_mean(name, known, "see `tap-fieldnation --about`")
            self.logger.warning("Setting %s is unknown and has no effect: %s", name, advice)
        for name in settings.without_flattening(self._config):
            self.logger.warning("Setting %s has no effect: set flattening_enabled to true, or remove it.", name)
        for sentence in environment.unknown_variables(os.environ, known):
            self.logger.warning("%s", sentence)
        if not self._reads_environment and (unread := environment.unread_variables(os.environ, self._config, known)):
            text = "Without --config=ENV the environment is not read, and this has no effect: %s."
            self.logger.warning(text, ", ".join(unread))

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Add the SDK's own settings, including the one for version messages."""
        super().append_builtin_config(config_jsonschema)
        merge_missing_config_jsonschema(EMIT_ACTIVATE_VERSION_CONFIG, config_jsonschema)
        properties = config_jsonschema["properties"]
        for name in properties.keys() - settings.BY_NAME.keys():
            properties[name] = settings.completed(name, properties[name])

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805
        """Settings from the environment, the tap's and the SDK's, converted to their types."""
        schema: dict[str, t.Any] = cls.config_jsonschema
        cls.append_builtin_config(schema)
        environment.load_dotenv()
        return environment.read_settings(os.environ, schema["properties"])

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """The command line."""
        return cli.build_command(super().get_singer_command(), cls.logger)

    @plugin_cli
    @override
    def cli(cls) -> click.Command:  # noqa: N805
        """The command line, with logging set up."""
        cli.occupy_closed_streams()
        logs.set_up(cls.name)
        return cls.get_singer_command()


def _innermost(error: t.Any) -> t.Any:
    """The error within the best matching alternative, if a value matches none of the alternatives of a JSON Schema."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error
