"""`organism status`: vitals from the view; answers within half a second, body or no body."""

from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.status import render, status


def perform(options: Options) -> int:
    """Print them."""
    found = status(state_folder(options))
    if options.json:
        emit(found)
    else:
        print(render(found))
    return 0
