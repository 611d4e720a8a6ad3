"""`organism top` says the same as `organism status`, in any terminal, and interprets nothing of what it shows."""

import copy
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from rich.cells import cell_len
from rich.console import Console

from organism.cli import run
from organism.cli.top import look
from organism.status import status
from organism.top.blocks import Block, fit, grid
from organism.top.page import Page, drawn
from organism.top.parts import Sight
from organism.top.words import Text, bar, price, span, spark, text
from tests.organism.test_status import body  # noqa: F401 - the fixture

NOW_NS = 1_800_000_000_000_000_000
DEADLINE_S = 60.0
LIMITS = {
    "max_asset_exposure": 0.35, "max_gross_exposure": 1.0, "max_net_exposure": 1.0, "max_positions": 10,
    "max_daily_loss": 0.05, "max_consecutive_losses": 3, "halve_at_drawdown": 0.08,
    "no_entries_at_drawdown": 0.10, "halt_at_drawdown": 0.15,
}  # fmt: skip


def organ(name, **more):
    return {
        "name": name, "state": "running", "incarnation": 2, "restarts": 0, "mailbox_depth": 0, "oldest_s": 0.0,
        "beat_age_s": 0.02, "last_error": "",
    } | more  # fmt: skip


def position(symbol, **more):
    return {
        "symbol": symbol, "quantity": "0.02400", "average_price": "45078.300000000000", "mark": 44939.73,
        "unrealised": "-3.3256800", "exposure": 0.1079, "stop_price": "42373.60",
    } | more  # fmt: skip


@pytest.fixture
def found(tmp_path):
    """A body that lives, as `status` tells of it."""
    return copy.deepcopy(status(tmp_path)) | {
        "mode": "ACTIVE", "reason": "started", "running": True, "age_s": 0.3, "guardian_pid": 7,
        "health": 90.0, "equity": 9_994.31, "cash": "8418.5082481600", "drawdown": 0.0012, "starting_cash": 10_000.0,
        "fees": "1.5799", "day_start": 10_000.0, "gross_exposure": 0.1577, "net_exposure": 0.1577,
        "consecutive_losses": 2, "limits": LIMITS, "unexplained_quantity": 0,
        "health_parts": [
            {"name": "organs", "points": 109.0, "weight": 109.0, "detail": ""},
            {"name": "machine", "points": 166.0, "weight": 176.0, "detail": "slope: not known (−10)"},
        ],
        "organs": [organ("brain"), organ("motor", mailbox_depth=3, oldest_s=0.4, restarts=1), organ("voice")],
        "positions": [position("BTC/USDT"), position("SOL/USDT", stop_price=None, quantity="-4.632", mark=107.35)],
        "feeds": [{"name": "replay", "state": "live", "silent_s": 0.01, "bars": 1641, "refused": 0, "doubtful": 2, "detail": ""}],
        "alerts": [{"severity": "warning", "wall_ns": NOW_NS - 90 * 10**9, "title": "A feed was silent"}],
        "denials": [{"reason": "price_band", "n": 3}],
        "strategies": [{"genome_id": "ema_0", "family": "ema", "state": "funded", "weight": 0.25}],
        "invariants": {"broken": {}, "judged_seq": 1432},
        "body": {"mode": "paper", "feed": "replay", "venue": "paper", "speed": 600.0, "market_ns": 1_704_231_300 * 10**9},
    }  # fmt: skip


def shown(found, width=80, curve=(1.0, 3.0, 2.0), **options):
    """The page as a terminal of this width has it; every line is seen to fit."""
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True, **options)
    console.print(Page(Sight(found, curve, NOW_NS)), end="")
    plain = console.export_text(clear=False)
    assert max(cell_len(line) for line in plain.splitlines()) <= width
    return plain


@pytest.mark.requirement("S4-10.1")
@pytest.mark.requirement("S4-14.10")
@pytest.mark.parametrize("width", [80, 149, 150, 160, 240])
def test_everything_that_is_asked_of_it_is_there(found, width):
    plain = shown(found, width)
    for said in (
        "PAPER", "ACTIVE: started. Nothing needs you.", "replay on paper at 600×", "market 2024-01-02 21:35", "0.3 s old",
        "machine −10", "slope: not known", "9,994.31", "−0.06 % since the start", "cash 8,418.51", "0.12 %",
        "sizes are halved at 8 %, 7.88 % away", "the venue holds what we say", "every invariant holds",
        "BTC/USDT", "0.024", "45,078.30", "42,373.60", "−5.7 %", "−3.33", "none",
        "brain", "running", "day's loss", "0.06 %", "losses in a row", "3 × price_band", "1,641 bars", "A feed was silent",
        "90 s ago", "ema_0",
    ):  # fmt: skip
        assert said in plain, said
    assert ("LIVE" in plain) is False


