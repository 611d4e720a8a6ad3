"""`organism stop`: an orderly end; protective stops stay at the venue."""

from organism.cli.context import state_folder
from organism.cli.parser import Options
from organism.guardian import request_stop


def perform(options: Options) -> int:
    """Ask the guardian to stop and wait until it has."""
    print(request_stop(state_folder(options)))
    return 0
