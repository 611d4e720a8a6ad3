"""An unchecked order does not type-check: one module makes approved orders."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("organism", "organs", "genome", "dashboard")


def constructions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "ApprovedOrder":
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_only_the_gate_constructs_an_approved_order():
    found = [
        where
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for where in constructions(path)
    ]
    assert [where.rsplit(":", 1)[0] for where in found] == ["organs/immune/core.py"]


def test_the_venue_takes_nothing_but_an_approved_order():
    from organism.effects import VenueSubmit
    from organism.trading import ApprovedOrder

    assert VenueSubmit.__annotations__["approved"] is ApprovedOrder