def test_in_80_columns_no_figure_is_cut_in_two(found):
    found |= {"equity": 123_456_789.12, "cash": "123456789.12", "fees": "1234567.12"}
    plain = shown(found, 80)
    (line,) = [line for line in plain.splitlines() if line.startswith("equity")]
    assert "…" not in line


def test_the_first_line_gives_up_the_feed_before_the_age(found):
    found["body"]["mode"] = "live"
    first = shown(found, 80).splitlines()[0]
    assert (first.endswith("0.3 s old"), "replay" in first) == (True, False)
    assert "replay" in shown(found, 100).splitlines()[0]


def test_where_there_is_no_room_columns_go_and_no_figure_is_cut(found):
    found["positions"] = [
        position(
            "1000SHIB/USDT:USDT",
            quantity="123456789.12345678",
            average_price="123456.7",
            mark=123456.7,
            unrealised="-1234567.89",
        )
    ]
    for width in (60, 70, 80, 100):
        (line,) = [line for line in shown(found, width).splitlines() if "1000SHIB" in line]
        assert "…" not in line
        assert ("123,456.70" in line, "42,373.60" in line) == (True, True), "its price and its stop stay"


def test_columns_are_aligned_by_their_last_digit(found):
    lines = shown(found, 80).splitlines()
    (head,) = [line for line in lines if line.startswith("positions")]
    rows = [line for line in lines if line.startswith(("  BTC/USDT", "  SOL/USDT"))]
    end = head.index("quantity") + len("quantity")
    assert [row[:end].split()[-1] for row in rows] == ["0.024", "−4.632"]
    assert all(row[end] == " " for row in rows)


@pytest.mark.parametrize("no_color", [False, True])
def test_paper_and_live_are_told_apart_in_words_with_colours_or_without(found, no_color):
    paper = shown(found, no_color=no_color).splitlines()[0]
    found["body"]["mode"] = "live"
    live = shown(found, no_color=no_color).splitlines()[0]
    found["body"]["mode"] = None
    neither = shown(found, no_color=no_color).splitlines()[0]
    assert ("PAPER" in paper, "LIVE" in paper) == (True, False)
    assert ("PAPER" in live, "LIVE MONEY" in live) == (False, True)
    assert ("PAPER" in neither, "LIVE" in neither) == (False, False)


def test_without_colours_no_colour_is_sent_and_no_meaning_is_lost(found, monkeypatch):
    found["organs"][0] = organ("brain", state="stopped")
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    console = Console(width=100, file=out, force_terminal=True)
    console.print(Page(Sight(found, (), NOW_NS)))
    assert not [code for code in ("\x1b[3", ";3", "[9", ";9", "\x1b[4", ";4") if code in out.getvalue()]
    plain = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    assert "✖ brain" in plain
    assert "● voice" in plain


def test_a_terminal_of_ascii_shows_signs_that_it_has(found):
    lines = drawn(Sight(found, (1.0, 2.0), NOW_NS), 100, None, ascii_only=True)
    signs = "".join(line.plain for line in lines)
    assert not set("●◐✖◌━─▁█╱") & set(signs)
    assert "* voice" in signs


