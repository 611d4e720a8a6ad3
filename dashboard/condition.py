"""Is there a body, and does it live? Judged from the view's age and the body's process alone."""

import enum
from dataclasses import dataclass

from dashboard.glimpse import Glimpse
from organism.processes import may_live

FRESH_S = 3.0  # older figures fade
DOWN_S = 15.0  # a body silent for so long counts as down, even if its process lives
GRACE_S = 12.0  # after the dashboard's own start, an old view means "starting"


class Condition(enum.Enum):
    """What the page knows about the body."""

    NEVER = "never"  # no body has ever lived in this state folder
    UNREADABLE = "unreadable"  # there is a view, and it cannot be read
    STARTING = "starting"  # a body is coming up; it decides nothing yet
    LIVING = "living"
    STALE = "stale"  # its last word is older than `FRESH_S`
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The condition, and the age of the newest figures in seconds (None when there are none)."""

    condition: Condition
    age_s: float | None = None


def judge(glimpse: Glimpse, now_ns: int, watching_since_ns: int, *, guarded: bool) -> Judged:
    """Say what the body's condition is.

    now_ns, watching_since_ns   wall time; since when this dashboard has been up
    guarded                     whether a guardian runs beside it that starts the body
    """
    just_opened = guarded and now_ns - watching_since_ns < GRACE_S * 1e9
    body = glimpse.part("body")
    updated = body.get("updated_wall_ns")
    if glimpse.exists and glimpse.trouble:
        return Judged(condition=Condition.STARTING if just_opened else Condition.UNREADABLE)
    if not isinstance(updated, int):
        waking = just_opened or glimpse.exists
        return Judged(condition=Condition.STARTING if waking else Condition.NEVER)
    age_s = max(0.0, (now_ns - updated) / 1e9)
    gone = not may_live(body.get("pid"))
    if age_s > DOWN_S or (gone and age_s > 1.0):
        waking = just_opened and updated < watching_since_ns
        return Judged(condition=Condition.STARTING if waking else Condition.DOWN, age_s=age_s)
    if age_s > FRESH_S:
        return Judged(condition=Condition.STALE, age_s=age_s)
    waking = not glimpse.part("portfolio")
    return Judged(condition=Condition.STARTING if waking else Condition.LIVING, age_s=age_s)
