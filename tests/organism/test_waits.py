"""Waiting with a limit, in ways that keep it."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("organism", "organs", "genome", "dashboard")


def test_nobody_waits_for_a_simple_queue_with_a_timeout():
    """Before Python 3.13 such a wait never ends when handling a signal outlasts what was left of it."""
    found = []
    for path in sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        names = {
            n.attr if isinstance(n, ast.Attribute) else n.id
            for n in ast.walk(tree)
            if isinstance(n, ast.Attribute | ast.Name)
        }
        timed = any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and any(keyword.arg == "timeout" for keyword in node.keywords)
            for node in ast.walk(tree)
        )
        if timed and "SimpleQueue" in names:
            found.append(path.name)
    assert not found, "use queue.Queue"