def test_hostile_names_are_shown_and_never_interpreted(found):
    hostile = "[bold red]x[/]\x1b[2J\x1b]0;pwned\x07\r\n[link=http://a]y\u202e\x9b31m"
    for row in (found["positions"][0], found["organs"][0], found["feeds"][0]):
        row["symbol" if "symbol" in row else "name"] = hostile
    found["alerts"][0]["title"] = found["strategies"][0]["genome_id"] = found["reason"] = hostile
    found["health_parts"][1]["detail"] = found["denials"][0]["reason"] = hostile
    found["body"] |= {"feed": hostile, "venue": hostile}
    found["invariants"] = {"broken": {hostile: 1}}
    out = io.StringIO()
    for width in (80, 160):
        plain = shown(found, width)
        assert "[bold red]x[/]" in plain
        Console(width=width, file=out, color_system=None).print(Page(Sight(found, (), NOW_NS)))
    written = out.getvalue()
    assert not {c for c in written if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"}


@pytest.mark.parametrize(
    "value", [None, float("nan"), float("inf"), "", "x", [], {}, True, 1e308, -1, "1e400"]
)
def test_no_value_of_any_kind_ends_it(found, value):
    """The view is a file: whatever stands in it, something is drawn, and no unknown figure looks like a known one."""
    for name in (
        "health", "equity", "cash", "drawdown", "starting_cash", "fees", "day_start", "gross_exposure", "net_exposure",
        "consecutive_losses", "unexplained_quantity", "age_s",
    ):  # fmt: skip
        sick = copy.deepcopy(found) | {name: value}
        if name not in {"age_s", "unexplained_quantity", "health"}:  # those stand in status's own sentence
            shown(sick)
    for table in ("positions", "organs", "feeds", "alerts", "denials", "strategies", "health_parts"):
        for row in found[table]:
            for name in row:
                sick = copy.deepcopy(found)
                sick[table][0] |= {name: value}
                shown(sick)
    shown(found | {"limits": dict.fromkeys(LIMITS, value)})


def test_what_is_not_known_is_said_to_be(found):
    found |= {
        "health": None,
        "equity": None,
        "drawdown": None,
        "unexplained_quantity": None,
        "invariants": {},
    }
    plain = shown(found)
    assert plain.count("not known") >= 4
    assert "never compared" in plain
    assert "no invariant judged yet" in plain


@pytest.mark.parametrize("height", range(4, 60))
@pytest.mark.parametrize("width", [80, 160])
def test_it_is_never_taller_than_the_terminal_and_keeps_what_matters(found, width, height):
    lines = drawn(Sight(found, (), NOW_NS), width, height, "q quits")
    assert len(lines) == height
    plain = "\n".join(line.plain for line in lines)
    assert plain.endswith("q quits")
    assert "PAPER" in plain
    if height >= 24:
        for said in ("health", "equity", "drawdown", "BTC/USDT", "brain", "losses in a row"):
            assert said in plain, said


def test_trouble_comes_first_and_is_marked(found):
    found["organs"] += [
        organ("zeta", state="restarting", last_error="ValueError: odd"),
        organ("yota", beat_age_s=9.0),
    ]
    found |= {"unexplained_quantity": 0.5, "unknown_orders": ["a"]}
    plain = shown(found, 120)
    names = [line.split()[1] for line in plain.splitlines() if "running" in line or "restarting" in line]
    assert names[:2] == ["yota", "zeta"]
    assert "◐ zeta" in plain
    assert "ValueError: odd" in plain
    assert "0.50000000 held that nobody can explain, 1 orders unproven" in plain


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"mode": "HALTED", "reason": "a person said so"}, "HALTED: a person said so."),
        ({"mode": "DOWN", "reason": "nothing runs", "running": False, "age_s": 200.0, "guardian_pid": None}, "`organism start`"),
        ({"age_s": 4.0}, "What follows is the last that is known."),
        ({"mode": "NEVER_STARTED"}, "NEVER STARTED: no organism has run"),
    ],
)  # fmt: skip
def test_the_sentence_is_that_of_status(found, more, said):
    plain = shown(found | more)
    assert said in " ".join(plain.split())
    assert ("health" in plain) is (more.get("mode") != "NEVER_STARTED")


def test_a_figure_that_is_old_fades(found):
    old = drawn(Sight(found | {"age_s": 4.0}, (), NOW_NS), 80, None)
    new = drawn(Sight(found, (), NOW_NS), 80, None)
    assert any(span.style == "dim" for line in old for span in line.spans)
    assert not any(span.style == "dim" for line in new for span in line.spans)


def test_words():
    assert [price(v) for v in (45078.3, "0.00001234567", 0, 107.354, "nan")] == [
        "45,078.30", "0.000012346", "0.00", "107.35", "not known",
    ]  # fmt: skip
    assert [span(v) for v in (0.04, 75, 200, 90_000, 9e5, None)] == [
        "0.0 s",
        "75 s",
        "3 min",
        "25 h",
        "10 d",
        "–",
    ]
    assert bar(0.001, 10, ascii_only=True, style="").plain == "#........."
    assert bar(7.0, 4, ascii_only=True, style="").plain == "####"
    assert bar(None, 4, ascii_only=False, style="").plain == "╱╱╱╱"
    assert spark((1.0, 9.0, 1.0, 5.0), 4, ascii_only=False, style="").plain == "▁█▁▅"
    assert spark((2.0,) * 9, 4, ascii_only=False, style="").plain == "▄▄▄▄"
    spiked = (1.0,) * 500 + (50.0,) + (1.0,) * 500
    assert "█" in spark(spiked, 10, ascii_only=False, style="").plain, "an extreme is not thinned away"


def test_wide_letters_are_counted_as_wide():
    lines = grid([(text("測試"), Text("1")), (text("ab"), Text("22"))], 20)
    assert [cell_len(line.plain[: line.plain.index(n)]) for line, n in zip(lines, "12", strict=True)] == [
        6,
        6,
    ]


