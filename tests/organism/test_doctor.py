"""The doctor looks at what has stopped an organism before, and says what to do."""

import fcntl
import importlib.metadata
import os
import socket
import subprocess
import sys

import pytest

from organism import doctor
from organism.lake.polling.schedule import Standing
from organism.lake.polling.told import Told, tell
from organism.settings import (
    Channel,
    ContextSettings,
    DashboardSettings,
    MarketSettings,
    Settings,
    VoiceSettings,
)


def voiced(*channels):
    return Settings(voice=VoiceSettings(channels=channels))


def test_a_diagnosis_covers_everything_and_whatever_is_wrong_has_a_next_step(tmp_path):
    tmp_path.chmod(0o700)
    findings = doctor.diagnose(Settings(), tmp_path, {})
    whats = {f.what for f in findings}
    assert whats >= {
        "Python", "SQLite", "packages", "state folder", "disk", "clock", "cores", "memory", "open files", "dashboard",
        "alerts", "guardian",
    }  # fmt: skip
    for finding in findings:
        assert finding.detail
        assert finding.ok is not False or finding.next_step, finding


def test_it_says_that_without_channels_alerts_stay_here():
    (finding,) = doctor.channels(Settings(), {})
    assert (finding.ok, finding.detail) == (None, "no channels: alerts show in the dashboard and log only")


def test_channels_are_looked_at_without_showing_their_addresses():
    token = "AAsecretTokenAA"
    settings = voiced(
        Channel(url=f"tgram://{token}/1", tags=("critical",)),
        Channel(url="env:HOOK"),
        Channel(url="env:NOPE"),
    )
    findings = list(doctor.channels(settings, {"HOOK": f"json://{token}"}))
    assert [f.ok for f in findings] == [True, True, False]
    assert "NOPE" in findings[2].detail
    assert token not in str(findings)


def test_it_says_when_no_channel_takes_critical_alerts():
    assert list(doctor.channels(voiced(Channel(url="json://x", tags=("low",))), {}))[-1].ok is False
    assert list(doctor.channels(voiced(Channel(url="json://x")), {}))[-1].ok is True


