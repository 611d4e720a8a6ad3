"""G10: a secret in each place where there may be one, and nowhere else, whatever goes wrong."""

import json
import re
import socket
from pathlib import Path

import psutil
import pytest

from dashboard.api.document import ENDPOINTS
from dashboard.pages.names import NAMED
from organism.journal.reader import read_rows
from tests.body.house import BUSY
from tests.body.waiting import until
from tests.chaos.beset import Beset

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
CANARY = "kestrel"  # each canary begins with it, so that a part of one is found too
PUBLIC = "a word for everybody"  # what must be found, or the search sees nothing
PASSWORD = f"{CANARY}-of-the-page"


@pytest.fixture
def refusing():
    """A loopback port on which nobody answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def house(tmp_path: Path, refusing):
    key = tmp_path / "channel.secret"
    key.write_text(f"json://user:{CANARY}-file@127.0.0.1:{refusing}/{CANARY}-path?+X-Token={CANARY}-header\n")
    key.chmod(0o600)
    found = Beset(
        tmp_path / "state", *BUSY, "voice.attempts=2",
        environment={
            "CHANNEL": f"json://127.0.0.1:{refusing}/?+Authorization={CANARY}-environment",
            "HTTPS_PROXY": f"http://user:{CANARY}-proxy@127.0.0.1:{refusing}",
            "EXCHANGE_API_SECRET": f"{CANARY}-exchange",
        },
        config=f"""[voice]
channels = [
    {{url = "env:CHANNEL", tags = ["all"]}},
    {{url = "file:{key}", tags = ["all"]}},
    {{url = "form://user:{CANARY}-written@127.0.0.1:{refusing}/", tags = ["all"], name = "third"}},
]
""",
    )  # fmt: skip
    yield found
    found.end()


def whole(house):
    """Processes of the organism, and how each was started."""
    root = psutil.Process(house.guardian.pid)
    return {process.pid: " ".join(process.cmdline()) for process in (root, *root.children(recursive=True))}


def pages(house):
    """Every page that a person who signed in may see."""
    token = until(lambda: re.search(r"/setup#(\S+)", house.said), "the link", 40.0)[1]
    status, text = house.ask("/api/setup", {"token": token, "password": PASSWORD})
    assert status == 200, text
    given = {"Cookie": house.cookie, "X_CSRF_Token": json.loads(text)["csrf"]}
    yield "wrong password", house.ask("/api/login", {"password": f"{CANARY}-guessed"})[1]
    status, text = house.ask("/api/commands", {"command": "halt", "note": f"api_key={CANARY}-note"}, **given)
    assert status == 202, text
    yield from everywhere(house, given)


def everywhere(house, given, word=""):
    """Whatever may be looked at, by its address: documents, pages as they are asked for, what programs ask, each table as CSV."""
    told = [one.path for one in ENDPOINTS if not one.body]
    asked = [f"/api/page/{page.name}" for page in NAMED]
    tables = set()
    for path in (*(page.path for page in NAMED), "/login", "/setup", "/api/session", *told, *asked):
        status, text = house.ask(path, **given)
        assert status == 200, (path, text)
        yield word + path, text
        if path in asked:
            tables |= {name for name, (_, piece) in json.loads(text)["pieces"].items() if is_table(piece)}
    assert "settings-all" in tables
    for path in (f"/api/csv/{name}" for name in sorted(tables)):
        status, text = house.ask(path, **given)
        assert status == 200, (path, text)
        yield word + path, text


def is_table(piece):
    """Whether a piece of a page can be had as CSV."""
    return isinstance(piece, dict) and "heads" in piece


def written(house):
    """Every file that the organism wrote, as bytes."""
    for path in (*house.state.rglob("*"), house.log):
        if path.is_file() and not path.is_symlink():
            yield str(path), path.read_bytes().decode("utf-8", "replace")


@pytest.mark.timeout(200)
def test_no_secret_is_found_where_anybody_may_look(house: Beset):
    house.start()
    house.wait_trading(3)
    texts = dict(pages(house))
    texts["halt"] = house.command("halt", "--note", f"{PUBLIC}; token={CANARY}-spoken", "--wait", "20")
    texts["resume"] = house.command("resume", "--wait", "20")
    texts["alerts test"] = house.command("alerts", "test")
    texts["drill"] = house.command("drill", "kill-organ", "--organ", "voice")
    sender = until(lambda: [pid for pid, line in whole(house).items() if "voice.sender" in line], "a sender")
    assert sender
    until(lambda: "failed" in house.command("alerts", "list"), "a delivery that failed", 60.0)
    for words in (
        ("status", "--json"), ("alerts", "list", "--json"), ("config", "explain", "--json"), ("doctor", "--json"),
        ("start", "--set", f'voice.channels=[{{url="json://user:{CANARY}-argued@127.0.0.1/"}}]'),
        ("config", "explain", "--set", f'voice.channels=[{{adress="json://{CANARY}-misspelt@h/"}}]'),
        ("config", "explain", "--set", f"voice.channels={CANARY}-broken"),
    ):  # fmt: skip
        texts[" ".join(words[:2])] = house.command(*words)
    texts["argv"] = "\n".join(whole(house).values())
    # Once more, now that everything was said and done, and the history of the pages knows of it.
    digest = str(house.state / "dashboard" / "read.db")
    until(lambda: PUBLIC in dict(written(house)).get(digest, ""), "the read model to know of the note", 40.0)
    texts |= dict(everywhere(house, {}, "later "))
    house.kill_body()
    house.wait_trading(1, after_run=1)
    assert house.stop(deadline_s=30.0)[0] == 0
    texts["verify"] = house.command("verify", "--json")
    texts |= dict(written(house))
    texts["rows"] = "".join(repr((row.input, row.effects)) for row in read_rows(house.state))

    found = {name for name, text in texts.items() if CANARY in text}
    assert not found, {name: re.findall(rf".{{60}}{CANARY}\S*", texts[name])[:2] for name in found}
    assert len(texts) > 25
    told = {name for name, text in texts.items() if PUBLIC in text}
    assert {"rows", str(house.state / "journal.db"), digest} <= told, "the search finds what is there"
    assert {
        "later /api/page/why",
        "later /metrics",
        "later /api/openapi.json",
        "later /api/csv/settings-all",
    } <= texts.keys()
    assert "organism" in texts["argv"]
    assert "127.0.0.1" in texts["alerts list"]
