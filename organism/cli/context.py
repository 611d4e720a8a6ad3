"""What most commands begin with: the state folder, the settings, and how results are printed."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from organism.cli.parser import Options, default_state
from organism.config import Loaded, load
from organism.errors import BadInput


def state_folder(options: Options) -> Path:
    """`--state`, else ORGANISM_STATE, else the checkout's own folder; `BadInput` where that is a file."""
    chosen: Path = options.state or Path(os.environ.get("ORGANISM_STATE") or default_state())
    found = chosen.expanduser().absolute()
    if os.path.lexists(found) and not found.is_dir():
        raise BadInput(f"The state folder {found} is a file; name a folder with --state.")
    return found


def overrides(options: Options, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """`--set SECTION.KEY=VALUE` and flags that stand for one."""
    found = dict(more or {})
    for text in getattr(options, "set", []):
        key, equals, value = text.partition("=")
        if not equals:
            raise BadInput(f"--set wants SECTION.KEY=VALUE; was {text!r}.")
        found[key.strip()] = value.strip()
    return found


def settings(options: Options, given: Mapping[str, str] | None = None) -> Loaded:
    """Settings as this command sees them."""
    state = state_folder(options)
    environ = {k: v for k, v in os.environ.items() if k not in {"ORGANISM_STATE", "ORGANISM_PYTHON"}}
    return load(options.config, environ, overrides(options) if given is None else given, state=state)


def emit(document: Any) -> None:
    """One JSON document on standard output, nothing else."""
    json.dump(document, sys.stdout, default=str, indent=2)
    sys.stdout.write("\n")


def must_exist(state: Path) -> None:
    """Refuse a folder that no organism ever lived in."""
    if not (state / "journal.db").exists():
        raise BadInput(
            f"{state} holds no journal: no organism has lived there. Start one with `organism start`, "
            f"or name the right folder with --state."
        )
