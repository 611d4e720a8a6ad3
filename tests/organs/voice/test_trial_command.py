"""`organism alerts test`, as a person gives it."""

import json

import pytest
from voice_stubs import Hook, closed_port, serving

from organism.cli import run

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:apprise", "ignore:'imghdr':DeprecationWarning"
)


@pytest.fixture
def ask(tmp_path):
    def asked(*words, channels=""):
        (tmp_path / "organism.toml").write_text(channels)
        return run(["alerts", "test", "--config", str(tmp_path / "organism.toml"), *words])

    return asked


def channel(name, port, tag):
    return f'[[voice.channels]]\nname = "{name}"\nurl = "json://127.0.0.1:{port}/"\ntags = ["{tag}"]\n'


def test_each_channel_is_told_of_and_one_that_cannot_be_reached_fails_the_whole(ask, capsys):
    with serving(Hook()) as hook:
        both = channel("phone", hook.port, "high") + channel("gone", closed_port(), "low")
        assert ask("--channel", "high", channels=both) == 0
        assert capsys.readouterr().out == "arrived  phone: arrived\n"
        assert ask("--json", channels=both) == 1
        assert {row["channel"]: row["arrived"] for row in json.loads(capsys.readouterr().out)} == {
            "phone": True, "gone": False,
        }  # fmt: skip
        assert [told["title"] for told in hook.bodies(2)] == ["Test", "Test"]


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "There is no channel. "), (("--channel", "hihg"), "No channel carries the tag 'hihg'. ")],
    ids=["none at all", "none of that tag"],
)
def test_where_nobody_would_be_told_it_says_so_and_what_to_do(ask, capsys, words, said):
    assert ask(*words) == 1
    out = capsys.readouterr().out
    assert out.startswith(said)
    assert "add channels to [voice] in organism.toml" in out
