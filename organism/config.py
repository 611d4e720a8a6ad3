"""Settings from a TOML file, the environment and the command line, each checked, each with its source.

Later wins: default < file < environment (`ORGANISM_RISK__MAX_GROSS_EXPOSURE=0.8`) < command line
(`risk.max_gross_exposure=0.8`). Whatever cannot be used is refused in one sentence; nothing is guessed.
"""

import functools
import hashlib
import inspect
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import msgspec

from organism.errors import ConfigError
from organism.redaction import masked_url
from organism.rules import ORGANS, RULES, between
from organism.settings import Channel, Settings
from organism.written import (
    DEFAULT,
    Given,
    found_file,
    from_environment,
    from_file,
    keys,
    must_be_known,
    sections,
    unknown_setting,
    where,
)

COMMAND_LINE = "command line"
_UNSHOWN = {"voice.channels", "logs.sentry", "logs.otlp", "logs.otlp_headers"}  # a secret, by mistake
LONGEST_NUMBER = 100  # bits of a whole number that is worth repeating


class Loaded(NamedTuple):
    """Settings, where each came from ("section.key" → source), and a hash that names them in the journal."""

    settings: Settings
    sources: Mapping[str, str]
    hash: str


class Explained(NamedTuple):
    """One setting as `organism config explain` prints it; addresses of channels are masked."""

    key: str
    value: str
    source: str
    doc: str


def load(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, str] | None = None,
    *,
    state: Path | None = None,
) -> Loaded:
    """Read everything and check it. Without `path`: organism.toml here or in the state folder, if there is one."""
    given: dict[str, Given] = {}
    file = path or found_file(state)
    if file is not None:
        given |= from_file(file)
    given |= from_environment(environ)
    for key, text in (overrides or {}).items():
        must_be_known(key, COMMAND_LINE)
        given[key] = Given(text, COMMAND_LINE, text=True)
    values = {key: _checked(key, one) for key, one in given.items()}
    settings = _assembled(values)
    sources = {key: given[key].source if key in given else DEFAULT for key in keys()}
    breach = between(settings)
    if breach is not None:
        source = next((sources[k] for k in _related(breach.key) if sources[k] != DEFAULT), DEFAULT)
        raise ConfigError(f"{where(source)}{breach.sentence}")
    _refuse_visible(settings, sources)
    _refuse_live(settings, sources)
    return Loaded(settings, types.MappingProxyType(sources), settings_hash(settings))


def settings_hash(settings: Settings) -> str:
    """SHA-256 of everything that shapes a decision; addresses of channels do not, and stay out of it."""
    return hashlib.sha256(msgspec.json.encode(without_channels(settings), order="deterministic")).hexdigest()


def without_channels(settings: Settings) -> Settings:
    """The same settings for every process but the sender: how many channels and which tags, no addresses."""
    masked = tuple(
        msgspec.structs.replace(c, url=masked_url(c.url) if "://" in c.url else c.url)
        for c in settings.voice.channels
    )
    voice = msgspec.structs.replace(settings.voice, channels=masked)
    return msgspec.structs.replace(settings, voice=voice)


def explain(loaded: Loaded) -> list[Explained]:
    """Each setting, its value, its source and its meaning."""
    meanings = documented()
    shown = without_channels(loaded.settings)
    return [
        Explained(key, _shown(_value(shown, key)), loaded.sources[key], meanings.get(key, ""))
        for key in keys()
    ]


def documented() -> dict[str, str]:
    """What the two-column lines of the section docstrings say about each setting."""
    found: dict[str, str] = {}
    for section, kind in {"": Settings, **sections()}.items():
        prefix = f"{section}." if section else ""
        latest: list[str] = []
        for line in inspect.cleandoc(kind.__doc__ or "").splitlines()[1:]:
            column = re.fullmatch(r"(\w+(?:, \w+)*)\s{2,}(\S.*)", line)
            if column:
                latest = [prefix + name for name in column[1].split(", ")]
                found |= dict.fromkeys(latest, column[2].strip())
            elif line.startswith(" ") and line.strip():
                found |= {name: f"{found[name]} {line.strip()}" for name in latest}
    return found


# ------------------------------------------------------------------ from what was written to a value


def _checked(key: str, given: Given) -> Any:
    kind = keys()[key]
    value = _read(key, given, kind) if given.text else given.value
    if kind is float and type(value) is int and abs(value) < 2**63:
        value = float(value)
    elif kind == tuple[Channel, ...]:
        return _channels(given, value)
    elif kind == dict[str, float]:
        value = _by_organ(key, given, value)
    elif typing.get_origin(kind) is tuple:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            _refuse(key, given, value)
        value = tuple(value)
    # bool is an int in Python; here it is no number
    if isinstance(kind, type) and type(value) is not kind:
        _refuse(key, given, value)
    if not RULES[key].holds(value):
        _refuse(key, given, value)
    return value


