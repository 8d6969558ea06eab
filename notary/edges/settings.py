"""What the user has settled for good: one TOML file in the platform's configuration folder, and `NOTARY_*` variables.

A variable counts more than the file, and an option of a command more than both. Each key of the file has a variable
of its name: `min_calendars` and NOTARY_MIN_CALENDARS. In a variable a list is divided by commas or blanks; one that is
set and empty is an empty list, or for other keys as good as not set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from notary import limits
from notary.errors import InputError

_VARIABLE = "NOTARY_"
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """What was settled; None where the default of the command counts."""

    network: str | None = None
    require: str | None = None
    confirmations: int | None = None
    calendars: tuple[str, ...] | None = None
    min_calendars: int | None = None
    node: str | None = None
    node_cookie: Path | None = None
    explorers: tuple[str, ...] | None = None
    min_explorers: int | None = None
    peers: tuple[str, ...] | None = None
    ledger: Path | None = None
    headers: Path | None = None
    key: Path | None = None
    tsa: str | None = None
    policy: Path | None = None


_KINDS = {
    "confirmations": int,
    "min_calendars": int,
    "min_explorers": int,
    "calendars": tuple,
    "explorers": tuple,
    "peers": tuple,
    "node_cookie": Path,
    "ledger": Path,
    "headers": Path,
    "key": Path,
    "policy": Path,
}

KEYS = tuple(field.name for field in fields(Settings))


def variable(key: str) -> str:
    """The environment variable of a key."""
    return _VARIABLE + key.upper()


def read_settings(file: Path, environment: Mapping[str, str]) -> tuple[Settings, Mapping[str, str]]:
    """The settings that are in force, and where each comes from. A file that is not there settles nothing.

    Raises InputError, naming the file or variable, for what is malformed.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for key, value in _read(file).items():
        if key not in KEYS:
            raise InputError(f"{file}: there is no setting {key!r}", f"the settings are {', '.join(KEYS)}")
        values[key] = _checked(key, value, f"{file}: {key}", file.parent)
        origins[key] = str(file)
    for key in KEYS:
        name = variable(key)
        text = environment.get(name)
        kind = _KINDS.get(key, str)
        if text is None or (text == "" and kind is not tuple):
            continue
        value = text.replace(",", " ").split() if kind is tuple else text
        is_number = kind is int and text.isascii() and text.isdecimal() and len(text) < _DIGITS
        values[key] = _checked(key, int(text) if is_number else value, name, Path())
        origins[key] = name
    return Settings(**values), origins


def _read(file: Path) -> dict[str, Any]:
    if file.exists() and not file.is_file():
        raise InputError(f"{file}: not a file")
    try:
        with file.open("rb") as stream:
            data = stream.read(limits.SETTINGS_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(f"{file}: {(error.strerror or str(error)).lower()}") from None
    if len(data) > limits.SETTINGS_BYTES:
        raise InputError(f"{file}: over {limits.SETTINGS_BYTES:,} bytes; not a file of settings")
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: not TOML: {error}") from None


def _checked(key: str, value: Any, where: str, folder: Path) -> Any:
    kind = _KINDS.get(key, str)
    if kind is int:
        if type(value) is not int or not 1 <= value <= 1_000_000:
            raise InputError(f"{where} has to be a whole number from 1 on")
        return value
    if kind is tuple:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InputError(f"{where} has to be a list of texts")
        return tuple(dict.fromkeys(value))
    if not isinstance(value, str) or not value or "\0" in value:
        raise InputError(f"{where} has to be a text")
    if kind is Path:
        return folder / _expanded(value, where)
    return value


def _expanded(value: str, where: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise InputError(f"{where}: {value!r} begins with the home of nobody") from None
