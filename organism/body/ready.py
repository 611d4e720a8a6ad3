"""Before anybody waits for a bar: what the organism already lives by is compiled."""

import contextlib

from genome.founders import FAMILIES
from genome.lived import lived, warm
from organism.errors import BadInput
from organs.brain.state import BrainState


def made_ready(brain: BrainState, bar_s: int = 300) -> None:
    """Compile what steps the brain's genomes. Founders need nothing, and what is no genome the brain refuses itself.

    An organ that takes longer than `supervision.hang_s` for one message is replaced, and after an update of the code
    compiling takes some seconds.
    """
    for f in brain.funded:
        if f.text or f.family not in FAMILIES:
            with contextlib.suppress(BadInput):
                warm(lived(f.genome_id, f.family, f.parameters, f.text, bar_s))
