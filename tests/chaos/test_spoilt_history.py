"""History that was cut off, spoilt or written by somebody else: refused in a sentence, never a shorter market."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genome.history import load, load_folder
from genome.history.manifest import NAME
from organism.errors import BadInput

pytestmark = pytest.mark.chaos

N_BARS = 3_000
N_CUTS = 120
N_FLIPS = 150
COLUMNS = {
    "timestamp": "(1704067200 + i * 300) * 1000", "open": "100.0 + sin(i)", "high": "102.0 + sin(i)",
    "low": "97.0 + sin(i)", "close": "100.5 + sin(i)", "volume": "1.0 + i % 7",
}  # fmt: skip


def write(path: Path, n: int = N_BARS, **columns: str) -> Path:
    import duckdb

    chosen = ", ".join(f"{value} AS {name}" for name, value in (COLUMNS | columns).items())
    duckdb.sql(f"COPY (SELECT {chosen} FROM range({n}) t(i)) TO '{path}' (ROW_GROUP_SIZE 2048)")  # noqa: S608
    return path


def sum_up(*paths: Path) -> None:
    """As `sha256sum *.parquet > SHA256SUMS`."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (paths[0].parent / NAME).write_text("".join(lines))


def refusal(read, *asked) -> str:
    with pytest.raises(BadInput) as caught:
        read(*asked)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path):
    path = write(tmp_path / "BTC.parquet")
    whole = path.read_bytes()
    cuts = sorted({*range(0, len(whole), len(whole) // N_CUTS), *(len(whole) - n for n in (1, 4, 8, 100))})
    for size in cuts:
        path.write_bytes(whole[:size])
        assert refusal(load, path).startswith("BTC.parquet "), size
    assert len(cuts) >= N_CUTS
    path.write_bytes(whole)
    assert load(path).size == N_BARS


def test_a_file_two_halves_of_which_were_put_together_is_refused(tmp_path):
    """Its end is a good end: only what it points at is not there any more."""
    path = write(tmp_path / "BTC.parquet")
    whole = path.read_bytes()
    for lost in (1, 4_096, len(whole) // 2):
        path.write_bytes(whole[:1_000] + whole[1_000 + lost :])
        assert refusal(load, path).startswith("BTC.parquet ")


def test_a_flipped_byte_is_never_a_shorter_history_and_a_listed_file_is_refused(tmp_path):
    """Parquet as it is written everywhere has no checksum of its pages: only the manifest sees another price."""
    path = write(tmp_path / "BTC.parquet")
    whole, good = path.read_bytes(), load(path)
    sum_up(path)
    listed = (tmp_path / NAME).read_text()
    dice = random.Random(8)
    n_unseen = 0
    for trial in range(N_FLIPS):
        spoilt = bytearray(whole)
        at = dice.randrange(len(spoilt) - 1_500 if trial % 2 else 0, len(spoilt))
        spoilt[at] ^= dice.randrange(1, 256)
        path.write_bytes(spoilt)
        (tmp_path / NAME).unlink(missing_ok=True)
        try:
            found = load(path)
        except BadInput:
            pass
        else:
            assert found.size == good.size, f"byte {at}: bars were lost in silence"
            n_unseen += not np.array_equal(found.columns, good.columns, equal_nan=True)
        (tmp_path / NAME).write_text(listed)
        assert "is not the file that SHA256SUMS lists" in refusal(load, path)
    assert n_unseen, "the file's own checks would have been enough"
    path.write_bytes(whole)
    assert load(path).size == N_BARS


def test_a_listed_file_that_is_missing_is_missed_in_a_folder(tmp_path):
    btc, eth = write(tmp_path / "BTC.parquet", 10), write(tmp_path / "ETH.parquet", 10)
    sum_up(btc, eth)
    assert [market.symbol for market in load_folder(tmp_path)] == ["BTC", "ETH"]
    eth.unlink()
    assert "has no ETH.parquet, which its SHA256SUMS lists" in refusal(load_folder, tmp_path)
    write(tmp_path / "ETH.parquet", 9)
    assert refusal(load_folder, tmp_path).startswith("ETH.parquet is not the file")
    write(tmp_path / "SOL.parquet", 10)
    sum_up(btc)
    assert len(load_folder(tmp_path)) == 3, "what is not listed is read as it is"


@pytest.mark.parametrize("line", ["abc  BTC.parquet", "BTC.parquet", "0" * 63 + "  BTC.parquet", "\x00"])
def test_a_manifest_that_was_spoilt_itself_is_refused_by_line(tmp_path, line):
    path = write(tmp_path / "BTC.parquet", 10)
    sum_up(path)
    (tmp_path / NAME).write_text((tmp_path / NAME).read_text() + line + "\n")
    assert "SHA256SUMS, line 2: was" in refusal(load, path)
    (tmp_path / NAME).write_bytes(b"\xff\xfe")
    assert "it is not UTF-8 text" in refusal(load, path)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("true", "BOOLEAN"), ("'100'::BLOB", "BLOB"), ("uuid()", "UUID"), ("TIME '10:00:00'", "TIME"),
        ("INTERVAL 3 DAY", "INTERVAL"), ("[100.0, 101.0]", "DECIMAL"), ("{'a': 100.0}", "STRUCT"),
        ("MAP {'a': 1.0}", "MAP"), ("['100']", "VARCHAR[]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("column", ["open", "timestamp", "volume", "funding"])
def test_a_column_of_another_type_is_refused_and_not_read_as_nothing(tmp_path, column, cell, kind):
    sentence = refusal(load, write(tmp_path / "BTC.parquet", 5, **{column: cell}))
    assert f"column '{column}' was of type {kind}" in sentence


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"open": "102.0 + sin(i)", "high": "100.0 + sin(i)"}, "outside low 97 to high 100"),
        ({"low": "102.0 + sin(i)", "high": "97.0 + sin(i)"}, "a high is never below its low"),
        ({"timestamp": "100.0", "close": "(1704067200 + i * 300) * 1000"}, "no time between 1990 and 2100"),
        ({"volume": "-1.0"}, "a volume is zero or more"),
    ],
)
def test_columns_that_were_swapped_are_refused(tmp_path, columns, said):
    assert said in refusal(load, write(tmp_path / "BTC.parquet", 50, **columns))


def test_a_spoilt_file_ends_a_backtest_with_status_2_and_a_sentence(tmp_path):
    path = write(tmp_path / "BTC.parquet", 400)
    sum_up(path)

    def backtest() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "organism", "backtest", "ema_crossover", "--data", str(path), "--state", str(tmp_path), "--json"],
            check=False, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    done = backtest()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    path.write_bytes(path.read_bytes()[:-50])
    done = backtest()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("organism: BTC.parquet is not the file that SHA256SUMS lists")
    assert len(done.stderr.strip().splitlines()) == 1
