"""The measurement itself: it asks every question, and what it tells is about the journal that it was given."""

from dashboard.reading import Reading, bench
from organism.cli.benches.face import follow, lived
from organism.journal.reader import newest


def test_a_build_is_interrupted_and_finished_and_every_query_is_timed(copy):
    found = bench.build(copy.folder, paced_s=0.0)
    assert found["events"] == copy.rows
    assert found["size_mb"] > 0.0
    asked = bench.answers(copy.folder, n=2)
    assert all(0.0 < row["p50_ms"] <= row["p95_ms"] <= row["max_ms"] for row in asked)
    named = {row["query"].split()[0] for row in asked}
    queries = {name for name in vars(Reading) if not name.startswith("_")}
    assert queries - named == {"start", "close", "keeper", "progress", "newest_ns", "symbols", "range"}


def test_a_journal_is_lived_to_a_length_and_what_happens_then_is_seen(tmp_path):
    rows = lived(tmp_path, 3_000)
    assert 3_000 <= rows == newest(tmp_path) < 3_100
    seen = follow(tmp_path, 3, idle_s=0.0)
    assert 0.0 < seen["p50_ms"] <= seen["max_ms"] < 20_000
    assert newest(tmp_path) == rows + 3
