"""Documents that cannot rot."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from organism.cli.parser import build
from organism.config import documented
from organism.written import keys

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(build()._subparsers._group_actions[0].choices)


def organism(*arguments, timeout=30):
    return subprocess.run(
        [sys.executable, "-m", "organism", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command):
    reply = organism(command, "--help")
    assert reply.returncode == 0
    assert "Example: organism " + command in " ".join(reply.stdout.split())
    assert "--state" in reply.stdout
    assert "--config" in reply.stdout


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`?\./run ([a-z][a-z-]*)", README)) - {"test"}))
def test_every_command_of_the_readme_exists(command):
    assert command in COMMANDS


def test_every_command_is_named_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert all(re.search(rf"\b{command}\b", changelog) for command in COMMANDS)


def test_every_setting_is_documented():
    assert not set(keys()) - set(documented())


def test_the_two_health_thresholds_of_the_readme_are_those_of_the_code():
    from organism.vitals.score import ALERT, GREEN, HIBERNATION, RECOVERY

    assert (
        f"≥ {GREEN:g} green, < {ALERT:g} an alert, < {RECOVERY:g} recovery, < {HIBERNATION:g} hibernation"
        in README
    )


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("start", "--speed", "abc"), ("start", "--set", "risk.nonsense=1"), ("status", "--nope"),
     ("start", "--port", "99999"), ("hibernate", "--hours", "-1", "--state", "/nonexistent/x"),
     ("verify", "--state", "/nonexistent/x"), ("start", "--config", "/nonexistent/organism.toml")],
    ids=" ".join,
)  # fmt: skip
def test_bad_usage_is_one_sentence_and_status_2(arguments):
    reply = organism(*arguments)
    assert reply.returncode == 2
    assert reply.stdout == ""
    lines = reply.stderr.strip().splitlines()
    assert len(lines) == 1, reply.stderr
    assert "Traceback" not in reply.stderr
    assert lines[0].startswith("organism: ")


def test_the_run_script_becomes_the_command():
    script = (ROOT / "run").read_text()
    assert script.rstrip().endswith('exec "$venv/bin/organism" "$@"')


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_python_of_the_readme_runs(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_genome_of_the_readme_can_be_read():
    from genome.documents import parse_genome

    (text,) = re.findall(r"```\n(entry long:.*?)```", README, re.DOTALL)
    assert parse_genome("family: readme\n" + text).entry_long is not None
