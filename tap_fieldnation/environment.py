"""Reads settings from environment variables, and finds variables that have no effect."""

from __future__ import annotations

import typing as t

from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._util import load_json

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.hints import closest

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

PREFIX = "TAP_FIELDNATION_"
LOG_LEVEL = "LOGLEVEL"  # with or without the prefix

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
Schemas = t.Mapping[str, t.Mapping[str, t.Any]]  # by the name of the setting


def load_dotenv() -> None:
    """Load the variables of a `.env` file, as every tap built on the SDK does.

    Raises:
        SettingsError: The file cannot be read.
    """
    problem = ""
    try:
        parse_environment_config({}, PREFIX)
    except (OSError, ValueError) as error:
        problem = "is not UTF-8 text" if isinstance(error, ValueError) else f"cannot be read ({error.strerror})"
    if problem:
        raise SettingsError(f"The file .env {problem}: make it readable, or remove it.")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def read_settings(variables: Mapping[str, str], schemas: Schemas) -> dict[str, t.Any]:
    """The settings from environment variables, converted to their types. An empty variable counts as not set.

    A value that does not look like its type stays a string, which the JSON Schema rejects.

    Raises:
        SettingsError: A variable is not UTF-8 text, or not JSON where JSON is expected.
    """
    given = {name: variables.get(variable(name)) for name in schemas}
    return {name: _typed(name, text, _types(schemas[name])) for name, text in given.items() if text}


def _types(schema: Mapping[str, t.Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _typed(name: str, text: str, types: Collection[str]) -> t.Any:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise SettingsError(f"The environment variable {variable(name)} is not UTF-8 text: set it again.")
    if "object" in types or "array" in types:
        return _from_json(name, text)
    readers: list[tuple[str, t.Callable[[str], t.Any]]] = [("integer", int), ("number", float)]
    for kind, read in readers:
        if kind in types:
            try:
                return read(text)
            except ValueError:
                return text
    if "boolean" in types:
        return _BOOLEANS.get(text.strip().lower(), text)
    return text


def _from_json(name: str, text: str) -> t.Any:
    place = ""
    try:
        return load_json(text)
    except ValueError as error:
        column = getattr(error, "colno", None)
        place = f" (line {getattr(error, 'lineno', 1)}, column {column})" if column else ""
    except RecursionError:
        place = " (it is nested too deeply)"
    raise SettingsError(f"The environment variable {variable(name)} is not JSON{place}: give a JSON object.")


def without_empty(config: Mapping[str, t.Any], variables: Mapping[str, str]) -> dict[str, t.Any]:
    """A config without the empty strings that Meltano passes on for empty environment variables."""
    return {name: value for name, value in config.items() if value != "" or variables.get(variable(name)) != ""}


def exported(variables: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """The settings among `names` for which an environment variable is set."""
    return [name for name in names if variables.get(variable(name))]


def unknown_variables(variables: Mapping[str, str], schemas: Schemas) -> Iterator[str]:
    """A sentence for each variable that looks like a setting but is not one."""
    known = {f"{PREFIX}{LOG_LEVEL}", *map(variable, schemas)}
    for name in sorted(variables):
        if name.upper().startswith(PREFIX) and name not in known and not _is_of_meltano(name, variables, schemas):
            meant = closest(name[len(PREFIX) :], [one[len(PREFIX) :] for one in sorted(known)])
            advice = f"did you mean {PREFIX}{meant}?" if meant else "see `tap-fieldnation --about`."
            yield f"The environment variable {name} is unknown and has no effect: {advice}"


def unread_variables(variables: Mapping[str, str], config: Mapping[str, t.Any], schemas: Schemas) -> list[str]:
    """The variables that differ from the config of a run that does not read them.

    Meltano passes each setting both in a variable and in the config.
    """
    return [
        variable(name)
        for name, schema in schemas.items()
        if (text := variables.get(variable(name))) and _differs(name, text, config.get(name), schema)
    ]


def _is_of_meltano(name: str, variables: Mapping[str, str], schemas: Schemas) -> bool:
    """Whether Meltano uses a variable: for an extra, a part of an object, or a plugin with a longer name."""
    rest = name[len(PREFIX) :]
    if "__" in name or rest.startswith("_"):
        return True
    if not any(other.startswith("MELTANO_EXTRACT") for other in variables):
        return False
    objects = tuple(f"{setting.upper()}_" for setting, schema in schemas.items() if "object" in _types(schema))
    return rest.startswith(objects) or any(rest.endswith(f"_{setting.upper()}") for setting in schemas)


def _differs(name: str, text: str, value: t.Any, schema: Mapping[str, t.Any]) -> bool:
    """Whether the value of a variable differs from that in the config."""
    try:
        return bool(_typed(name, text, _types(schema)) != value)
    except SettingsError:
        return True
