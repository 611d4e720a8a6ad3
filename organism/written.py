"""Where settings are written, and under which names: a TOML file, the environment, the command line."""

import functools
import re
import tomllib
import types
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from organism.errors import ConfigError
from organism.settings import Section, Settings

FILE_NAME = "organism.toml"
PREFIX = "ORGANISM_"
DEFAULT = "default"
LONGEST_FILE = 1_000_000  # bytes
LONGEST_NAME = 60  # shown of a name that nobody knows


class Given(NamedTuple):
    """A value and where it was written; `text` when it is a string still to be read."""

    value: Any
    source: str
    text: bool


@functools.cache
def keys() -> Mapping[str, Any]:
    """Every setting there is, as "section.key" (top level: "key"), with its type."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        if isinstance(field.type, type) and issubclass(field.type, Section):
            found |= {f"{field.name}.{f.name}": f.type for f in msgspec.structs.fields(field.type)}
        else:
            found[field.name] = field.type
    return types.MappingProxyType(found)


def sections() -> dict[str, type[Section]]:
    """Every section there is, with its type."""
    fields = msgspec.structs.fields(Settings)
    return {f.name: f.type for f in fields if isinstance(f.type, type) and issubclass(f.type, Section)}


def unknown_setting(section: str, name: str, known: Collection[str]) -> str:
    """Describe a misspelt setting or section."""
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    name = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    place = (
        f"[{section}] has no setting {name!r}." if section else f"There is no section or setting {name!r}."
    )
    return f"{place}{hint} It knows: {', '.join(sorted(known))}."


def must_be_known(key: str, source: str) -> None:
    """Refuse a setting that does not exist, with the nearest one that does."""
    if key in keys():
        return
    section, dot, name = key.partition(".")
    tables = sections()
    if dot and section in tables:
        known: Collection[str] = [f.name for f in msgspec.structs.fields(tables[section])]
        raise ConfigError(where(source) + unknown_setting(section, name, known))
    top = [k for k in keys() if "." not in k]
    raise ConfigError(where(source) + unknown_setting("", section, [*top, *tables]))


def where(source: str) -> str:
    """How an error message begins: "FILE line N: ", "environment NAME: ", "command line: " or nothing."""
    return "" if source == DEFAULT else f"{source.removeprefix('file ')}: "


def found_file(state: Path | None) -> Path | None:
    """organism.toml in the current folder, or else in the state folder."""
    for folder in (Path(), state):
        if folder is not None and (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def from_file(path: Path) -> dict[str, Given]:
    """What a TOML file sets, with the line of each setting."""
    tree, text = _parsed(path)
    lines = _lines(text)
    given: dict[str, Given] = {}
    for key, value in _flat(tree, path, lines):
        line = lines.get(key)
        given[key] = Given(value, f"file {path} line {line}" if line else f"file {path}", text=False)
    return given


def _parsed(path: Path) -> tuple[dict[str, Any], str]:
    try:
        if not path.is_file():
            raise ConfigError(
                f"The settings file {path} must be a regular file; there was none. Check --config."
            )
        if path.stat().st_size > LONGEST_FILE:
            raise ConfigError(
                f"The settings file {path} must be under {LONGEST_FILE} bytes; was {path.stat().st_size}."
            )
        text = path.read_bytes().decode("utf-8")
        return tomllib.loads(text), text
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The settings file {path} must be UTF-8 text; byte {error.start} was not."
        ) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = f" line {line[1]}" if line else ""
        why = re.sub(r" \(at .*\)$", "", str(error))
        # the parser quotes keys only, never values: a token cannot be in `why`
        raise ConfigError(
            f"{path}{place}: TOML was malformed: {why}. Correct the line, or remove it."
        ) from None
    except (RecursionError, ValueError):
        raise ConfigError(f"{path}: TOML was malformed: nested too deeply, or a number too long.") from None
    except OSError as error:
        raise ConfigError(f"The settings file {path} was not readable: {error.strerror}.") from None


def _flat(tree: Mapping[str, Any], path: Path, lines: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
    tables = sections()
    for name, value in tree.items():
        if name in tables and isinstance(value, dict):
            for key, inner in value.items():
                must_be_known(f"{name}.{key}", _place(path, lines, f"{name}.{key}"))
                yield f"{name}.{key}", inner
        elif name in tables:
            raise ConfigError(
                f"{where(_place(path, lines, name))}{name!r} must be a section, written [{name}]; was a value."
            )
        else:
            if "." in name:  # a quoted key: [section] is the one way to write it
                raise ConfigError(where(_place(path, lines, name)) + unknown_setting("", name, [*tables]))
            must_be_known(name, _place(path, lines, name))
            yield name, value


def _place(path: Path, lines: Mapping[str, int], key: str) -> str:
    return f"file {path} line {lines[key]}" if key in lines else f"file {path}"


def _lines(text: str) -> dict[str, int]:
    """First line of each "section" and "section.key". A guide for people: TOML itself was parsed properly."""
    found: dict[str, int] = {}
    section = ""
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole[:200]  # no name is longer, and the search must stay cheap on a hostile file
        header = re.match(r"\s*\[\[?\s*([\w.\s\"'-]+?)\s*\]", line)
        entry = re.match(r"\s*([\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=", line)
        if header:
            section = re.sub(r"[\s\"']", "", header[1])
            parts = section.split(".")
        elif entry:
            parts = [p for p in [*section.split("."), *re.sub(r"[\s\"']", "", entry[1]).split(".")] if p]
        else:
            continue
        for depth in (1, 2):
            found.setdefault(".".join(parts[:depth]), number)
    return found


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """What ORGANISM_SECTION__KEY variables set (ORGANISM_MODE and ORGANISM_SEED without a section)."""
    given: dict[str, Given] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        setting = f"{section}.{key}" if separator else section
        if separator:
            must_be_known(setting, f"environment {name}")
        elif setting not in keys():
            _refuse_single_underscore(name, setting)
            continue  # ORGANISM_PARENT_FD and the like: not a setting
        given[setting] = Given(environ[name], f"environment {name}", text=True)
    return given


def _refuse_single_underscore(name: str, lowered: str) -> None:
    for key in keys():
        section, _, setting = key.partition(".")
        if setting and lowered == f"{section}_{setting}":
            better = f"{PREFIX}{section}__{setting}".upper()
            raise ConfigError(
                f"The environment variable {name} sets nothing. Did you mean {better} (two underscores)?"
            )
