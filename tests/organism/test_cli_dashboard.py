"""`organism dashboard password|token`."""

import io
import json
import stat

import pytest

from dashboard.access import Access
from dashboard.tokens import FILE, Tokens
from organism.cli.parser import build
from organism.errors import BadInput


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def ask(tmp_path, monkeypatch):
    def asked(*words, given=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(given) if isinstance(given, str) else given)
        options = build().parse_args(["dashboard", *words, "--state", str(tmp_path / "state")])
        return options.perform(options)

    return asked


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def test_a_password_comes_from_standard_input_and_opens_the_page(ask, state, capsys):
    assert ask("password", given="from a script, long\n") == 0
    assert Access(state / "dashboard.secret").sign_in("from a script, long")
    assert stat.S_IMODE((state / "dashboard.secret").stat().st_mode) == 0o600
    assert "from a script" not in "".join(capsys.readouterr())


def test_it_is_asked_for_twice_at_a_terminal(ask, state, monkeypatch):
    typed = iter(["typed by hand 1", "typed by hand 2", "typed by hand 3", "typed by hand 3"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    with pytest.raises(BadInput, match="differ"):
        ask("password", given=Terminal())
    assert not (state / "dashboard.secret").exists()
    assert ask("password", given=Terminal()) == 0
    assert Access(state / "dashboard.secret").sign_in("typed by hand 3")


@pytest.mark.parametrize("given", ["", "short\n", "x" * 257 + "\n"])
def test_a_weak_one_changes_nothing(ask, state, given):
    ask("password", given="a good long one\n")
    with pytest.raises(BadInput, match="10 to 256"):
        ask("password", given=given)
    assert Access(state / "dashboard.secret").sign_in("a good long one")


def test_a_password_is_never_an_argument(ask):
    with pytest.raises(BadInput, match="never an argument"):
        ask("password", "add")


def test_a_token_is_made_listed_and_revoked(ask, state, capsys):
    assert (
        ask("token", "add", "grafana", "--scope", "metrics", "--scope", "read", "--days", "3", "--json") == 0
    )
    made = json.loads(capsys.readouterr().out)
    assert made["scopes"] == ["metrics", "read"]
    assert Tokens(state / FILE).find(made["token"]).name == "grafana"
    assert ask("token", "list", "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["name"] == "grafana"
    assert made["token"] not in json.dumps(listed)
    assert ask("token", "list") == 0
    assert "grafana" in capsys.readouterr().out
    assert ask("token", "revoke", "grafana") == 0
    assert Tokens(state / FILE).find(made["token"]) is None


def test_a_token_alone_is_on_standard_output_so_that_it_can_be_kept_in_a_variable(ask, state, capsys):
    ask("token", "add", "cron")
    (line,) = capsys.readouterr().out.splitlines()
    assert Tokens(state / FILE).find(line).scopes == ("read",)


@pytest.mark.parametrize("words", [("token", "add"), ("token", "revoke"), ("token", "revoke", "nobody")])
def test_what_is_missing_is_said(ask, words):
    with pytest.raises(BadInput, match=r"organism dashboard token|no token"):
        ask(*words)


def test_where_nothing_may_be_written_is_said(ask, tmp_path):
    (tmp_path / "state" / "dashboard.secret").mkdir(parents=True)
    with pytest.raises(BadInput, match="could not be kept"):
        ask("password", given="long enough for it\n")
