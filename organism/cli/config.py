"""`organism config explain`: each setting, its value, where it came from, what it means."""

from organism.cli.context import emit, settings
from organism.cli.parser import Options
from organism.config import explain


def perform(options: Options) -> int:
    """Print them, section by section."""
    rows = explain(settings(options))
    if options.json:
        emit([row._asdict() for row in rows])
        return 0
    section = ""
    width = max(len(row.key) for row in rows) + 2
    for row in rows:
        head = row.key.partition(".")[0] if "." in row.key else ""
        if head != section:
            section = head
            print(f"\n[{section}]")
        print(f"{row.key:<{width}}{row.value}  ({row.source})")
        print(f"{'':<{width}}{row.doc}")
    return 0
