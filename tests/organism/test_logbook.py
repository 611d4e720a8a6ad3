"""The log is read newest first, by whom and about what, in bounds, and whatever state its files are in."""

import json
import logging
import os

import pytest

from organism import logbook, logs
from organism.errors import BadInput
from organism.logbook import Page, Wanted, read


def stamp(ms):
    return f"2026-01-31T12:{ms // 60_000:02d}:{ms // 1_000 % 60:02d}.{ms % 1_000:03d}Z"


def line(ms, event, **more):
    return json.dumps({"timestamp": stamp(ms), "level": "info", "event": event} | more, separators=(",", ":"))


def write(tmp_path, name, *texts):
    (tmp_path / "log").mkdir(exist_ok=True)
    (tmp_path / "log" / name).write_text("".join(f"{text}\n" for text in texts))


def events(page):
    return [found["event"] for found in page.lines]


def test_nothing_logged_yet_is_an_empty_page(tmp_path):
    assert read(tmp_path, Wanted()) == Page((), 0, "")
    (tmp_path / "log").write_text("not a folder")
    assert read(tmp_path, Wanted()) == Page((), 0, "")


def test_what_was_really_logged_is_read_back(tmp_path):
    lived = logs.setup("body", tmp_path, stderr=False)
    try:
        logging.getLogger("x").info("one")
        logging.getLogger("x").error("two", extra={"organ": "brain", "cause": "12.1"})
    finally:
        lived.close()
    assert sorted(events(read(tmp_path, Wanted()))) == ["one", "two"]
    (found,) = read(tmp_path, Wanted(organ="brain", level="error", correlation="12.1")).lines
    assert (found["event"], found["process"]) == ("two", "body")


@pytest.mark.requirement("S2-13.6")
@pytest.mark.requirement("S3-4.2.4")
def test_processes_and_older_files_are_one_story_newest_first(tmp_path):
    write(tmp_path, "body.1.jsonl", line(1, "b1"), line(4, "b4"))
    write(tmp_path, "body.jsonl", line(6, "b6"), line(9, "b9"))
    write(tmp_path, "sender.jsonl", line(2, "s2"), line(7, "s7"))
    write(tmp_path, "tracebacks.log", "no line of ours")
    assert events(read(tmp_path, Wanted())) == ["b9", "s7", "b6", "b4", "s2", "b1"]
    assert events(read(tmp_path, Wanted(process="sender"))) == ["s7", "s2"]


def test_filters(tmp_path):
    write(
        tmp_path, "body.jsonl",
        line(1, "a", organ="brain", correlation="3.0", envelope="4.0"),
        line(2, "says brain", organ="motor", note="brain", level="warning"),
        line(3, "c", organ="brain", level="error", exception="Traceback\nValueError: Odd"),
        line(4, "d", correlation="4.0", envelope="5.1", level="critical"),
        line(5, "e", level="debug"),
    )  # fmt: skip

    def found(**wanted):
        return events(read(tmp_path, Wanted(**wanted)))

    assert found(organ="brain") == ["c", "a"]
    assert found(level="warning") == ["d", "c", "says brain"]
    assert found(correlation="4.0") == ["d", "a"], "what it led to, and itself"
    assert found(text="odd") == ["c"]
    assert found(since=stamp(3)) == ["e", "d", "c"]
    assert found(before=stamp(3)) == ["says brain", "a"]
    assert found(since=stamp(2), before=stamp(4), organ="motor") == ["says brain"]


def test_torn_and_foreign_lines_are_counted_and_passed_over(tmp_path):
    good = line(5, "good")
    write(
        tmp_path, "body.jsonl",
        good[:-9], "", "null", "[1]", "{}", '{"timestamp":5}', "\x00\x00", '{"timestamp":"2026-13-77"}',
        good[:-1] + ',"x":}', '{"timestamp":"' + stamp(3) + '","deep":' + "[" * 5_000 + "}",
        good,
    )  # fmt: skip
    with (tmp_path / "log" / "body.jsonl").open("ab") as file:
        file.write(b'\xff\xfe{"timestamp"')
    page = read(tmp_path, Wanted())
    assert events(page) == ["good"]
    assert page.n_torn == 10


