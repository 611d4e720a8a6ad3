"""`./run test`: linters, types, import contracts, tests, in that order; the first failure is remembered.

`--requirements` prints which rows of the requirements table are proven by a test, `mutation` measures whether
the tests of money notice faults (tests/mutation); every other argument goes to pytest (and the linters are then
left out).
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PACKAGES = ("organism", "organs", "genome", "dashboard", "tests")


def run(title: str, *command: str) -> int:
    """Run one step and say how it went."""
    print(f"── {title}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"   {'ok' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - started:.1f} s", flush=True)
    return code


def main(arguments: list[str]) -> int:
    """Run everything, or just pytest with the arguments given."""
    pytest = (sys.executable, "-m", "pytest", "-q")
    if arguments == ["--requirements"]:
        return subprocess.run(
            (*pytest, "--collect-only", "-p", "tests.requirements_report", "--no-header", "-qq"),
            cwd=ROOT, check=False,
        ).returncode  # fmt: skip
    if arguments[:1] == ["mutation"]:
        command = (sys.executable, "-m", "tests.mutation", *arguments[1:])
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    if arguments:
        return subprocess.run((*pytest, *arguments), cwd=ROOT, check=False).returncode
    codes = [
        run("ruff check", str(BIN / "ruff"), "check", "."),
        run("ruff format", str(BIN / "ruff"), "format", "--check", "."),
        run("mypy --strict", sys.executable, "-m", "mypy"),
        run("import contracts", str(BIN / "lint-imports"), "--config", "setup.cfg"),
        run("doctests", *pytest, "--doctest-modules", "organism", "genome", "organs", "--no-header"),
        run("tests", *pytest, "tests", "--durations=10"),
    ]
    if os.environ.get("CI"):
        print("CI=true: slow, chaos and browser tests were included.")
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
