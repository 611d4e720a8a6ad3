"""The house rules that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("organism", "organs", "genome", "dashboard")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_fits_in_the_head(path):
    most = 640 if path.name == "messages.py" else 400  # the vocabulary is one list, read like a dictionary
    assert len(path.read_text().splitlines()) <= most


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_function_fits_on_a_page(path):
    tree = ast.parse(path.read_text())
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 70
    }
    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_read_from_disk_can_run_code(path):
    banned = re.compile(
        r"\b(pickle|cloudpickle|joblib|marshal|eval|exec)\b\s*[.(]|^import (pickle|marshal)|allow_pickle=True",
        re.MULTILINE,
    )
    assert not banned.search(path.read_text())


def test_apprise_lives_in_the_sender_alone():
    importers = {
        relative(p) for p in SOURCES if re.search(r"^\s*(import|from) apprise", p.read_text(), re.MULTILINE)
    }
    assert importers
    assert all(p.startswith("organs/voice/sender/") for p in importers)


def test_no_test_sleeps():
    sleepers = [
        relative(p) for p in TESTS if "time.sleep(" in p.read_text() and p.name != "test_architecture.py"
    ]
    waiting = [p for p in sleepers if Path(p).stem not in {"waiting", "stubs", "living", "serving"}]
    assert not waiting, "wait on an event with a deadline instead (helpers in waiting.py may poll)"


def test_every_organ_says_first_what_it_is_in_the_fields_own_words():
    for organ in sorted(p for p in (ROOT / "organs").iterdir() if (p / "core.py").exists()):
        first = (organ / "__init__.py").read_text().splitlines()[0]
        assert re.match(rf'"""{organ.name.capitalize()}: \w+', first), first


def test_no_path_or_host_of_a_machine_is_in_the_repository():
    banned = re.compile(r"(?<![\w.])/(?:home|root|wor[k])/|pythonhoste[d]|np[m]js|pyp[i]\.org")
    texts = [
        *SOURCES,
        *TESTS,
        *ROOT.glob("*.md"),
        ROOT / "requirements.lock",
        ROOT / "run",
        ROOT / ".ci" / "run",
    ]
    found = [relative(p) for p in texts if p.name != "test_architecture.py" and banned.search(p.read_text())]
    assert not found
