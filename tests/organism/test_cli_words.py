"""What is said of words on a command line that nobody knows."""

import pytest

from organism.cli import run
from organism.cli.words import understood


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evolve", "--pupulation", "5"), "`organism evolve` knows no '--pupulation' (did you mean --population?)."),
        (("data", "list", "--lakes=x"), "`organism data list` knows no '--lakes=x' (did you mean --lake?)."),
        (("halt", "now", "please"), "`organism halt` knows no 'now'."),
        (("--qqqq", "status"), "`organism status` knows no '--qqqq'."),
    ],
)  # fmt: skip
def test_an_option_nobody_knows_is_refused_by_the_command_it_was_given_to(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        run(list(words))
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    prog = said.split("`")[1]
    assert line == f"organism: {said} See `{prog} --help`."


def test_without_a_command_help_is_printed(capsys):
    assert run([]) == 2
    assert "organism start" in capsys.readouterr().out
    assert understood(["status", "--json"]).json


@pytest.mark.parametrize("command", [("halt",), ("position", "bar", "BTC/USDT")])
def test_nothing_is_ordered_where_there_is_no_folder_and_none_is_made(tmp_path, capsys, command):
    assert run([*command, "--state", str(tmp_path / "typo")]) == 2
    assert f"there is no folder {tmp_path / 'typo'}" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_a_file_is_no_lake(tmp_path, capsys):
    (tmp_path / "lake").write_text("")
    assert run(["data", "list", "--lake", str(tmp_path / "lake"), "--state", str(tmp_path)]) == 2
    assert f"{tmp_path / 'lake'} is a file; a lake is a folder." in capsys.readouterr().err
