"""What is done when health is low: pure rules, and a round that survives its own errors.

Recovery starts below 60 and ends at 70. While it lasts, each measure that is at least half bad asks for its
action. An action is repeated only after its cool-down, however often its measure comes and goes. Nothing here
touches an order or widens what may be traded.
"""

import enum
import logging
from collections.abc import Callable

import msgspec

from organism.market import NS_PER_S
from organism.vitals.score import ALERT, MEASURES, RECOVERY, VitalInputs, badness, health

EVERY_S = 30.0  # the loop's period, monotonic
HALF_BAD = 0.5

log = logging.getLogger(__name__)


class Action(enum.Enum):
    """What may be done to a body that is unwell."""

    RECONNECT_VENUE = "reconnect_venue"
    RESTART_FEED = "restart_feed"
    COLLECT_GARBAGE = "collect_garbage"
    CHECK_JOURNAL = "check_journal"
    RECONCILE = "reconcile"
    ALERT = "alert"


# Monotonic seconds from one performance of an action to the next.
COOL_DOWN_S = {
    Action.RECONNECT_VENUE: 60.0, Action.RESTART_FEED: 60.0, Action.COLLECT_GARBAGE: 120.0,
    Action.CHECK_JOURNAL: 300.0, Action.RECONCILE: 60.0, Action.ALERT: 900.0,
}  # fmt: skip

# Measures that are not here are in nobody's power but a person's, or the supervisor's: they raise the alert.
REMEDIES = {
    "venue": Action.RECONNECT_VENUE, "freshness": Action.RESTART_FEED, "memory": Action.COLLECT_GARBAGE,
    "journal": Action.CHECK_JOURNAL, "quantity": Action.RECONCILE, "orders": Action.RECONCILE,
    "reconciled": Action.RECONCILE,
}  # fmt: skip


class Healing(msgspec.Struct, frozen=True):
    """Where recovery stands.

    recovering   since health fell below 60, until it is 70 again
    done         (action, when it was done last, monotonic ns)
    """

    recovering: bool = False
    done: tuple[tuple[Action, int], ...] = ()


def step(
    state: Healing, inputs: VitalInputs, score: float, mono_ns: int
) -> tuple[Healing, tuple[Action, ...]]:
    """One look at the body: what to do now. A score that is no number counts as the worst."""
    began = not score >= RECOVERY and not state.recovering
    recovering = not score >= (ALERT if state.recovering else RECOVERY)
    if not recovering:
        return (msgspec.structs.replace(state, recovering=False) if state.recovering else state), ()
    wanted = [
        REMEDIES[measure.name]
        for measure in MEASURES
        if measure.name in REMEDIES and badness(measure, inputs) >= HALF_BAD
    ]
    wanted.append(Action.ALERT)
    last = dict(state.done)
    actions = tuple(action for action in dict.fromkeys(wanted) if _cool(last.get(action), action, mono_ns))
    if began or actions:
        last.update(dict.fromkeys(actions, mono_ns))
        state = Healing(recovering=True, done=tuple(last.items()))
    return state, actions


def tend(
    state: Healing,
    look: Callable[[], VitalInputs],
    perform: Callable[[Action, str], None],
    mono_ns: int,
) -> Healing:
    """One round of the loop. Whatever fails is logged and told; the loop itself goes on.

    perform   does one action; the text says why
    """
    try:
        inputs = look()
        taken = health(inputs)
        state, actions = step(state, inputs, taken.health, mono_ns)
        why = "; ".join(part.detail for part in taken.parts if part.detail)
        why = f"health {taken.health:g}: {why}"
    except Exception as error:
        log.warning("vital signs could not be read", exc_info=error)
        actions, why = _blind(state, mono_ns), f"vital signs could not be read: {error}"
        state = _noted(state, actions, mono_ns)
    failed = [
        text
        for action in actions
        if action is not Action.ALERT and (text := _performed(perform, action, why))
    ]
    if failed or Action.ALERT in actions:
        _performed(perform, Action.ALERT, "; ".join([*failed, why]))
    return state


def _performed(perform: Callable[[Action, str], None], action: Action, why: str) -> str:
    try:
        perform(action, why)
    except Exception as error:
        log.warning("%s failed", action.value, exc_info=error)
        return f"{action.value} failed: {error}"
    return ""


def _cool(last_ns: int | None, action: Action, mono_ns: int) -> bool:
    # Another process's monotonic clock may be ahead of ours: that is long ago, not the future.
    if last_ns is None or last_ns > mono_ns:
        return True
    return mono_ns - last_ns >= COOL_DOWN_S[action] * NS_PER_S


def _blind(state: Healing, mono_ns: int) -> tuple[Action, ...]:
    return (Action.ALERT,) if _cool(dict(state.done).get(Action.ALERT), Action.ALERT, mono_ns) else ()


def _noted(state: Healing, actions: tuple[Action, ...], mono_ns: int) -> Healing:
    last = {**dict(state.done), **dict.fromkeys(actions, mono_ns)}
    return msgspec.structs.replace(state, done=tuple(last.items()))
