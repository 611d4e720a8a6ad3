"""Before anybody waits for a bar: what the organism already lives by is compiled."""

from genome.founders import FAMILIES
from genome.lived import warm
from organs.brain.state import BrainState


def made_ready(brain: BrainState) -> None:
    """Compile what steps genomes, if the brain has any. Founders need nothing.

    An organ that takes longer than `supervision.hang_s` for one message is replaced, and after an update of the code
    compiling takes some seconds.
    """
    if any(f.text or f.family not in FAMILIES for f in brain.funded):
        warm()
