"""The plugin: its settings, its streams, and what a run does. No HTTP."""

from __future__ import annotations

import functools
import os
import signal
import sys
import typing as t

import click
from singer_sdk import Tap
from singer_sdk.configuration._dict_config import merge_missing_config_jsonschema, parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers._util import load_json
from singer_sdk.helpers.capabilities import (
    EMIT_ACTIVATE_VERSION_CONFIG,
    CapabilitiesEnum,
    PluginCapabilities,
    TapCapabilities,
)
from singer_sdk.plugin_base import JSONSchemaValidator, _ConfigInput
from typing_extensions import override

from tap_fieldnation import settings
from tap_fieldnation.api import redact
from tap_fieldnation.api.auth import FieldNationAuthenticator
from tap_fieldnation.api.client import Client
from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, SettingsError
from tap_fieldnation.api.rate_limiter import RateLimiter
from tap_fieldnation.api.requester import Requester
from tap_fieldnation.api.transport import TokenLocation, Transport, checked_origin
from tap_fieldnation.api.work_orders import WorkOrders
from tap_fieldnation.commands import about as _about  # noqa: F401  registers itself with the SDK
from tap_fieldnation.commands import plan as estimate
from tap_fieldnation.commands.cli import Command
from tap_fieldnation.commands.progress import shown
from tap_fieldnation.commands.summary import report
from tap_fieldnation.commands.test import checks
from tap_fieldnation.reading import cursor as cursors
from tap_fieldnation.reading.lifecycle import company_of
from tap_fieldnation.streams import factory
from tap_fieldnation.streams.company import Lists
from tap_fieldnation.streams.sdk import Writer, is_useful, limit_malloc_arenas, tune_gc

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from types import FrameType

    from singer_sdk.streams import Stream

    from tap_fieldnation.streams.work_orders import WorkOrdersStream


DISABLED = "disabled"  # an option that was not given

HELP = """Read work orders, what hangs on them, and company data from Field Nation, and write them to stdout as Singer
messages, for a target to load. With --test, --plan or --discover: say what there is.

\b
Documentation:
https://github.com/tap-fieldnation/tap-fieldnation/tree/main/docs
"""
# What the SDK's own options are for, here.
OPTIONS = {
    "config": "A JSON file with the settings, or ENV for those in the environment (TAP_FIELDNATION_CLIENT_ID and so "
    "on). May be given several times: the later file wins, and ENV over all.",
    "discover": "Print the catalog: all streams, and which are read by default. Needs no account.",
    "catalog": "A JSON file that says which streams and columns to read: what --discover prints, edited.",
    "state": "A JSON file with the value of the last STATE message of the run before this one.",
}


