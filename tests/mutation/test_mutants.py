"""The tool that judges the tests is itself right: it makes the faults it names, and only those."""

import ast

import pytest

from tests.mutation.mutants import HEALTHY, mutants_of, mutated

SOURCE = '''"""Text stays."""

LIMIT = 3


def spend(cash: int, price: int, *, fine: bool = True) -> int:
    """Text stays here too."""
    if cash < price and not fine:
        cash -= price
    return cash
'''


def keys(operator):
    return {m.key for m in mutants_of("m", SOURCE) if m.operator == operator}


def test_each_operator_makes_its_faults():
    assert keys("comparison") == {
        "spend: cash < price → cash <= price",
        "spend: cash < price → cash >= price",
    }
    assert keys("arithmetic") == {"spend: cash -= price → cash += price"}
    assert keys("boolean") == {
        "spend: True → False",
        "spend: cash < price and (not fine) → cash < price or not fine",
        "spend: not fine → fine",
    }
    assert keys("constant") == {"module: 3 → 4", "module: 3 → 2"}
    assert keys("return") == {"spend: return cash → return None"}
    assert keys("delete") == {
        "spend: if cash < price and (not fine): → pass",
        "spend: cash -= price → pass",
    }


def test_a_mutant_differs_from_the_module_in_one_place_and_still_compiles():
    healthy = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in mutants_of("m", SOURCE):
        tree = mutated(SOURCE, mutant.number)
        compile(tree, "m", "exec")
        lines = ast.unparse(tree).splitlines()
        if mutant.operator != "delete":
            assert sum(a != b for a, b in zip(lines, healthy, strict=True)) == 1
        assert lines != healthy
    assert ast.unparse(mutated(SOURCE, HEALTHY)).splitlines() == healthy


def test_a_fault_knows_the_lines_of_its_statement_and_whether_the_import_runs_it():
    found = {m.key: m for m in mutants_of("m", SOURCE)}
    assert (found["module: 3 → 4"].inside, found["module: 3 → 4"].lines) == (False, range(3, 4))
    assert not found["spend: True → False"].inside, "defaults are worked out by the import"
    assert found["spend: cash < price → cash <= price"].lines == range(8, 9)
    assert found["spend: cash -= price → pass"].inside


def test_two_faults_that_read_alike_have_two_names():
    found = [m.key for m in mutants_of("m", "def f(a):\n    g(a + 1)\n    h(a + 1)\n")]
    assert len(set(found)) == len(found)
    assert "f: a + 1 → a - 1 #2" in found


def test_a_number_that_no_mutant_has_is_refused():
    with pytest.raises(LookupError, match="no mutant number 999"):
        mutated(SOURCE, 999)
