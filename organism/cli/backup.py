"""`organism backup`: a copy of the state folder, of a living organism too; the copy is a state folder itself."""

import time
from pathlib import Path

from organism.backup import back_up, default_name
from organism.cli.context import emit, must_exist, state_folder
from organism.cli.parser import Options


def perform(options: Options) -> int:
    """Copy, prove the copy, and say how it is used."""
    state = state_folder(options)
    must_exist(state)
    given: Path | None = options.folder
    target = (given or state.parent / default_name(time.time())).expanduser().absolute()
    done = back_up(state, target, with_lake=options.with_lake)
    if options.json:
        emit(done._asdict())
    else:
        print(
            f"Backed up {done.n_files} files, {done.n_bytes / 2**20:,.1f} MB, to {done.folder}: its journal was read to row "
            f"{done.last_seq:,} and is sound."
        )
        if done.left_bytes:
            print(
                f"Left out: {done.left_bytes / 2**20:,.1f} MB of candles, marks and trades in its lake, which can mostly be "
                "fetched again; --with-lake takes them along."
            )
        print(f"It is a state folder. To go on from it: organism start --state {done.folder}")
    return 0
