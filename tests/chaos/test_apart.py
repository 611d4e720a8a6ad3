"""What hurts the organism is no part of it: nothing that trades, watches or shows loads the means to do harm."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"organism/cli/bench.py", "organism/cli/drill.py", "organism/cli/benches/chaos.py"}


@pytest.mark.parametrize(
    "module",
    ["organism.__main__", "organism.cli.start", "organism.body.__main__", "organism.body.venue", "organs.voice.sender.__main__",
     "dashboard.server", "dashboard.app"],
)  # fmt: skip
def test_no_process_of_the_organism_loads_chaos(module):
    code = f"import {module}, sys; print([name for name in sys.modules if name.startswith('organism.chaos')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_commands_that_do_harm_name_it():
    found = set()
    for package in ("organism", "organs", "genome", "dashboard"):
        for path in (ROOT / package).rglob("*.py"):
            place = str(path.relative_to(ROOT))
            if place.startswith("organism/chaos/"):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if any(name.startswith("organism.chaos") for name in names):
                    found.add(place)
    assert found == ALLOWED
