"""`organism drill FAULT`: hurt a paper organism that runs, and watch it heal, here and on its page."""

import dataclasses

from organism.chaos.catalogue import BY_ID
from organism.chaos.drill import DRILLS
from organism.chaos.drill import perform as drilled
from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.errors import BadInput


def perform(options: Options) -> int:
    """0 when it healed, 1 when it did not in time."""
    if options.list:
        _list(json=options.json)
        return 0
    if options.fault is None:
        raise BadInput("which drill? `organism drill --list` shows all of them.")
    say = (lambda _: None) if options.json else (lambda text: print(text, flush=True))
    found = drilled(options.fault, state_folder(options), options.organ, say)
    if options.json:
        emit(dataclasses.asdict(found))
    return 0 if found.healed_s is not None else 1


def _list(*, json: bool) -> None:
    if json:
        emit(
            [
                {"drill": name, "fault": d.fault, "what": d.what, "promise": BY_ID[d.fault].promise}
                for name, d in DRILLS.items()
            ]
        )
        return
    for name, drill in DRILLS.items():
        print(
            f"{name:15} {drill.fault:4} {drill.what}\n{'':20} promised: {BY_ID[drill.fault].promise.rstrip('| ')}"
        )
