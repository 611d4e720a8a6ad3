"""A hundred SIGKILLs and more, at random and at every named point: nothing lost, nothing twice, nothing invented."""

import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from organism.body.crashpoints import POINTS
from organism.effects import Publish, VenueSubmit
from organism.journal.reader import read_runs_of
from organism.journal.rows import Row, decode_effects
from organism.messages import OrderApproved
from tests.body.house import BUSY, House, judged, organism, told_once
from tests.body.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(900)]

SETTINGS = (*BUSY, "guardian.restarts=1000", "journal.segment_mb=2", "journal.keep_segments=1000")
# How often a point is passed before it strikes: enough that the body trades in between.
NTH = {"on_fill": 12, "after_commit": 200, "during_recovery": 1}
N_STRIKES = 6  # at each point
EACH_S = 90.0  # for all of them: a machine with ten times its work needs four seconds for each start


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path / "state", *SETTINGS)
    yield house
    house.end()


def strikes(house: House) -> Counter[str]:
    """Named points that struck, from what dying bodies wrote."""
    return Counter(re.findall(r"drill: killed at (\w+)", house.said))


def publications(row: Row) -> list[Publish]:
    """What a step said to others."""
    return [effect for effect in decode_effects(row.effects) if isinstance(effect, Publish)]


def holds(house: House) -> dict[str, object]:
    """The whole audit: our own, and the venue's book as judge."""
    report = house.verify()
    assert report["ok"], report["findings"]
    for name in ("duplicates", "phantoms", "lost", "unexplained_quantity", "unbooked"):
        assert report[name] == 0, (name, report)
    assert report["compared"]
    assert report["chain"] == "ok"
    return report


def waits_s(rows: list[Row], starts_ns: dict[int, int]) -> list[float]:
    """From the last sign of life of each body to the first order of the next, seconds of the wall clock.

    A body that was killed before it recorded anything showed its last sign when it began: who is killed six times in a
    row while recovering is waited for six times, not once for as long as all of them took.
    """
    seen_ns = dict(starts_ns)
    ordered_ns: dict[int, int] = {}
    for row in rows:
        seen_ns[row.run] = row.wall_ns
        if row.organ != "motor" or row.run in ordered_ns:
            continue
        if any(isinstance(e, VenueSubmit) for e in decode_effects(row.effects)):
            ordered_ns[row.run] = row.wall_ns
    before = {run: seen_ns[last] for last, run in pairwise(sorted(starts_ns))}
    return [(at_ns - before[run]) / 1e9 for run, at_ns in ordered_ns.items() if run in before]


@pytest.mark.requirement("S1-0.2")
@pytest.mark.requirement("S1-9.8")
def test_nothing_is_lost_doubled_or_invented_by_kills_at_any_moment(house: House):
    chance = random.Random(20)
    kills: Counter[str] = Counter()
    house.start()
    house.wait_trading(20)
    for point in POINTS:
        house.kill_all()
        kills["everybody"] += 1
        house.start(crash=f"{point}:{NTH.get(point, 15)}")
        until(lambda: strikes(house)[point] >= N_STRIKES, lambda: f"{point}: {house.said[-800:]}", EACH_S)  # noqa: B023
    house.kill_all()
    house.start()
    for _ in range(30):
        house.wait_trading(chance.randint(1, 30))
        run = house.run  # of the one that trades now: an older number would let the next kill hit nobody
        house.kill_body()
        kills["the body at random"] += 1
        if chance.random() < 0.3:  # again, while it is starting
            until(lambda: house.run > run)  # noqa: B023
            house.kill_body()
            kills["the body while starting"] += 1
    for _ in range(6):
        house.wait_trading(3)
        house.kill_guardian()
        kills["the guardian"] += 1
        house.start()  # waits for the body, which ends by itself
    house.wait_trading(20, after_run=house.run - 1)
    code, _ = house.stop()
    assert code == 0, house.said[-800:]

    report = holds(house)
    rows = house.rows()
    n_orders = judged(rows, house.truth())
    told_once(rows)
    struck = strikes(house)
    assert set(struck) == set(POINTS)
    kills.update({f"at {point}": n for point, n in struck.items()})
    assert sum(kills.values()) >= 100
    waited = sorted(
        waits_s(rows, {run.run: run.started_wall_ns for run in read_runs_of(house.state).values()})
    )
    print(f"\n{sum(kills.values())} kills: {dict(kills)}")  # noqa: T201
    print(f"{report['events']} rows, {n_orders} orders, {report['fills']} fills; {report['notes']}")  # noqa: T201
    middle = waited[len(waited) // 2]
    print(f"killed → trading again, s: median {middle:.2f}, longest {waited[-1]:.2f}, n {len(waited)}")  # noqa: T201


@pytest.mark.requirement("S1-0.6")
def test_a_halt_is_in_force_after_every_kind_of_kill_until_a_person_resumes(house: House):
    house.start()
    house.wait_trading(5)
    said = organism("halt", "--note", "drill", state=house.state)
    assert said.returncode == 0
    assert "noted as" not in said.stdout, said.stdout
    for kill in (house.kill_body, house.kill_body, house.kill_all):
        run = house.run
        kill()
        if kill == house.kill_all:
            house.start()
        until(lambda: house.run > run, "the next body")  # noqa: B023
        until(lambda: house.status()["body"].get("pid") == house.body_pid, "its view")
        found = house.status()
        assert found["mode"] == "HALTED"
        assert "resume" in found["reason"]
        at_ns = house.status()["body"]["market_ns"]  # it goes on looking at the market
        until(lambda: house.status()["body"]["market_ns"] > at_ns, "the next bar")  # noqa: B023
    assert organism("resume", state=house.state).returncode == 0
    house.wait_trading(3)
    assert house.stop()[0] == 0
    holds(house)
    rows = house.rows()
    judged(rows, house.truth())
    is_halted, n_while_halted = False, 0
    for row in rows:
        if row.organ == "immune":
            if row.input_id.startswith("cmd:"):
                is_halted = not is_halted
            approved = [
                e.message.approved.order for e in publications(row) if type(e.message) is OrderApproved
            ]
            assert not is_halted or all(order.reduce_only for order in approved)
            n_while_halted += is_halted
    assert not is_halted
    assert n_while_halted > 100
