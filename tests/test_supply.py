"""G13: what is installed is what was locked. A poisoned, swapped, unlocked or built package is refused before it runs."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
TEST_TOOLS = "# == test tools =="
PINNED = re.compile(
    r"([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==([0-9][\w.!+]*)(?: ; .+)?((?: --hash=sha256:[0-9a-f]{64})+)"
)


def requirements(text):
    """Logical lines of a lock, comments left out."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [" ".join(line.split()) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def named(requirement):
    return re.split(r"[<>=\[;\s]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_every_line_of_the_lock_pins_one_version_by_hash_and_names_no_other_source():
    assert LOCK.count(TEST_TOOLS) == 1
    lines = requirements(LOCK)
    odd = [line[:80] for line in lines if not PINNED.fullmatch(line)]
    assert not odd
    for python in ("3.11.9", "3.12.9", "3.13.9"):
        here = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
        found = [Requirement(line.split(" --hash")[0]) for line in lines]
        names = [named(one.name) for one in found if one.marker is None or one.marker.evaluate(here)]
        assert len(names) == len(set(names)) > 50, python


def test_the_lock_has_what_the_project_asks_for_and_the_runtime_part_is_enough_to_run():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    runtime, tools = (set(map(named, requirements(part))) for part in LOCK.split(TEST_TOOLS))
    wanted = set(map(named, setup["options"]["install_requires"].split("\n"))) - {""}
    tested = set(map(named, setup["options.extras_require"]["test"].split("\n"))) - {""}
    assert wanted <= runtime
    assert tested <= runtime | tools


# ---------------------------------------------------------------- `run`, with packages of our own

POISON = "import pathlib; pathlib.Path(__file__).with_name('CANARY').write_text('poisoned')\n"


def wheel(folder, name, code, requires=()):
    """A wheel, version 1.0; its bytes depend on its content alone."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as file:
        for inner, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{inner},sha256={digest},{len(text)}\n"
            file.writestr(zipfile.ZipInfo(inner), text)
        file.writestr(zipfile.ZipInfo(f"{info}/RECORD"), f"{record}{info}/RECORD,,\n")
    return path


def locked(path, name="organism_part"):
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A fresh virtual environment, to be copied."""
    path = tmp_path_factory.mktemp("fresh") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", str(path)], check=True)
    return path


class Clone:
    """A clone of the repository as far as `run` looks at it."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.shelf = folder / "shelf"
        self.shelf.mkdir()
        shutil.copy(ROOT / "run", folder / "run")
        shutil.copytree(environment, folder / ".venv", symlinks=True)

    def run(self, lock):
        """What `run` said. No index is asked: packages come from the shelf."""
        (self.folder / "requirements.lock").write_text(lock + f"{TEST_TOOLS}\n")
        own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        done = subprocess.run(
            ["sh", str(self.folder / "run"), "status"], capture_output=True, text=True, check=False, timeout=110,
            env={**own, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.shelf), "PIP_CONFIG_FILE": os.devnull,
                 "PIP_REQUIRE_HASHES": "0", "PIP_NO_CACHE_DIR": "1"},
        )  # fmt: skip
        assert done.returncode == 2
        return done.stderr

    def installed(self, name):
        return bool(list((self.folder / ".venv").rglob(f"site-packages/{name}*")))


@pytest.fixture
def clone(tmp_path, environment):
    return Clone(tmp_path, environment)


@pytest.mark.slow
def test_what_was_locked_is_installed(clone):
    lock = locked(wheel(clone.shelf, "organism_part", "x = 1\n"))
    said = clone.run(lock)
    assert "the project itself could not be installed" in said, "this clone has none; its packages are there"
    assert clone.installed("organism_part")


def swapped(shelf):
    lock = locked(wheel(shelf, "organism_part", "x = 1\n"))
    wheel(shelf, "organism_part", POISON)
    return lock


def without_a_hash(shelf):
    wheel(shelf, "organism_part", POISON)
    return "organism_part==1.0\n"


def one_of_two_without_a_hash(shelf):
    wheel(shelf, "organism_other", POISON)
    return locked(wheel(shelf, "organism_part", "x = 1\n")) + "organism_other==1.0\n"


def brings_a_package_that_is_not_locked(shelf):
    wheel(shelf, "organism_other", POISON)
    return locked(wheel(shelf, "organism_part", "x = 1\n", requires=("organism_other",)))


def must_be_built(shelf):
    """Building runs the package's own code, whatever its hash."""
    source = shelf.parent / "organism_part-1.0"
    source.mkdir()
    (source / "setup.py").write_text(
        f"import pathlib; pathlib.Path({str(shelf.parent / 'CANARY')!r}).write_text('poisoned')\n"
        "from setuptools import setup\nsetup(name='organism_part', version='1.0')\n"
    )
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: organism_part\nVersion: 1.0\n")
    path = shelf / "organism_part-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        file.add(source, arcname=source.name)
    shutil.rmtree(source)
    return locked(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "poison",
    [swapped, without_a_hash, one_of_two_without_a_hash, brings_a_package_that_is_not_locked, must_be_built],
)
def test_what_was_not_locked_is_refused_before_any_of_it_is_installed_or_run(clone, poison):
    said = clone.run(poison(clone.shelf))
    assert "the packages of requirements.lock could not be installed" in said
    assert not clone.installed("organism_")
    assert not list(clone.folder.rglob("CANARY"))
    assert not (clone.folder / ".venv" / ".installed-runtime").exists()
