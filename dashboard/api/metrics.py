"""`/metrics`: the vitals as Prometheus reads them.

Names follow the conventions of that project: a prefix, base units, `_total` for what only grows. A figure that is not known
is left out, never told as zero: an alert on absence then says so.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.condition import Condition, Judged
from dashboard.figures import number
from dashboard.glimpse import Glimpse

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_MB: Final = 1e6

# (name, what it is, part of the view's state, key, times)
_PLAIN: Final = (
    ("organism_health_points", "Health, 0 to 100", "health", "health", 1.0),
    ("organism_equity", "Equity in the account's currency", "portfolio", "equity", 1.0),
    ("organism_cash", "Cash in the account's currency", "portfolio", "cash", 1.0),
    ("organism_drawdown_ratio", "Loss from the peak of equity, as a fraction", "portfolio", "drawdown", 1.0),
    ("organism_gross_exposure_ratio", "Gross exposure as a fraction of equity", "portfolio", "gross_exposure", 1.0),
    ("organism_net_exposure_ratio", "Net exposure as a fraction of equity", "portfolio", "net_exposure", 1.0),
    ("organism_metabolic_rate_ratio", "Share of full size at which it trades", "standing", "metabolic_rate", 1.0),
    ("organism_body_resident_bytes", "Memory of the body", "machine", "memory_mb", _MB),
    ("organism_body_cpu_ratio", "Processor time of the body, in cores", "machine", "cpu", 1.0),
    ("organism_body_threads", "Threads of the body", "machine", "threads", 1.0),
    ("organism_body_open_files", "Descriptors of the body", "machine", "descriptors", 1.0),
    ("organism_disk_free_bytes", "Room left where the state lies", "machine", "disk_free_mb", _MB),
    ("organism_journal_rows", "Number of the journal's newest row", "body", "seq", 1.0),
)  # fmt: skip
# (name, what it is, column, whether it only grows)
_OF_ORGANS: Final = (
    ("organism_organ_restarts", "Restarts of an organ", "restarts", True),
    ("organism_organ_steps", "Messages an organ has taken", "step", True),
    ("organism_organ_conflated", "Quotes and pulses overtaken by later ones", "conflated", True),
    ("organism_mailbox_depth", "Messages waiting", "mailbox_depth", False),
    ("organism_mailbox_oldest_seconds", "Age of the oldest message waiting", "oldest_s", False),
    ("organism_organ_beat_age_seconds", "Since an organ last answered", "beat_age_s", False),
)  # fmt: skip
_OF_FEEDS: Final = (
    ("organism_feed_silent_seconds", "Since a feed last said something", "silent_s", False),
    ("organism_feed_bars", "Bars a feed brought", "bars", True),
    ("organism_feed_refused", "Bars that were not believed", "refused", True),
    ("organism_feed_gaps", "Gaps in a feed", "gaps", True),
)  # fmt: skip


class _Vitals(Collector):
    """One look at the view, told once."""

    def __init__(self, glimpse: Glimpse, judged: Judged) -> None:
        self._glimpse, self._judged = glimpse, judged

    def collect(self) -> Iterable[Metric]:
        """Every family there is something to say of."""
        living = self._judged.condition is Condition.LIVING
        yield GaugeMetricFamily("organism_up", "1 while the body lives", value=float(living))
        if self._judged.age_s is not None:
            yield GaugeMetricFamily(
                "organism_body_age_seconds", "Age of the body's last word", value=self._judged.age_s
            )
        for name, says, part, key, times in _PLAIN:
            value = number(self._glimpse.part(part).get(key))
            if value is not None:
                yield GaugeMetricFamily(name, says, value=value * times)
        unexplained = self._glimpse.part("reconciled").get("unexplained")
        if isinstance(unexplained, list):
            says = "Instruments held without a chain of fills; healthy is 0"
            yield GaugeMetricFamily("organism_unexplained_instruments", says, value=len(unexplained))
        yield from self._standing()
        yield from _family(_OF_ORGANS, "organ", self._glimpse.rows("organs"))
        yield from _family(_OF_FEEDS, "feed", self._glimpse.rows("feeds"))
        yield from self._counted()

    def _standing(self) -> Iterator[Metric]:
        """One series a state, so that a board can draw it: 1 for the one in force."""
        found = str(self._glimpse.part("standing").get("state") or "")
        if not found:
            return
        family = GaugeMetricFamily("organism_trading_state", "1 for the state in force", labels=["state"])
        for state in dict.fromkeys(("active", "reducing", "halted", "hibernating", found)):
            family.add_metric([state], float(state == found))
        yield family

    def _counted(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "organism_denials", "Orders that risk control refused", labels=["reason"]
        )
        for row in self._glimpse.rows("denials"):
            value = number(row.get("n"))
            if value is not None:
                family.add_metric([str(row.get("reason"))], value)
        if family.samples:
            yield family
        exposure = GaugeMetricFamily(
            "organism_position_exposure_ratio", "Exposure of a position as a fraction of equity", labels=["symbol"]
        )  # fmt: skip
        for row in self._glimpse.rows("positions"):
            value = number(row.get("exposure"))
            if value is not None:
                exposure.add_metric([str(row.get("symbol"))], value)
        if exposure.samples:
            yield exposure


def _family(
    wanted: tuple[tuple[str, str, str, bool], ...], label: str, rows: list[dict[str, Any]]
) -> Iterator[Metric]:
    for name, says, column, grows in wanted:
        kind = CounterMetricFamily if grows else GaugeMetricFamily
        family = kind(name, says, labels=[label])
        for row in rows:
            value = number(row.get(column))
            if value is not None:
                family.add_metric([str(row.get("name"))], value)
        if family.samples:
            yield family


def told(glimpse: Glimpse, judged: Judged) -> bytes:
    """The exposition, format 0.0.4. Label values are escaped by the library: a symbol may hold anything."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Vitals(glimpse, judged))
    return generate_latest(registry)
