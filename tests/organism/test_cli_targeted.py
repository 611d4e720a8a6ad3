"""`organism strategy pause|resume|retire`, `organism position close|bar|allow`."""

import pytest

from organism.cli.parser import build
from organism.commands import CommandsDb
from organism.errors import BadInput
from tests.dashboard.living import FakeBody

STRATEGY = "ema_crossover_7_4093d392"


@pytest.fixture
def ask(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=20)

    def asked(*words):
        options = build().parse_args([*words, "--state", str(tmp_path), "--wait", "0", "--note", "why"])
        return options.perform(options)

    yield asked
    body.close()


@pytest.mark.parametrize(
    ("words", "command", "target"),
    [
        (("strategy", "pause", STRATEGY), "pause", STRATEGY),
        (("strategy", "resume", STRATEGY), "wake", STRATEGY),
        (("strategy", "retire", STRATEGY), "retire", STRATEGY),
        (("position", "close", "SOL/USDT"), "close", "SOL/USDT"),
        (("position", "bar", "BTC/USDT"), "bar", "BTC/USDT"),
        (("position", "allow", "BTC/USDT"), "allow", "BTC/USDT"),
    ],
)
def test_each_is_given_in_the_words_of_the_body(ask, tmp_path, capsys, words, command, target):
    assert ask(*words) == 0
    (given,) = CommandsDb(tmp_path / "commands.db").waiting()
    assert (given.command, given.target, given.note) == (command, target, "why")
    assert f"{words[0]} {words[1]}: noted as command" in capsys.readouterr().out


def test_a_name_that_nobody_knows_is_refused_with_the_one_that_was_meant(ask, tmp_path):
    with pytest.raises(BadInput, match="Did you mean 'SOL/USDT'"):
        ask("position", "close", "SOLUSDT")
    with pytest.raises(BadInput, match=r"no strategy 'x'.*There is .*ema_crossover"):
        ask("strategy", "pause", "x")
    assert CommandsDb(tmp_path / "commands.db").waiting() == []


def test_before_a_body_ever_lived_nobody_knows_better(tmp_path):
    (tmp_path / "new").mkdir()
    options = build().parse_args(
        ["position", "bar", "BTC/USDT", "--state", str(tmp_path / "new"), "--wait", "0"]
    )
    assert options.perform(options) == 0
    assert CommandsDb(tmp_path / "new" / "commands.db").waiting()[0].target == "BTC/USDT"
