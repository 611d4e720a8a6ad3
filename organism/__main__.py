"""`python -m organism` and the console script `organism`."""

import sys


def main() -> None:
    """Run one command and exit with its status."""
    from organism.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