def test_what_is_cut_off_is_counted():
    rows = tuple(Text(str(n)) for n in range(9))
    lines = [line.plain for line in fit([Block((Text("title"), *rows), keep=5)], 4)]
    assert lines == ["title  … 6 more", "0", "1", "2"]


def test_one_look_at_a_view_that_a_body_wrote(body, tmp_path, capsys):  # noqa: F811 - the fixture
    body.live()
    sight = look(tmp_path)
    assert sight.found["equity"] == 10_010.0
    assert sight.curve[-1] == 10_010.0
    assert run(["top", "--once", "--state", str(tmp_path)]) == 0
    plain = capsys.readouterr().out
    assert "BTC/USDT" in plain
    assert "\x1b" not in plain, "no terminal, no escapes"
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert run(["top", "--json", "--state", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["equity"] == 10_010.0


def test_a_folder_that_nobody_lived_in(tmp_path, capsys):
    assert run(["top", "--state", str(tmp_path)]) == 0
    assert "NEVER STARTED" in capsys.readouterr().out


@pytest.mark.parametrize("interval", ["0.1s", "2h"])
def test_an_interval_that_makes_no_sense_is_one_sentence(tmp_path, capsys, interval):
    assert run(["top", "--interval", interval, "--state", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("organism: --interval is 0.2 to 3600 seconds; was ")


# Ctrl-C reaches whose terminal it is: the process begins a session of its own in it.
OWN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from organism.__main__ import main
main()
"""


class Terminal:
    """A terminal with `organism top` in it."""

    def __init__(self, state, *, columns=100, rows=30, **environment):
        self.main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(other)
        environ = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, "top", "--state", str(state), "--interval", "0.2s"],
            stdin=other, stdout=other, stderr=subprocess.PIPE,
            env=environ | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | environment,
        )  # fmt: skip
        self.other, self.seen = other, b""

    def wait(self, said):
        """Read until this was drawn."""
        end = time.monotonic() + DEADLINE_S
        while said not in self.seen and time.monotonic() < end:
            if select.select([self.main], [], [], 0.2)[0]:
                self.seen += os.read(self.main, 65536)
        assert said in self.seen, self.seen[-2000:]

    def end(self):
        """Its exit status; what the terminal is left like is looked at."""
        end = time.monotonic() + DEADLINE_S
        while (
            self.process.poll() is None and time.monotonic() < end
        ):  # who does not read would keep it from ending
            if select.select([self.main], [], [], 0.05)[0]:
                self.seen += os.read(self.main, 65536)
        while select.select([self.main], [], [], 0)[0]:
            self.seen += os.read(self.main, 65536)
        assert self.process.stderr.read() == b""
        assert self.seen.rfind(b"\x1b[?1049l") > self.seen.rfind(b"\x1b[?1049h") >= 0, (
            "back on the screen before"
        )
        assert self.seen.rfind(b"\x1b[?25h") > self.seen.rfind(b"\x1b[?25l") >= 0, "the cursor is seen again"
        assert termios.tcgetattr(self.other) == self.before
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.main)
        os.close(self.other)


@pytest.mark.parametrize("ends", ["q", "ctrl-c", "ctrl-d", "term", "hang up"])
def test_it_is_drawn_anew_until_it_is_ended_and_leaves_the_terminal_as_it_was(body, tmp_path, ends):  # noqa: F811
    body.live()
    with Terminal(tmp_path) as terminal:
        terminal.wait(b"BTC/USDT")
        terminal.wait(b"q quits")
        (tmp_path / "view.db").unlink()
        terminal.wait(b"NEVER")
        os.write(terminal.main, b"x")  # a key that means nothing
        match ends:
            case "q" | "ctrl-c" | "ctrl-d":
                os.write(terminal.main, {"q": b"q", "ctrl-c": b"\x03", "ctrl-d": b"\x04"}[ends])
            case "term":
                terminal.process.terminate()
            case "hang up":
                terminal.process.send_signal(signal.SIGHUP)
        assert terminal.end() == 0


def test_a_terminal_that_changes_its_size_is_drawn_to_its_new_one(body, tmp_path):  # noqa: F811
    body.live()
    with Terminal(tmp_path, columns=80) as terminal:
        terminal.wait(b"q quits")
        fcntl.ioctl(terminal.other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        terminal.seen = b""
        terminal.wait(b" " * 100 + b"market")
        os.write(terminal.main, b"q")
        terminal.process.wait(DEADLINE_S)


def test_only_this_command_loads_what_draws(tmp_path):
    code = "import sys, organism.cli, organism.status, organism.cli.status; print([m for m in ('rich', 'structlog') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=DEADLINE_S
    )
    assert done.stdout.strip() == "[]"