class TapFieldNation(Tap):
    """Field Nation: work orders, what hangs on them, and company data."""

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

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        redact.install()
        self.logger.addFilter(is_useful)
        self.out_of_time = False
        super().__init__(*args, **kwargs)

    @property
    def origin(self) -> str:
        """Scheme and host that the run reads from."""
        return str(self.config.get("api_url") or settings.ENVIRONMENTS[self.config["environment"]])

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last creation day asked for, UTC."""
        since, until = settings.day(self.config, "start_date"), settings.day(self.config, "end_date")
        # STATE knows no earlier day, and no account is that old.
        return since and max(since, cursors.EARLIEST), until

    @functools.cached_property
    def clock(self) -> Clock:
        """The run's clock."""
        minutes = self.config.get("max_minutes")
        return Clock(time_limit=None if minutes is None else 60.0 * float(minutes))

    @functools.cached_property
    def transport(self) -> Transport:
        """The run's one HTTP session."""
        return Transport(
            self.origin,
            user_agent=self.config.get("user_agent") or f"{self.name}/{self.plugin_version}",
            token_location=TokenLocation(self.config["access_token_location"]),
            timeout=float(self.config["request_timeout"]),
            max_connections=self.config["max_concurrent_requests"],
            clock=self.clock,
        )

    @functools.cached_property
    def requester(self) -> Requester:
        """Sends and counts the run's requests."""
        rate, burst = float(self.config["requests_per_minute"]), self.config["max_concurrent_requests"]
        return Requester(
            self.transport,
            RateLimiter(rate, burst, self.clock),
            self.clock,
            max_retries=self.config["max_retries"],
            logger=self.logger,
        )

    @functools.cached_property
    def authenticator(self) -> FieldNationAuthenticator:
        """The run's one authenticator."""
        return FieldNationAuthenticator(
            client_id=self.config["client_id"],
            client_secret=self.config["client_secret"],
            username=self.config.get("username"),
            password=self.config.get("password"),
            environment=self.config.get("api_url") or self.config["environment"],
            requester=self.requester,
            clock=self.clock,
        )

    @functools.cached_property
    def client(self) -> Client:
        """The run's one client."""
        return Client(self.requester, self.authenticator, max_in_flight=self.config["max_concurrent_requests"])

    @property
    def work_orders(self) -> WorkOrdersStream:
        """The stream that reads work orders, selected or not."""
        return t.cast("WorkOrdersStream", self.streams["work_orders"])

    @functools.cached_property
    def lists(self) -> Lists:
        """The company's lists, each asked for once a run."""
        return Lists(self)

    @functools.cached_property
    def company_id(self) -> int | None:
        """The company whose account this is: as work orders say, in an earlier run or now; else as the setting says."""
        known = self.state.get("bookmarks", {}).get("work_orders", {}).get(cursors.KEY) or {}
        if found := known.get("company_id"):
            return int(found)
        try:
            page = WorkOrders(self.client, ["company"], 1).page(1, {})
        except ApiError as error:
            if error.rule.action is not Action.SKIP:
                raise
            return t.cast("int | None", self.config.get("company_id"))
        return next(filter(None, map(company_of, page.records)), self.config.get("company_id"))

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """All streams; no request is factory."""
        return factory.streams(self)

    @override
    def setup_mapper(self) -> None:
        """Set the stream maps up, by a catalog that the streams have amended."""
        assert self.streams  # noqa: S101
        super().setup_mapper()

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End with the STATE of what was emitted, and an exit code that says that the run was cut short.

        The SDK's own handler exits with 0, and writes STATE into the middle of a message that is being written.
        """
        writer = t.cast("Writer", self.message_writer)
        leave = functools.partial(self._leave, signum)
        if writer.busy and writer.leave is None:
            writer.leave = leave
        else:
            leave()

    def _leave(self, signum: int) -> t.NoReturn:
        writer = t.cast("Writer", self.message_writer)
        if not writer.busy:
            writer.leave = None
            self._state_writer.write_state(self.state)
            sys.stdout.flush()
        name = signal.Signals(signum).name
        text = f"Stopped by {name}: the next run goes on from the STATE written last (nothing is lost).\n"
        # Not by the logger, in whose middle the signal may have come; on a terminal below the bar and what was typed.
        os.write(2, f"\n{text}".encode() if sys.stderr.isatty() else text.encode())
        os._exit(128 + signum)  # without waiting for requests that are under way

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: t.IO[str] | None = None,
        catalog: t.IO[str] | None = None,
        test: str = DISABLED,
        plan: str = DISABLED,
    ) -> None:
        """Run the tap, and say at the end what was read; or test it, or say what a run would cost."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        given = config or _ConfigInput()
        tap = cls(
            config=given.config,
            state=None if state is None else load_json(state.read()),
            catalog=None if catalog is None else load_json(catalog.read()),
            parse_env_config=given.parse_env,
        )
        if test == "schema":
            tap.write_schemas()
        elif test != DISABLED or plan != DISABLED:
            try:
                if test != DISABLED:
                    tap.tell_checks()
                else:
                    tap.tell_costs(as_json=plan == "json")
            except DeadlineExceeded:
                sentence = "The time that max_minutes gives was spent before this was done: give more, or try later."
                raise SettingsError(sentence) from None
        else:
            tune_gc()
            limit_malloc_arenas()
            try:
                with shown(tap):
                    tap.sync_all()
            finally:
                report(tap)

    def tell_costs(self, *, as_json: bool) -> None:
        """Print what a run would read and cost."""
        costs = estimate.estimate(self)
        click.echo((estimate.as_json if as_json else estimate.as_table)(self, costs))

    def tell_checks(self) -> None:
        """Print whether this account can be read as expected; end with 1 if not."""
        good = True
        for check in checks(self):
            click.echo(str(check))
            good = good and check.good is not False
        if not good:
            sys.exit(1)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, and fill in the defaults; messages are ours, as the SDK's show the value."""
        redact.register_secrets(
            *(value for name in settings.SECRETS if isinstance(value := self._config.get(name), str))
        )
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        invalid = {
            str(error.absolute_path[0])
            for error in JSONSchemaValidator(schema).iter_errors(self._config)
            if error.absolute_path
        }
        if raise_errors:
            settings.check(self._config, sorted(invalid))
            checked_origin(self.origin)
        return sorted(invalid)

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Add the SDK's own settings, the one for version messages included."""
        super().append_builtin_config(config_jsonschema)
        merge_missing_config_jsonschema(EMIT_ACTIVATE_VERSION_CONFIG, config_jsonschema)

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805
        """Settings from the environment: the SDK's own by its way, ours in their types."""
        schema: dict[str, t.Any] = {"properties": {}}
        cls.append_builtin_config(schema)
        found = parse_environment_config(schema, cls._env_var_prefix)
        return {**found, **settings.from_environment(os.environ, cls._env_var_prefix)}

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """The command line."""
        command = super().get_singer_command()
        command.params = [option for option in command.params if option.name != "test"]
        for option in command.params:
            if isinstance(option, click.Option) and option.name in OPTIONS:
                option.help = OPTIONS[option.name]
        command.params += [
            click.Option(
                ["--test"],
                flag_value="all",
                is_flag=False,
                default=DISABLED,
                metavar="[=schema]",
                type=click.Choice(["all", "schema", DISABLED]),
                help="Say whether the credentials work, what the account may read, and whether its API answers as "
                "expected; --test=schema prints SCHEMA messages.",
            ),
            click.Option(
                ["--plan"],
                flag_value="table",
                is_flag=False,
                default=DISABLED,
                metavar="[=json]",
                type=click.Choice(["table", "json", DISABLED]),
                help="Say what a run would read and cost; --plan=json for programs.",
            ),
        ]
        return Command(
            name=command.name,
            callback=command.callback,
            context_settings=command.context_settings,
            params=command.params,
            help=HELP,
            logger=cls.logger,
        )