@pytest.mark.parametrize(
    ("version", "ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 2), True), ((3, 14, 0), False)]
)
def test_python_versions(version, ok):
    assert doctor.python(version).ok is ok


def test_an_sqlite_with_the_wal_reset_bug_is_worth_knowing():
    assert doctor.sqlite((3, 40, 1)).ok is None
    assert "3.51.3" in doctor.sqlite((3, 40, 1)).detail
    assert doctor.sqlite((3, 51, 3)).ok is True


def test_a_state_folder_must_be_writable_and_should_be_private(tmp_path):
    tmp_path.chmod(0o755)
    assert [f.ok for f in doctor.folder(tmp_path)] == [True, None]
    tmp_path.chmod(0o700)
    assert [f.ok for f in doctor.folder(tmp_path)] == [True]
    assert [f.ok for f in doctor.folder(tmp_path / "new" / "deep")] == [True]
    (tmp_path / "file").touch()
    assert [f.ok for f in doctor.folder(tmp_path / "file")] == [False]


def test_a_folder_that_cannot_be_written_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert next(doctor.folder(tmp_path)).ok is False
    assert next(doctor.folder(tmp_path / "new")).ok is False


def test_disk_memory_and_files_have_limits(tmp_path):
    assert [doctor.disk(tmp_path, gb * 2**30).ok for gb in (0, 5, 50)] == [False, None, True]
    assert [doctor.memory(mb * 2**20).ok for mb in (100, 5_000)] == [None, True]
    assert [doctor.files(n).ok for n in (256, 4_096)] == [None, True]
    assert doctor.memory().detail.endswith("MB available") or doctor.memory().ok is None


def test_a_clock_before_what_was_already_seen_is_wrong(tmp_path):
    assert doctor.clock(tmp_path).ok is True
    assert doctor.clock(tmp_path, now_s=0.0).ok is False
    file = tmp_path / "journal.db"
    file.touch()
    os.utime(file, (2_000_000_000, 2_000_000_000))
    assert "before the newest file" in doctor.clock(tmp_path, now_s=1_900_000_000).detail


def test_a_taken_port_is_told_with_the_one_that_would_be_used(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = holder.getsockname()[1]
        settings = Settings(dashboard=DashboardSettings(port=number))
        finding = doctor.port(settings, tmp_path)
    assert finding.ok is not True
    assert f"{number}" in finding.detail
    assert doctor.port(settings, tmp_path).ok is True
    assert doctor.port(Settings(dashboard=DashboardSettings(enabled=False)), tmp_path).ok is None


def test_no_free_port_at_all_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_is_free", lambda *_: False)
    assert doctor.port(Settings(), tmp_path).ok is False


def test_a_missing_package_is_named(monkeypatch):
    true = importlib.metadata.distribution

    def distribution(name):
        if name == "apprise":
            raise importlib.metadata.PackageNotFoundError(name)
        return true(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    wrong = [f for f in doctor.packages() if f.ok is False]
    assert [f.detail for f in wrong] == ["apprise is not installed"]


def test_a_running_organism_is_seen_by_its_lock(tmp_path):
    assert doctor.guardian(tmp_path).ok is None
    lock = tmp_path / "lock"
    lock.touch()
    assert doctor.guardian(tmp_path).ok is None
    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert doctor.guardian(tmp_path).ok is True


def test_the_doctor_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path; from organism.settings import Settings; from organism import doctor; "
        "doctor.diagnose(Settings(), Path('.')); "
        "print([m for m in ('apprise', 'ccxt', 'pandas', 'sklearn', 'dash', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


def test_it_says_that_nobody_is_asked_for_anything_beside_prices(tmp_path):
    finding = doctor.context(Settings(), tmp_path)
    assert (finding.ok, finding.detail) == (
        None, "no service is asked for anything beside prices: [context] is off",
    )  # fmt: skip


def test_it_says_how_what_is_asked_for_stands(tmp_path):
    settings = Settings(
        context=ContextSettings(fear_greed=True, funding=True), market=MarketSettings(symbols=("BTC/USDT",))
    )
    assert doctor.context(settings, tmp_path).detail == "2 waiting"
    fresh = Standing(at_us=1, known_us=2, value=24.0, period_us=8 * 3_600_000_000)
    broken = Standing(failures=1, error="binance-usdm: HTTP 418")
    tell(tmp_path, Told({"fear_greed": fresh, "funding BTC/USDT:USDT": broken}))
    finding = doctor.context(settings, tmp_path, 10.0)
    assert (finding.ok, finding.detail) == (
        None, "1 failing, 1 fresh; Funding of BTC/USDT:USDT: binance-usdm: HTTP 418",
    )  # fmt: skip
    assert "poller.jsonl" in finding.next_step
    tell(tmp_path, Told({"fear_greed": fresh, "funding BTC/USDT:USDT": fresh}))
    assert doctor.context(settings, tmp_path, 10.0) == (True, "context", "2 fresh", "")
    assert (
        doctor.context(settings, tmp_path, 1e6).detail == "2 stale; Fear and greed: the next value is overdue"
    )
    (tmp_path / "poller.json").write_text("{")
    assert doctor.context(settings, tmp_path).ok is False


def test_it_says_what_lies_beside_the_journal_and_what_a_backup_leaves_out(tmp_path):
    assert list(doctor.beside(tmp_path)) == []
    for name, size in (
        ("evolution/a.npz", 2 << 20), ("lake/candles/binance/X/1m/2024-01.parquet", 3 << 20),
        ("lake/context/index/VIX/events/2024-01.parquet", 1 << 20),
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "lake" / "version").write_text("1\n")
    evolution, lake = doctor.beside(tmp_path)
    assert (evolution.ok, evolution.detail) == (
        True, "2.0 MB of rounds and runs under way, which a backup takes along",
    )  # fmt: skip
    assert (lake.ok, lake.detail) == (
        True, "4.0 MB, of which a backup leaves out 3.0 MB unless it is told --with-lake",
    )  # fmt: skip
    (tmp_path / "lake" / "version").write_text("2\n")
    (_, newer) = doctor.beside(tmp_path)
    assert newer.ok is False
    assert "a lake of version 2" in newer.detail
