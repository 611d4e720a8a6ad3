"""Columns: the parts as arrays that cannot be written, made when needed, shared by all who map them."""

import subprocess
import sys

import numpy as np
import pytest

from organism.errors import BadInput
from organism.lake import columns, parts
from organism.lake.candles import VALUES
from organism.lake.columns import opened
from organism.lake.names import Kind, series
from organism.lake.store import Lake
from tests.lake.made import BTC, START_US, changed, same, walk


@pytest.fixture
def lake(tmp_path):
    made = Lake(tmp_path / "lake", now_us=lambda: START_US)
    made.append(BTC, walk(50_000), source="x", received_us=1)
    return made


@pytest.mark.requirement("S3-1.2.3")
def test_columns_are_made_once_and_then_only_mapped(lake):
    first = opened(lake, BTC)
    assert first.built
    assert same(first.candles, walk(50_000))
    before = first.path.stat()
    again = opened(Lake(lake.root, now_us=lambda: START_US), BTC)
    assert not again.built
    assert again.path.stat() == before
    assert same(again.candles, first.candles)


def test_columns_cannot_be_written(lake):
    candles = opened(lake, BTC).candles
    for name in ("open_us", *VALUES):
        with pytest.raises(ValueError, match="read-only"):
            getattr(candles, name)[0] = 1


def test_what_is_computed_of_columns_is_a_plain_array(lake):
    assert type(opened(lake, BTC).candles.close) is np.ndarray
    assert type(opened(lake, BTC).candles.close * 2) is np.ndarray


def test_a_stretch_is_a_view_of_the_same_file(lake):
    first, last = START_US + 60_000_000, START_US + 300_000_000
    found = opened(lake, BTC, first, last).candles
    assert same(found, walk(50_000).between(first, last))
    assert not found.close.flags.owndata


def test_new_candles_and_corrections_make_new_columns_and_who_has_the_old_keeps_them(lake):
    old = opened(lake, BTC).candles
    lake.append(BTC, walk(50_100), source="x", received_us=2)
    fixed = walk(50_100)
    volume = fixed.volume.copy()
    volume[7] += 1
    lake.append(BTC, changed(fixed, volume=volume), source="x", received_us=3)
    fresh = opened(lake, BTC)
    assert fresh.built
    assert same(fresh.candles, lake.read(BTC).candles)
    assert fresh.candles.volume[7] == volume[7]
    assert same(old, walk(50_000))


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"not json", b"{}" + bytes(5_000), None])
def test_a_file_that_is_not_what_it_should_be_is_made_again(lake, broken):
    path = opened(lake, BTC).path
    path.write_bytes(path.read_bytes()[:-1] if broken is None else broken)
    again = opened(lake, BTC)
    assert again.built
    assert same(again.candles, walk(50_000))


def test_columns_may_be_deleted_at_any_time(lake):
    opened(lake, BTC).path.unlink()
    assert same(opened(lake, BTC).candles, walk(50_000))


def test_a_builder_that_was_killed_leaves_nothing_that_is_read_or_stays(lake):
    path = opened(lake, BTC).path
    path.unlink()
    litter = path.with_name(f".{path.name}{parts.UNFINISHED}")
    litter.write_bytes(b"half")
    assert same(opened(lake, BTC).candles, walk(50_000))
    assert not litter.exists()


def test_parts_that_change_while_columns_are_made_are_read_again(lake, monkeypatch):
    real, grown = columns.parts.facts, []

    def facts(connection, files):
        found = real(connection, files)
        if not grown:
            grown.append("now")
            lake.append(BTC, walk(50_010), source="x", received_us=2)
        return found

    monkeypatch.setattr(columns.parts, "facts", facts)
    assert same(opened(lake, BTC).candles, walk(50_010))


def test_a_series_that_is_not_there_is_empty_and_events_are_refused(lake):
    assert len(opened(lake, series("binance", "ETH/USDT", "1m")).candles) == 0
    with pytest.raises(BadInput, match="only candles are opened as columns"):
        opened(lake, series("binance", "BTC/USDT", "", Kind.FUNDING))


def test_mark_prices_are_opened_too(lake):
    mark = series("binance-usdm", "BTC/USDT:USDT", "1m", Kind.MARK)
    candles = changed(walk(10), volume=np.full(10, np.nan))
    lake.append(mark, candles, source="x", received_us=1)
    assert same(opened(lake, mark).candles, candles)


FULL = """
import resource, sys
from pathlib import Path
from organism.errors import BadInput
from organism.lake.columns import opened
from organism.lake.store import Lake
from tests.lake.made import *
lake = Lake(Path(sys.argv[1]), now_us=lambda: 0)
lake.connection()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    opened(lake, BTC)
except BadInput as error:
    print(error)
    sys.exit(2)
"""


def test_no_room_for_columns_is_a_sentence_and_history_is_unharmed(lake):
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(lake.root)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert "history itself is unharmed" in ended.stdout
    assert "2,404,096 bytes are needed" in ended.stdout
    assert not list(lake.root.rglob(f"*{parts.UNFINISHED}"))
    assert same(opened(lake, BTC).candles, walk(50_000))


MAPPED = """
import sys
from pathlib import Path
from organism.lake.columns import opened
from organism.lake.store import Lake
from tests.lake.made import *
candles = opened(Lake(Path(sys.argv[1]), now_us=lambda: 0), BTC).candles
print(float(sum(column.sum() for column in (candles.open_us, *candles.values()))), flush=True)
sys.stdin.readline()
kilobytes = {"Pss": 0, "Private_Dirty": 0, "Rss": 0}
mapped = False
for line in Path("/proc/self/smaps").read_text().splitlines():
    word = line.split()[0]
    if not word.endswith(":"):
        mapped = line.endswith("1m.columns")
    elif mapped and word[:-1] in kilobytes:
        kilobytes[word[:-1]] += int(line.split()[1])
print(kilobytes["Pss"], kilobytes["Private_Dirty"], kilobytes["Rss"], flush=True)
sys.stdin.readline()
"""


def test_processes_that_map_a_series_share_its_memory(lake):
    size = opened(lake, BTC).path.stat().st_size
    mapping = [
        subprocess.Popen(
            [sys.executable, "-c", MAPPED, str(lake.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    sums = {float(process.stdout.readline()) for process in mapping}
    for process in mapping:
        process.stdin.write("\n")
        process.stdin.flush()
    used = [[int(word) * 1_024 for word in process.stdout.readline().split()] for process in mapping]
    for process in mapping:
        process.communicate("\n", timeout=30)
    assert len(sums) == 1
    assert all(rss >= 0.9 * size for _, _, rss in used)
    assert sum(pss for pss, _, _ in used) < 1.2 * size
    assert all(dirty == 0 for _, dirty, _ in used)
