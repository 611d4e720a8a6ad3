"""A package that is missing, of another version, or something else of the same name: one sentence, and no start."""

import configparser
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from organism import packages

ROOT = Path(__file__).parents[2]
INSTALLED = Path(sysconfig.get_paths()["purelib"])
DEADLINE_S = 60.0
chaos = pytest.mark.chaos


def organism(
    *arguments: str, state: Path, first: Path, bare: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run a command with a folder of modules before all others; `bare`: with no others at all but this project."""
    path = os.pathsep.join([str(first), str(ROOT)] if bare else [str(first)])
    return subprocess.run(
        [sys.executable, *(["-S"] if bare else []), "-m", "organism", *arguments, "--state", str(state)],
        check=False, capture_output=True, text=True, timeout=DEADLINE_S, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    text = done.stderr.strip()
    assert text.startswith("organism: What this organism needs is not all there: "), text
    assert "\n" not in text
    return text


def start(state: Path, first: Path, *, bare: bool = False) -> str:
    said = refused(organism("start", "--no-dashboard", "--for", "1s", state=state, first=first, bare=bare))
    assert not (state / "journal.db").exists()
    return said


def installed_without(folder: Path, *left_out: str) -> Path:
    """Everything that is installed here but these packages."""
    folder.mkdir()
    for path in INSTALLED.iterdir():
        name = path.name.lower().split("-")[0].removesuffix(".py")
        if name not in left_out and not path.name.startswith("_"):
            (folder / path.name).symlink_to(path)
    return folder


@chaos
@pytest.mark.parametrize("name", ["apprise", "msgspec", "numba"])
def test_a_missing_package_is_named_and_nothing_starts(tmp_path, name):
    """Without msgspec not even the settings can be read."""
    first = installed_without(tmp_path / "installed", name)
    assert f"{name} is not installed" in start(tmp_path / "state", first, bare=True)


@chaos
def test_another_version_is_named_with_the_one_that_is_needed(tmp_path):
    info = tmp_path / "first" / "numpy-1.26.4.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n")
    assert "numpy is 1.26.4, but " in start(tmp_path / "state", tmp_path / "first")
    done = organism("doctor", state=tmp_path / "state", first=tmp_path / "first")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("WRONG  packages")]
    assert "numpy is 1.26.4, but " in line


@chaos
@pytest.mark.parametrize("name", ["msgspec", "numpy", "duckdb"])
def test_a_file_of_the_same_name_is_not_taken_for_the_package(tmp_path, name):
    first = tmp_path / "first"
    first.mkdir()
    (first / f"{name}.py").write_text("")
    said = start(tmp_path / "state", first)
    assert f"{name} would be taken from {first / name}.py" in said
    assert "Traceback" not in said


@chaos
def test_an_error_of_our_own_is_not_hidden_behind_that_sentence():
    code = "import organism.cli as c; c.run = lambda _: c.no_such_command; from organism.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False, capture_output=True, text=True, timeout=DEADLINE_S,
    )  # fmt: skip
    assert done.returncode == 1
    assert "AttributeError" in done.stderr


def test_what_is_looked_at_is_what_the_project_says_it_needs():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split()
    wanted = {packages._REQUIRES.fullmatch(line)[1]: packages._REQUIRES.fullmatch(line)[2] for line in lines}
    assert set(packages.MODULES) == set(wanted)
    assert all(bounds for bounds in wanted.values())


def test_here_nothing_is_wrong():
    found = packages.looked_at()
    assert [package for package in found if package.trouble] == []
    assert packages.sentence(found) == ""


@pytest.mark.parametrize(
    ("version", "bounds", "holds"),
    [
        ("2.3", ">=2.3,<2.5", True), ("2.3.0", ">=2.3,<2.5", True), ("2.2.9", ">=2.3,<2.5", False),
        ("2.5", ">=2.3,<2.5", False), ("2.10", ">=2.9", True), ("4.5.90", ">=4.5.90,<5", True),
        ("1.2.3", "==1.2.3", True), ("1.2.3", "!=1.2.3", False), ("garbage", ">=1", False),
    ],
)  # fmt: skip
def test_versions_are_compared_as_numbers(version, bounds, holds):
    assert packages.fits(version, bounds) is holds
