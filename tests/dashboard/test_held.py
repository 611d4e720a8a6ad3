"""What is held and who decides: the buttons of each row, what is on its way, and what the past does not offer."""

import csv
import io
from dataclasses import replace

import pytest

from dashboard.pages.asked import asked
from dashboard.pages.exported import as_csv
from dashboard.pages.registry import answered
from dashboard.window import Window
from organism.commands import CommandsDb
from tests.dashboard.living import START_NS, strategies

STRATEGY = strategies()[0]["genome_id"]


def trading(home, **changed):
    sight = Window(home.state, guarded=False).sight()
    return answered("trading", asked({}), replace(sight, **changed))


def buttons(piece, key):
    """The commands that a row offers, and its cell of them."""
    found = dict(piece["rows"])[key][-1]
    return [command for command, *_ in found["acts"]], found


def cell(piece, key, title):
    return dict(zip([head["t"] for head in piece["heads"]], dict(piece["rows"])[key], strict=True))[title]


def test_a_position_may_be_closed_and_entries_barred_and_allowed_again(home):
    offered, found = buttons(trading(home)["positions"], "SOL/USDT")
    assert (offered, found["target"]) == (["close", "bar"], "SOL/USDT")
    assert "off" not in found
    home.body.put(
        "barred", {"symbols": ["SOL/USDT", "XRP/USDT"], "reason": "no entries in SOL/USDT, told by me"}
    )
    piece = trading(home)["positions"]
    assert buttons(piece, "SOL/USDT")[0] == ["close", "allow"]
    assert buttons(piece, "BTC/USDT")[0] == ["close", "bar"]
    assert cell(piece, "SOL/USDT", "Instrument")["sub"] == "long, no entries"
    assert piece["note"] == "No entries in SOL/USDT, told by me."
    # What is barred and not held could otherwise never be allowed from here.
    assert buttons(piece, "XRP/USDT")[0] == ["allow"]
    assert cell(piece, "XRP/USDT", "Instrument")["sub"] == "nothing held, no entries"


def test_a_strategy_may_be_paused_and_one_that_is_resumed(home):
    offered, found = buttons(trading(home)["strategies"], STRATEGY)
    assert (offered, found["target"]) == (["pause", "retire"], STRATEGY)
    home.body.db.execute("UPDATE strategies SET state = 'paused' WHERE genome_id = ?", (STRATEGY,))
    piece = trading(home)["strategies"]
    assert buttons(piece, STRATEGY)[0] == ["wake", "retire"]
    tagged = {key for key, cells in piece["rows"] if len(cells) > 1 and cells[0].get("tag") == "paused"}
    assert tagged == {STRATEGY}


def test_a_command_on_its_way_is_said_in_its_row_and_in_no_other(home):
    commands = CommandsDb(home.state / "commands.db")
    commands.give("close", "me", "", target="SOL/USDT")
    commands.give("bar", "me", "", target="SOL/USDT")
    commands.give("wake", "me", "", target=STRATEGY)
    commands.give("halt", "me", "")
    found = trading(home)
    assert buttons(found["positions"], "SOL/USDT")[1]["waits"] == "close and no entries on its way"
    assert "waits" not in buttons(found["positions"], "BTC/USDT")[1]
    assert buttons(found["strategies"], STRATEGY)[1]["waits"] == "resume on its way"


def test_in_the_past_every_button_is_off_and_why_is_said(home):
    CommandsDb(home.state / "commands.db").give("close", "me", "", target="SOL/USDT")
    found = trading(home, at_ns=START_NS + 80 * 300 * 10**9)
    for name, key in (("positions", "SOL/USDT"), ("strategies", STRATEGY)):
        assert "the past" in buttons(found[name], key)[1]["off"]
        assert "the past" in found[name]["note"]
        assert "waits" not in buttons(found[name], key)[1]


@pytest.mark.parametrize("name", ["positions", "strategies"])
def test_buttons_are_no_column_of_the_export(home, name):
    piece = trading(home)[name]
    rows = list(csv.reader(io.StringIO(as_csv(piece))))
    assert len(piece["heads"]) == len(rows[0]) + 1
    assert "" not in rows[0]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_how_long_a_position_stood_bare_is_not_known_without_the_journal(home):
    piece = trading(home)["positions"]
    found = cell(piece, "SOL/USDT", "Without a stop")
    assert (found["v"], found["x"]) == ("not known", "")
    home.body.db.execute("UPDATE orders SET status = 'canceled' WHERE symbol = 'SOL/USDT'")
    assert cell(trading(home)["positions"], "SOL/USDT", "Protected")["sub"] == "since when is not known"


def test_what_a_person_silenced_stands_in_the_first_sentence(home):
    assert "paused" not in trading(home)["trading-sentence"]["text"]
    home.body.db.execute("UPDATE strategies SET state = 'paused' WHERE genome_id = ?", (STRATEGY,))
    home.body.put("barred", {"symbols": ["SOL/USDT", "XRP/USDT"], "reason": "told by me"})
    assert trading(home)["trading-sentence"]["text"].endswith(
        " EMA trend is paused. No entries in SOL and XRP."
    )
