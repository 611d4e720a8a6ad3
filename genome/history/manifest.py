"""`SHA256SUMS` beside files of history: what they must be, to the byte.

A flipped byte inside a page of a Parquet file is another price, and nothing in the file says so; a missing file is a
missing asset. The manifest is the one that `sha256sum *.parquet > SHA256SUMS` writes (GNU coreutils). Where there is
none nothing is checked; a file that it does not list is not its concern.
"""

import re
from pathlib import Path

from organism.errors import BadInput

NAME = "SHA256SUMS"
_LINE = re.compile(r"\\?([0-9a-fA-F]{64})[ \t][ *](?:\./)?(.+)")


def listed(folder: Path) -> dict[str, str]:
    """File name → SHA-256 in lower case; empty where there is no manifest. Raises `BadInput`."""
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadInput(
            f"{path} cannot be read: {said}; write it again with sha256sum, or remove it."
        ) from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise BadInput(
                f"{path}, line {number}: was {line[:60]!r}, which is no checksum; a line is 64 hexadecimal digits, two "
                "spaces and a file name, as sha256sum writes it."
            )
        found[match[2]] = match[1].lower()
    return found


def check(path: Path, sha256: str) -> None:
    """Refuse a file whose bytes are not those that the manifest of its folder lists. Raises `BadInput`."""
    promised = listed(path.parent).get(path.name)
    if promised is not None and promised != sha256:
        raise BadInput(
            f"{path.name} is not the file that {NAME} lists: its SHA-256 is {sha256[:12]}…, listed is "
            f"{promised[:12]}…; copy it again from where it came from, or write the manifest again if you changed it."
        )


def check_complete(folder: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a folder in which a listed file of history is missing. Raises `BadInput`."""
    for name in listed(folder):
        if Path(name).suffix.lower() in suffixes and not (folder / name).is_file():
            raise BadInput(
                f"{folder} has no {name}, which its {NAME} lists; copy it there, or take it out of the manifest."
            )
