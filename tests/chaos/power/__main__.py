"""Cut the power many times, or once more as it was: `python -m tests.chaos.power --cuts 1000 --seed 1`."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.chaos.power.campaign import Campaign, Tally, normal
from tests.chaos.power.watch import as_written


def quick_folder() -> str | None:
    """Memory where there is some: what is synced here is simulated, so a real disk would only be slow."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def main(arguments: list[str]) -> int:
    """Print what came of it; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.power", description=__doc__)
    parser.add_argument("--cuts", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", metavar="SEED:NUMBER", help="one cut alone, as a failing run names it")
    parser.add_argument("--normal", action="store_true", help="sabotage: synchronous=NORMAL, which must lose")
    parser.add_argument(
        "--blind", action="store_true", help="sabotage: folders are never synced, which must lose"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder:
        campaign = Campaign(
            Path(folder), rewrite=normal if options.normal else as_written, blind_to_folders=options.blind
        )
        if options.replay:
            seed, number = map(int, options.replay.split(":"))
            campaign.life(seed, 0, only=number)
        else:
            campaign.run(options.seed, options.cuts)
    sys.stdout.write(shown(campaign.tally, time.monotonic() - began, as_json=options.json) + "\n")
    return int(bool(campaign.tally.broken))


def shown(tally: Tally, took_s: float, *, as_json: bool) -> str:
    """A tally as text."""
    if as_json:
        found = {**msgspec.to_builtins(tally), "n_losing": tally.n_losing(), "took_s": round(took_s, 1)}
        return json.dumps(found, indent=2)
    return "\n".join(
        [
            f"{tally.n_cuts} cuts, {tally.n_again} of them while recovering, {tally.n_torn} with something in the air;",
            f"{tally.n_operations} operations, acknowledged: {tally.tested}; {took_s:.1f} s",
            f"{tally.n_losing()} cuts lost something acknowledged, {len(tally.broken)} broke a promise",
            *(
                f"python -m tests.chaos.power --replay {k}\n  " + "\n  ".join(v)
                for k, v in tally.broken.items()
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
