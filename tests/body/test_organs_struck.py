"""An exception, a SystemExit and a hang in each organ of a living body: it goes on trading."""

import threading
import time
from pathlib import Path

import pytest

from organism.body import live
from organism.body.anatomy import ORGANS
from organism.body.truth import venue_truth
from organism.effects import VenueSubmit
from organism.verify import verify
from organs.motor.paper.port import Local
from tests.body.alive import HANG_S, Alive, living
from tests.body.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

REST = {"metabolism": ("metabolism", "immune", "motor"), "immune": ("immune", "motor")}
LOOSE = ("supervision.child_restarts=100", "supervision.tree_restarts=100", "supervision.max_retired=20")


def fails(error: BaseException) -> None:
    raise error


def replaced(alive: Alive, before: dict[str, int], organ: str) -> None:
    """Those whom the strategy names have a new incarnation each, and nobody else has."""
    expected = {name: n + (name in REST.get(organ, (organ,))) for name, n in before.items()}
    until(
        lambda: alive.error is not None or alive.incarnations() == expected,
        lambda: f"{expected}, was {alive.incarnations()}",
    )
    assert alive.error is None, alive.error


def told(alive: Alive) -> None:
    """Every restart is in the view, and was said."""

    def in_view() -> bool:
        restarted = {row["organ"] for row in alive.view.table("restarts", 1_000)}
        said = {row["title"] for row in alive.view.table("alerts", 1_000)}
        return restarted >= set(ORGANS) and said >= {f"{name} was restarted" for name in ORGANS}

    until(in_view, lambda: f"alerts: {[row['title'] for row in alive.view.table('alerts', 1_000)]}")


def sound(state: Path) -> None:
    report = verify(state, venue_truth(state))
    assert report.ok, report.render()
    assert report.orders > 0


@pytest.mark.parametrize("error", [RuntimeError("a drill"), SystemExit(3)], ids=["exception", "SystemExit"])
def test_a_failure_in_each_organ_restarts_it_and_the_body_goes_on_trading(
    tmp_path: Path, error: BaseException
):
    with living(tmp_path / "state", *LOOSE) as alive:
        alive.trades()
        for organ in ORGANS:
            before = alive.incarnations()
            alive.drill.strike(alive, organ, lambda: fails(error))
            replaced(alive, before, organ)
            alive.goes_on()
        alive.trades()
        told(alive)
        assert not alive.view.table("dead_letters", 10)  # failing once sets nothing aside
    assert alive.error is None
    sound(tmp_path / "state")


def test_a_hang_in_each_organ_is_noticed_within_its_limit_and_the_body_goes_on_trading(tmp_path: Path):
    took: dict[str, float] = {}
    with living(tmp_path / "state", *LOOSE, hang_s=HANG_S) as alive:
        alive.trades()
        for organ in ORGANS:
            before = alive.incarnations()
            released = threading.Event()
            struck_s = alive.drill.strike(alive, organ, lambda: released.wait(60.0) and None)  # noqa: B023
            replaced(alive, before, organ)
            until(alive.all_run)
            took[organ] = time.monotonic() - struck_s
            rows = alive.body.journal.tip[0]
            released.set()  # the old thread wakes up: it can do nothing any more
            alive.goes_on()
            assert alive.body.journal.tip[0] > rows
            until(lambda: alive.body.supervisor.n_abandoned == 0, "the old thread ended")
        alive.trades()
        told(alive)
    assert alive.error is None
    assert max(took.values()) < 3 * (HANG_S + 0.1), took
    sound(tmp_path / "state")


def test_a_message_that_kills_its_organ_twice_is_set_aside_with_its_traceback(tmp_path: Path):
    def poison(organ, envelope):
        if organ == "brain" and envelope.id == "drill:1":
            raise ValueError("poison")

    with living(tmp_path / "state", *LOOSE) as alive:
        alive.drill.on_any = poison
        alive.drill.strike(alive, "brain", lambda: None)
        (letter,) = until(lambda: alive.view.table("dead_letters", 10), "a dead letter")
        assert letter["organ"] == "brain"
        assert letter["message"] == "FeedReported"
        assert "ValueError: poison" in letter["traceback"]
        alive.trades()


def test_a_fill_that_kills_metabolism_is_never_set_aside_it_ends_the_process(tmp_path: Path):
    from organism.errors import RestartsExhausted
    from organism.messages import Filled

    def poison(organ, envelope):
        if organ == "metabolism" and isinstance(envelope.message, Filled):
            raise ValueError("poison")

    with living(tmp_path / "state", "supervision.backoff_base_s=0.01") as alive:
        alive.drill.on_any = poison
        until(lambda: alive.error, "the end of the body", 30.0)
        assert isinstance(alive.error, RestartsExhausted)
    state = tmp_path / "state"
    with living(state) as alive:  # now the fill is booked; trading stays halted until a person resumes
        standing = until(lambda: alive.view.status().get("standing"), "a standing")
        assert standing["state"] == "halted", standing
        assert "Filled" in standing["reason"]
    sound(state)


def test_a_connection_to_the_venue_that_breaks_inside_an_order_is_replaced_and_the_order_is_not_doubled(
    tmp_path: Path, monkeypatch
):
    broken: list[str] = []

    class Breaking(Local):
        """Breaks once before and once after the venue took an order."""

        def handle(self, effect, sent_ns):
            if isinstance(effect, VenueSubmit) and len(broken) < 2:
                if broken:
                    super().handle(effect, sent_ns)
                broken.append(effect.client_order_id)
                raise OSError("the line went dead")
            return super().handle(effect, sent_ns)

    monkeypatch.setattr(live, "Local", Breaking)
    with living(tmp_path / "state") as alive:
        until(lambda: len(broken) == 2, "two breaks", 30.0)
        alive.trades()
        assert alive.body.supervisor.posts["venue"].restarts == 2
        until(
            lambda: all(t.status.is_terminal or t.status.value == "acked" for t in tracked(alive, broken)),
            lambda: f"both orders are settled: {[t.status for t in tracked(alive, broken)]}",
        )
    sound(tmp_path / "state")


def tracked(alive: Alive, client_ids: list[str]) -> list[object]:
    state = alive.body.goods["motor"].state
    return [state.orders[state.by_client[c]] for c in client_ids if c in state.by_client]


@pytest.mark.parametrize("how", ["dies", "hangs"])
def test_a_timekeeper_that_fails_is_replaced_by_one_that_fires_timers(tmp_path: Path, how: str):
    released = threading.Event()
    acts = {"dies": lambda: fails(RuntimeError("a drill")), "hangs": lambda: released.wait(60.0) and 0.0}
    with living(tmp_path / "state") as alive:
        first = alive.body.timekeeper
        first._turn = acts[how]
        first.wake()
        until(lambda: alive.body.timekeeper is not first and alive.body.timekeeper.is_alive(), "another one")
        released.set()
        due = next_due(alive)
        until(lambda: next_due(alive) > due, "a timer fired")
        alive.trades()
        assert alive.body.supervisor.posts["timers"].restarts == 1
    sound(tmp_path / "state")


def next_due(alive: Alive) -> int:
    """The earliest monotonic timer of all organs."""
    timers = [t for organ in ORGANS for t in alive.body.spine.timers.of(organ)]
    return min(t.due_ns for t in timers if t.clock == "mono")
