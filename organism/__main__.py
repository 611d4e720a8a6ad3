"""`python -m organism` and the console script `organism`."""

import sys


def main() -> None:
    """Run one command and exit with its status."""
    try:
        from organism.cli import run

        status = run(sys.argv[1:])
    except (ImportError, AttributeError):
        from organism.packages import looked_at, sentence

        said = sentence(looked_at())
        if not said:  # then it is a mistake of ours, and its traceback is wanted
            raise
        sys.stderr.write(f"organism: {said}\n")
        status = 2
    sys.exit(status)


if __name__ == "__main__":
    main()
