"""From rows of the journal to rows of the read model. Pure but for what it remembers of messages under way."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from dashboard.reading import words
from dashboard.reading.schema import FLOW_WIDTHS, N_PARTS
from organism import messages as m
from organism.effects import (
    Effects,
    Notify,
    Publish,
    StoreGenome,
    VenueAdvance,
    VenueCancel,
    VenueQuery,
    VenueReport,
    VenueSubmit,
)
from organism.errors import BadInput
from organism.journal.rows import NO_EFFECTS, Row
from organism.journal.upcast import Payloads
from organism.messages import Envelope
from organism.trading import Order, Purpose
from organism.view.project import StepFacts, plain

N_REMEMBERED = 4_000  # newest messages whose sender is known when they are dealt with
UNKNOWN = "unknown"
OUTWARD: dict[type, str] = {
    VenueAdvance: "venue", VenueSubmit: "venue", VenueCancel: "venue", VenueQuery: "venue", VenueReport: "venue",
    Notify: "sender", StoreGenome: "store",
}  # fmt: skip

Values = tuple[Any, ...]


class Said(NamedTuple):
    """A message or a request on its way. root: the envelope from outside that it stems from."""

    sender: str
    kind: str
    run: int
    mono_ns: int
    root: str


class Heard(NamedTuple):
    """What a row consumed. age_us: since it was said, microseconds of one monotonic clock, −1 where nobody knows."""

    sender: str
    kind: str
    cause: str
    root: str
    age_us: int
    envelope: Envelope | None


@dataclass(slots=True)
class Harvest:
    """Rows to be written, by table. `orders` and `trades` are (name of a statement, parameters), in order.

    flow   (width, bucket, (sender, receiver, kind), age) → how often
    """

    tables: dict[str, list[Values]] = field(default_factory=dict)
    orders: list[tuple[str, Values]] = field(default_factory=list)
    flow: dict[tuple[int, int, tuple[str, str, str], int], int] = field(default_factory=dict)

    def add(self, table: str, *values: Any) -> None:
        """One more row of a table, all columns in order."""
        self.tables.setdefault(table, []).append(values)


def as_json(value: Any) -> str:
    """Compact JSON of what a message holds: decimals as text, numbers that are none as null."""
    return msgspec.json.encode(plain(value)).decode()


def age_bin(age_us: int) -> int:
    """Half an octave a bin: 0 below a microsecond, −1 for unknown."""
    return -1 if age_us < 0 else int(2.0 * math.log2(age_us + 1.0))


def age_of(bin_: int) -> float:
    """Middle of a bin, seconds."""
    return max(0.0, 2.0 ** ((bin_ + 0.5) / 2.0) - 1.0) / 1e6 if bin_ else 0.0


def unpack(row: Row, version: int, payloads: Payloads) -> tuple[Envelope | None, Effects]:
    """The envelope that came from outside, if one did, and what the step did.

    Raises `BadInput` for what a newer organism wrote.
    """
    try:
        envelope = payloads.envelope(row.input, version) if row.input else None
        return envelope, () if row.effects == NO_EFFECTS else payloads.effects(row.effects, version)
    except msgspec.DecodeError as error:
        raise BadInput(
            f"journal row {row.seq} holds something that this dashboard does not know ({error}). Install the organism that "
            "wrote it; the page shows what the view tells meanwhile."
        ) from error


class Memory:
    """Who said what a little while ago, so that whoever deals with it knows where it came from."""

    def __init__(self) -> None:
        self._said: dict[str, Said] = {}

    def hear(self, row: Row, envelope: Envelope | None) -> Heard:
        """What a row consumed, and from whom."""
        came = self._said.get(envelope.cause if envelope is not None else row.input_id)
        root = came.root if came else row.input_id
        age_us = max(0, row.mono_ns - came.mono_ns) // 1_000 if came and came.run == row.run else -1
        if envelope is not None:
            return Heard(
                envelope.sender, type(envelope.message).__name__, envelope.cause, root, age_us, envelope
            )
        if came is None:
            return Heard(UNKNOWN, UNKNOWN, "", root, -1, None)
        return Heard(came.sender, came.kind, "", root, age_us, None)

    def say(self, row: Row, position: int, kind: str, root: str) -> None:
        """Remember one effect of a row."""
        self._said[f"{row.seq}.{position}"] = Said(row.organ, kind, row.run, row.mono_ns, root)
        if (
            len(self._said) >= 2 * N_REMEMBERED
        ):  # the older half at once: one by one would leave holes to search
            self._said = dict(islice(self._said.items(), N_REMEMBERED, None))

    def pass_by(self, row: Row, envelope: Envelope | None, effects: Effects) -> Heard:
        """Note everything a row said."""
        heard = self.hear(row, envelope)
        for position, effect in enumerate(effects):
            kind = type(effect)
            if kind is Publish:
                self.say(row, position, type(effect.message).__name__, heard.root)  # type: ignore[union-attr]
            elif kind in OUTWARD:
                self.say(row, position, kind.__name__, heard.root)
        return heard


class Harvester:
    """Takes rows in order.

    newest     (id, nth, market time) of the newest decision on each instrument
    fine_from_ns   flow is also counted by the minute from this market time on
    """

    def __init__(self, newest: dict[str, tuple[str, int, int]] | None = None, fine_from_ns: int = 0) -> None:
        self.memory = Memory()
        self.newest = dict(newest or {})
        self.fine_from_ns = fine_from_ns
        self._payloads = Payloads()
        self._out = Harvest()

    def done(self) -> Harvest:
        """What was taken since the last time."""
        out, self._out = self._out, Harvest()
        return out

    def pass_by(self, row: Row, version: int) -> StepFacts:
        """Remember what a row said, and write nothing: it was taken in an earlier life."""
        envelope, effects = unpack(row, version, self._payloads)
        self.memory.pass_by(row, envelope, effects)
        return _facts(row, envelope, effects)

    def take(self, row: Row, version: int) -> StepFacts:
        """Take one row. Raises `BadInput` or `ValueError` for one of a newer version."""
        envelope, effects = unpack(row, version, self._payloads)
        heard = self.memory.pass_by(row, envelope, effects)
        self._count(row, (heard.sender, row.organ, heard.kind), age_bin(heard.age_us))
        if envelope is not None and (weight := words.level(envelope.message)):
            self._event(row, 0, envelope.id, envelope.message, weight, heard, sender=envelope.sender)
        for position, effect in enumerate(effects):
            kind = type(effect)
            said: Any = effect
            if kind is Publish:
                said = effect.message  # type: ignore[union-attr]
                take = _TAKEN.get(type(said))
                if take is not None:
                    take(self, said, row, position, heard)
            elif kind in OUTWARD:
                self._count(row, (row.organ, OUTWARD[kind], kind.__name__), -1)
            else:
                continue
            if weight := words.level(said):
                to = ",".join(effect.to) if kind is Publish else OUTWARD[kind]  # type: ignore[union-attr]
                self._event(row, position + 1, f"{row.seq}.{position}", said, weight, heard, to=to)
        return _facts(row, envelope, effects)

    # -------------------------------------------------------------- inside

    def _count(self, row: Row, edge: tuple[str, str, str], age: int) -> None:
        flow = self._out.flow
        for width in FLOW_WIDTHS:
            if width != FLOW_WIDTHS[0] or row.market_ns >= self.fine_from_ns:
                key = (width, row.market_ns // width, edge, age)
                flow[key] = flow.get(key, 0) + 1

    def _event(
        self, row: Row, part: int, identity: str, said: Any, weight: int, heard: Heard, *, sender: str = "", to: str = ""
    ) -> None:  # fmt: skip
        self._out.add(
            "events", pos(row, part), row.market_ns, row.wall_ns, row.organ, sender or row.organ, to or row.organ,
            type(said).__name__, weight, words.symbol(said), identity, heard.cause if part == 0 else row.input_id,
            heard.root, words.sentence(said),
        )  # fmt: skip

    def _bars(self, x: m.BarClosed, row: Row, position: int, _: Heard) -> None:
        out = self._out
        out.add("instants", x.at_ns, row.wall_ns, f"{row.seq}.{position}", row.input_id, x.session, x.warmup, x.seam,
                x.closing, x.final, ",".join(x.missing))  # fmt: skip
        for b in x.bars:
            out.add("bars", b.symbol, x.at_ns, b.open, b.high, b.low, b.close, b.volume, ",".join(b.flags))

    def _marked(self, x: m.PortfolioMarked, _row: Row, _position: int, _: Heard) -> None:
        if math.isfinite(x.equity):
            self._out.add("equity", x.at_ns, x.equity, plain(x.drawdown), plain(x.gross_exposure),
                          plain(x.net_exposure), float(x.cash), x.session)  # fmt: skip

    def _decided(self, x: m.ExposureTargeted, row: Row, position: int, heard: Heard) -> None:
        identity = f"{row.seq}.{position}"
        for nth, t in enumerate(x.targets):
            self.newest[t.symbol] = (identity, nth, x.at_ns)
            self._out.add("decisions", identity, nth, x.at_ns, row.wall_ns, t.symbol, plain(t.forecast),
                          plain(t.volatility), t.regime, as_json(t.reasons), as_json(t.contributions), row.input_id,
                          heard.root)  # fmt: skip

    def _proposed(self, x: m.OrderProposed, row: Row, position: int, heard: Heard) -> None:
        order = x.order
        identity, nth = "", None
        found = self.newest.get(order.symbol)
        if found and order.purpose is Purpose.TARGET:
            identity, nth = found[0], found[1]
        self._out.orders.append((
            "propose", (*_columns(order), row.market_ns, f"{row.seq}.{position}", row.input_id, heard.kind, identity,
                        nth, heard.root),
        ))  # fmt: skip
        self._step(row, position, order.id, "proposed", "proposed")

    def _approved(self, x: m.OrderApproved, row: Row, position: int, _: Heard) -> None:
        self._out.orders.append(("verdict", ("approved", "", row.market_ns, x.approved.order.id)))
        self._step(row, position, x.approved.order.id, "approved", "approved")

    def _denied(self, x: m.OrderDenied, row: Row, position: int, _: Heard) -> None:
        why = f"{x.reason.value}: limit {x.limit:g}, observed {x.observed:g}"
        self._out.orders.append(("verdict", ("denied", why, row.market_ns, x.order_id)))
        self._step(row, position, x.order_id, "denied", "denied", reason=why)
        self._out.add("denials", pos(row, position + 1), row.market_ns, row.wall_ns, x.order_id, x.symbol, x.reason.value,
                      plain(x.limit), plain(x.observed), f"{row.seq}.{position}", row.input_id)  # fmt: skip

    def _updated(self, x: m.OrderUpdated, row: Row, position: int, _: Heard) -> None:
        filled = format(x.filled, "f")
        self._out.orders.append(("update", (x.order_id, x.client_order_id, x.symbol, x.status.value, filled,
                                            row.market_ns, x.reason)))  # fmt: skip
        self._step(row, position, x.order_id, "updated", x.status.value, filled, x.reason)

    def _unwanted(self, x: m.CancelRequested, row: Row, position: int, _: Heard) -> None:
        self._step(row, position, x.order_id, "cancel wanted", "", reason=x.reason)

    def _filled(self, x: m.Filled, row: Row, position: int, heard: Heard) -> None:
        f = x.fill
        self._out.add("fills", f.key, f.order_id, f.client_order_id, f.venue, f.symbol, f.side.value,
                      format(f.quantity, "f"), format(f.price, "f"), format(f.fee, "f"), f.fee_currency, f.maker, f.at_ns,
                      row.wall_ns, f"{row.seq}.{position}", row.input_id, heard.root)  # fmt: skip
        if f.order_id:
            self._step(row, position, f.order_id, "filled", "", format(f.quantity, "f"), f"at {f.price:f}")

    def _traded(self, x: m.TradeClosed, row: Row, position: int, _: Heard) -> None:
        at = pos(row, position + 1)
        self._out.add("trades", at, x.symbol, x.side.value, format(x.quantity, "f"), format(x.entry_price, "f"),
                      format(x.exit_price, "f"), format(x.pnl, "f"), format(x.fees, "f"), x.opened_ns, x.closed_ns,
                      as_json(x.genome_ids), x.purpose, "", row.input_id)  # fmt: skip
        share = 1.0 / max(1, len(x.genome_ids))
        for nth, genome_id in enumerate(x.genome_ids or ("",)):
            self._out.add(
                "shares", x.closed_ns, at, nth, genome_id, share, float(x.pnl) * share, float(x.fees) * share
            )

    def _changed(self, x: m.TradingStateChanged, row: Row, position: int, _: Heard) -> None:
        self._out.add(
            "standings", pos(row, position + 1), row.market_ns, x.after.state.value, x.cause, as_json(x.after)
        )

    def _funded(self, x: m.StrategyFunded, row: Row, _position: int, _: Heard) -> None:
        self._out.add("strategies", x.genome_id, x.family, plain(x.weight), as_json(dict(x.parameters)), x.text, "funded",
                      row.market_ns)  # fmt: skip

    def _retired(self, x: m.StrategyRetired, _row: Row, _position: int, _: Heard) -> None:
        self._out.orders.append(("stand", ("retired", x.genome_id)))

    def _paused(self, x: m.StrategyPaused, _row: Row, _position: int, _: Heard) -> None:
        self._out.orders.append(("stand", ("paused" if x.paused else "funded", x.genome_id)))

    def _barred(self, x: m.EntriesBarred, row: Row, position: int, _: Heard) -> None:
        self._out.add("barred", pos(row, position + 1), row.market_ns, as_json(x.symbols), x.reason)

    def _step(
        self, row: Row, position: int, order_id: str, what: str, status: str, filled: str = "", reason: str = ""
    ) -> None:  # fmt: skip
        self._out.add("steps", order_id, pos(row, position + 1), row.market_ns, row.wall_ns, what, status, filled, reason,
                      f"{row.seq}.{position}", row.input_id)  # fmt: skip


def pos(row: Row, part: int) -> int:
    """Place of an event among all events."""
    return row.seq * N_PARTS + min(part, N_PARTS - 1)


def _facts(row: Row, envelope: Envelope | None, effects: Effects) -> StepFacts:
    return StepFacts(
        row.seq, None if envelope is None else envelope.message, effects, row.market_ns, row.wall_ns
    )


def _columns(order: Order) -> Values:
    def text(value: Any) -> str | None:
        return None if value is None else format(value, "f")

    return (
        order.id, order.symbol, order.side.value, format(order.quantity, "f"), order.kind.value, order.purpose.value,
        text(order.reference_price), text(order.limit_price), text(order.stop_price), order.reduce_only,
        as_json(order.genome_ids), order.created_ns,
    )  # fmt: skip


_Taker = Callable[[Harvester, Any, Row, int, Heard], None]
_TAKEN: dict[type, _Taker] = {
    m.BarClosed: Harvester._bars, m.PortfolioMarked: Harvester._marked, m.ExposureTargeted: Harvester._decided,  # noqa: SLF001
    m.OrderProposed: Harvester._proposed, m.OrderApproved: Harvester._approved, m.OrderDenied: Harvester._denied,  # noqa: SLF001
    m.OrderUpdated: Harvester._updated, m.CancelRequested: Harvester._unwanted, m.Filled: Harvester._filled,  # noqa: SLF001
    m.TradeClosed: Harvester._traded, m.TradingStateChanged: Harvester._changed, m.StrategyFunded: Harvester._funded,  # noqa: SLF001
    m.StrategyPaused: Harvester._paused, m.EntriesBarred: Harvester._barred,  # noqa: SLF001
    m.StrategyRetired: Harvester._retired,  # noqa: SLF001
}  # fmt: skip