def test_a_line_of_any_length_costs_no_more_than_its_place(tmp_path):
    write(tmp_path, "body.jsonl", line(1, "old"), line(2, "x" * 3_000_000), line(3, "new"))
    page = read(tmp_path, Wanted())
    assert events(page) == ["new", "old"]
    assert page.n_torn == 1


def test_pages_follow_each_other_without_gap_or_repetition(tmp_path):
    write(tmp_path, "body.1.jsonl", *(line(n, f"a{n}") for n in range(0, 5_000, 2)))
    write(tmp_path, "body.jsonl", *(line(n, f"a{n}") for n in range(5_000, 9_000, 2)))
    write(tmp_path, "sender.jsonl", *(line(n - n % 7, f"b{n}") for n in range(9_000)))
    seen, before = [], ""
    while True:
        page = read(tmp_path, Wanted(before=before, limit=400))
        assert 0 < len(page.lines) <= 400 + 20
        seen += page.lines
        before = page.before
        if not before:
            break
    assert len(seen) == 4_500 + 9_000 == len({found["event"] for found in seen})
    stamps = [found["timestamp"] for found in seen]
    assert stamps == sorted(stamps, reverse=True)


def test_one_answer_reads_no_more_than_its_budget_and_says_where_to_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "MOST_BYTES", 400_000)
    monkeypatch.setattr(logbook._Budget.__init__, "__defaults__", (400_000, 0))
    n_read, pread = [0], os.pread

    def counted(descriptor, size, at):
        n_read[0] += size
        return pread(descriptor, size, at)

    monkeypatch.setattr(os, "pread", counted)
    write(tmp_path, "body.jsonl", line(0, "sought"), *(line(n, "y" * 100) for n in range(1, 10_000)))
    before, n_asked = "", 0
    while True:
        n_read[0] = 0
        page = read(tmp_path, Wanted(text="sought", before=before))
        n_asked += 1
        if page.lines:
            break
        assert page.before, "there is more to look at"
        assert not before or page.before < before, "it goes on"
        before = page.before
    assert events(page) == ["sought"]
    assert n_asked > 3


def test_links_pipes_and_files_that_may_not_be_read_are_passed_over(tmp_path):
    write(tmp_path, "body.jsonl", line(1, "mine"))
    (tmp_path / "elsewhere").write_text(line(2, "not mine") + "\n")
    (tmp_path / "log" / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "log" / "pipe.jsonl")
    (tmp_path / "log" / "folder.jsonl").mkdir()
    os.link(tmp_path / "log" / "body.jsonl", tmp_path / "log" / "body.1.jsonl")
    assert events(read(tmp_path, Wanted())) == ["mine"], "and a file under two names is one file"
    assert events(read(tmp_path, Wanted(process="../elsewhere"))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "loud"}, {"limit": 0}, {"limit": 10_000}, {"since": "yesterday"},
        {"since": "2026-13-31T12:00:00.000Z"}, {"before": "2026-01-31"},
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_a_sentence(wrong):
    with pytest.raises(BadInput, match=r"\.$"):
        Wanted(**wrong)


def test_values_of_any_kind_hurt_no_filter(tmp_path):
    odd = (
        '{"timestamp":"'
        + stamp(1)
        + '","level":["info"],"event":{"a":1},"organ":["brain"],"correlation":[1]}'
    )
    write(tmp_path, "body.jsonl", odd)
    for wanted in (
        Wanted(),
        Wanted(organ="brain"),
        Wanted(level="info"),
        Wanted(correlation="1"),
        Wanted(text="a"),
    ):
        assert read(tmp_path, wanted).n_torn == 0
