"""The log on the Machine page, and when growing memory is worth a word."""

import json

import pytest

from dashboard.pages.asked import asked
from dashboard.pages.registry import answered
from dashboard.window import Window
from tests.dashboard.test_pages import shown


def write(state, *lines):
    folder = state / "log"
    folder.mkdir(exist_ok=True)
    with (folder / "body.jsonl").open("a") as file:
        for nth, line in enumerate(lines):
            known = {
                "timestamp": f"2026-01-31T12:00:{nth:02d}.000Z",
                "level": "info",
                "process": "body",
                "logger": "organism",
            }
            file.write(json.dumps({**known, **line}, separators=(",", ":")) + "\n")


def texts(piece):
    return [[cell.get("v") for cell in row[1]] for row in piece["rows"]] if piece.get("rows") else []


@pytest.fixture
def written(home):
    write(
        home.state,
        {"event": "awake"},
        {"event": "a detail", "level": "debug"},
        {"event": "<b>refused</b>", "level": "warning", "organ": "immune", "correlation": "bar:7"},
        {
            "event": "gave up",
            "level": "error",
            "organ": "brain",
            "correlation": "bar:8",
            "exception": "ValueError: nan",
        },
    )
    return home


def events(home, query=""):
    return [row[4] for row in texts(shown(home, "machine", query)["machine-log"])]


def test_the_newest_line_is_first_and_details_are_left_out_until_they_are_asked_for(written):
    assert events(written) == ["gave up", "<b>refused</b>", "awake"]
    assert "a detail" in events(written, "?about=level:debug")


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("organ:immune", ["<b>refused</b>"]),
        ("level:error", ["gave up"]),
        ("root:bar:8", ["gave up"]),
        ("organ:voice", []),
    ],
)
def test_lines_are_narrowed_by_organ_level_and_correlation(written, about, expected):
    assert events(written, f"?about={about}") == expected


def test_a_correlation_leads_to_why_and_narrows_to_everything_that_has_it(written):
    cells = shown(written, "machine")["machine-log"]["rows"][0][1]
    assert [(cell["page"], cell["about"]) for cell in cells[5:]] == [
        ("why", "bar:8"),
        ("machine", "root:bar:8"),
    ]


def test_without_a_log_nothing_is_said_and_nothing_fails(home):
    assert "error" not in shown(home, "machine")["machine-log"]
    (home.state / "log").mkdir(exist_ok=True)
    (home.state / "log" / "body.jsonl").write_text('{"torn\n\x00\xff')
    assert "error" not in shown(home, "machine", "?about=level:debug")["machine-log"]


def test_memory_that_grows_while_it_wakes_is_no_trouble_and_later_it_is(home):
    machine = {
        "cpu": 0.1,
        "memory_mb": 200.0,
        "memory_slope_mb_min": 3.0,
        "threads": 9,
        "descriptors": 9,
        "disk_free_mb": 9e4,
    }
    home.body.put("machine", machine)
    body = json.loads(home.body.db.execute("SELECT value FROM state WHERE key = 'body'").fetchone()[0])
    for lived_s, lead in ((60, "The house is sound."), (3_600, "Memory grows:")):
        started = body["updated_wall_ns"] - lived_s * 10**9
        home.body.put("body", body | {"started_wall_ns": started})
        found = answered("machine", asked({}), Window(home.state, guarded=False).sight())
        assert found["machine-sentence"]["lead"] == lead