def _read(key: str, given: Given, kind: Any) -> Any:
    """A value from the text of a variable or an argument."""
    text = str(given.value).strip()
    if kind is str:
        return text
    if kind == tuple[str, ...] and not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    if "\n" in text:
        _refuse(key, given, text)
    try:
        return tomllib.loads(f"value = {text}\n")["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        _refuse(key, given, text)


def _by_organ(key: str, given: Given, value: Any) -> dict[str, float]:
    """Seconds by organ, on top of the defaults."""
    if not isinstance(value, dict):
        _refuse(key, given, value)
    known = ("default", *ORGANS)
    for name, seconds in value.items():
        if name not in known:
            raise ConfigError(where(given.source) + unknown_setting(key, name, known))
        if type(seconds) not in (int, float) or not abs(seconds) < 2**63:
            _refuse(key, given, seconds)
    default: dict[str, float] = _value(Settings(), key)
    return default | {name: float(seconds) for name, seconds in value.items()}


def _channels(given: Given, value: Any) -> tuple[Channel, ...]:
    """Channels. What was written is never repeated: it may hold tokens."""
    key = "voice.channels"
    if not isinstance(value, list) or not RULES[key].holds(value):
        _refuse(key, given, value)
    known = [f.name for f in msgspec.structs.fields(Channel)]
    channels = []
    for number, entry in enumerate(value, start=1):
        place = f"{where(given.source)}[voice] channel {number}"
        if not isinstance(entry, dict):
            raise ConfigError(
                f'{place} must be written {{ url = "…", tags = ["critical"] }}; was a plain value.'
            )
        for name in entry:
            if name not in known:
                raise ConfigError(
                    where(given.source) + unknown_setting(f"voice.channels {number}", name, known)
                )
        try:
            channels.append(msgspec.convert(entry, Channel))
        except msgspec.ValidationError:
            raise ConfigError(
                f"{place} must have a url (text), and may have tags (a list of texts) and a name (text); was otherwise."
            ) from None
    return tuple(channels)


def _refuse(key: str, given: Given, value: Any) -> NoReturn:
    section, dot, name = key.partition(".")
    thing = f"[{section}] {name}" if dot else section
    kind = keys()[key]
    noun = {float: "a number ", int: "a whole number "}.get(kind, "")
    rule = RULES[key].words
    shown = "something else" if key in _UNSHOWN else _shown(value)
    default = _shown(_value(Settings(), key))
    raise ConfigError(
        f"{where(given.source)}{thing} must be {noun}{rule}; was {shown}. "
        f"Correct it, or remove it to use the default {default}."
    )


def _assembled(values: Mapping[str, Any]) -> Settings:
    top = {key: value for key, value in values.items() if "." not in key}
    for name, kind in sections().items():
        inside = {k.partition(".")[2]: v for k, v in values.items() if k.startswith(f"{name}.")}
        top[name] = kind(**inside)
    return Settings(**top)


def _refuse_visible(settings: Settings, sources: Mapping[str, str]) -> None:
    """Every user of the machine can read the arguments of a process."""
    if sources["voice.channels"] == COMMAND_LINE and any("://" in c.url for c in settings.voice.channels):
        raise ConfigError(
            "command line: [voice] channels must not hold addresses, because every user of this machine can read them; "
            "was a plain url. Write env:NAME or file:PATH, or use the settings file."
        )


def _refuse_live(settings: Settings, sources: Mapping[str, str]) -> None:
    if settings.mode != "live":
        return
    missing = [k.partition(".")[2] for k in keys() if k.startswith("risk.") and sources[k] == DEFAULT]
    if missing:
        raise ConfigError(
            f"{where(sources['mode'])}mode 'live' takes no default for what can lose money; [risk] did not write out: "
            f'{", ".join(missing)}. Write each of them, or use mode = "paper".'
        )
    raise ConfigError(
        f"{where(sources['mode'])}mode 'live' cannot be armed in this version: no venue for real money is built in. "
        'Use mode = "paper".'
    )


# ------------------------------------------------------------------ small words


def _related(key: str) -> tuple[str, ...]:
    """Settings of the same section, the one to point at first."""
    section = key.partition(".")[0]
    return (key, *(k for k in keys() if k.startswith(f"{section}.")))


def _value(settings: Settings, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), settings)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
        return "a number of more than 30 digits"
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else value[:79] + "…")  # noqa: PLR2004 - a readable line
    if isinstance(value, tuple) and value and isinstance(value[0], Channel):
        return "; ".join(f"{c.name or c.url} [{', '.join(c.tags) or 'all'}]" for c in value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {seconds}" for name, seconds in value.items())[:200]
    return str(value)[:200]
