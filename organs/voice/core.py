"""What is worth saying, and when it is good again. Pure: the outbox rows it emits are delivered by the sender."""

from decimal import Decimal

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effects
from organism.messages import (
    AlertRaised,
    Escalated,
    FeedRecovered,
    FeedStalled,
    InvariantBroken,
    Message,
    MessageSetAside,
    OrganRestarted,
    Reconciled,
    Recovered,
    StrategyFunded,
    StrategyRetired,
    TimerFired,
    TradeClosed,
    TradingStateChanged,
    VitalsTaken,
)
from organism.settings import VoiceSettings
from organs.voice import wording
from organs.voice.grouping import DAILY, GROUP, HELD, Day, Speaker, VoiceState

HYSTERESIS = 5.0  # health points above the line before a new excursion can begin


class _Voice:
    """The rules, bound to their settings."""

    def __init__(self, settings: VoiceSettings) -> None:
        self.settings = settings
        self.profit_above = Decimal(repr(settings.profit_above))
        self.milestone = Decimal(repr(settings.milestone))

    def step(self, state: VoiceState, message: Message, now: Now) -> tuple[VoiceState, Effects]:
        kind = type(message)
        say = Speaker(self.settings, state, now)
        if self.settings.daily_summary and not state.day.ends_ns and now.market_ns > 0:
            say.begin_day(state.day)
        if kind is VitalsTaken:
            self._vitals(say, message)  # type: ignore[arg-type]
        elif kind is TimerFired:
            self._timer(say, message)  # type: ignore[arg-type]
        elif kind is TradeClosed:
            self._trade(say, message)  # type: ignore[arg-type]
        elif kind is Recovered:
            if message.process:  # type: ignore[union-attr]
                say.wake()
                say.say(wording.started(say.state.standing, safe=message.safe))  # type: ignore[union-attr]
        else:
            self._news(say, message)
        return say.state, tuple(say.effects)

    def _news(self, say: Speaker, message: Message) -> None:
        match message:
            case AlertRaised():
                say.say(wording.raised(message))
            case TradingStateChanged():
                say.update(standing=message.after)
                for told in wording.standing_changed(message):
                    say.say(told)
            case OrganRestarted():
                say.say(wording.restarted(message))
            case MessageSetAside():
                say.say(wording.set_aside(message))
            case Escalated():
                say.say(wording.escalated(message))
            case InvariantBroken():
                say.say(wording.broken(message))
            case FeedStalled(feed=feed) if feed not in say.state.stalled:  # repeated while it lasts
                say.update(stalled=(*say.state.stalled, feed))
                say.say(wording.stalled(message))
            case FeedRecovered(feed=feed) if feed in say.state.stalled:
                say.update(stalled=tuple(name for name in say.state.stalled if name != feed))
                say.say(
                    wording.good(
                        f"Feed {feed} delivers again", "Entries are judged as usual.", f"flow:{feed}"
                    )
                )
            case Reconciled():
                self._reconciled(say, message)
            case StrategyFunded() | StrategyRetired():
                say.say(wording.evolution(message))
            case _:
                pass

    def _reconciled(self, say: Speaker, message: Reconciled) -> None:
        level = 0 if message.clean else 2 if message.unexplained or message.foreign else 1
        before = say.state.unproven
        if level == before:
            return
        say.update(unproven=level)
        if level > before:
            say.say(wording.unreconciled(message))
        elif level == 0:
            say.say(
                wording.good(
                    "Reconciled with the venue", "Everything held and ordered is explained.", "clean"
                )
            )

    def _vitals(self, say: Speaker, message: VitalsTaken) -> None:
        below = self.settings.health_below
        if not say.state.unwell:
            if not message.health >= below:  # a NaN is no health
                say.update(unwell=True)
                say.say(wording.unwell(message, below))
        elif message.health >= min(below + HYSTERESIS, 100.0):
            say.update(unwell=False)
            say.say(wording.good("Health is good again", f"{message.health:.0f} of 100.", "health_good"))

    def _trade(self, say: Speaker, trade: TradeClosed) -> None:
        if not (trade.pnl.is_finite() and trade.fees.is_finite()):
            told = f"{trade.symbol} closed at {wording.moment(trade.closed_ns)}; it is in no sum of profits."
            say.say(wording.warning("The profit of a trade was not a number", told, "profit_nan"))
            return
        state = say.state
        day = state.day
        say.update(
            total_profit=state.total_profit + trade.pnl,
            day=msgspec.structs.replace(
                day,
                n_trades=day.n_trades + 1,
                n_won=day.n_won + (trade.pnl > 0),
                profit=day.profit + trade.pnl,
                fees=day.fees + trade.fees,
            ),
        )
        if trade.entry_price.is_finite() and trade.quantity.is_finite():
            paid = trade.entry_price * trade.quantity
            if paid > 0 and trade.pnl > paid * self.profit_above:
                say.say(wording.profit(trade, trade.pnl / paid))
        if not state.milestone_said and say.state.total_profit > self.milestone:
            say.update(milestone_said=True)
            say.say(wording.milestone(say.state.total_profit, self.settings.milestone))

    def _timer(self, say: Speaker, timer: TimerFired) -> None:
        if timer.key == DAILY:
            self._day_ended(say)
        elif timer.key == HELD:
            say.say_held()
        elif timer.key.startswith(GROUP):
            say.close_group(timer.key.removeprefix(GROUP))

    def _day_ended(self, say: Speaker) -> None:
        day = say.state.day
        if not 0 < day.ends_ns <= say.now.market_ns:
            return  # a timer of an earlier life
        date = wording.moment(day.ends_ns - 1)[:10]
        won = f", {day.n_won} of them won" if day.n_trades else ""
        trades = "trade" if day.n_trades == 1 else "trades"
        say.say(
            wording.note(
                f"Market day {date}: {day.profit:+.2f} from {day.n_trades} closed {trades}",
                f"{day.n_trades} {trades} closed{won}; {day.profit:+.2f} after fees of {day.fees:.2f}. "
                f"Since the beginning: {say.state.total_profit:+.2f}.",
            )
        )
        say.begin_day(Day())


def voice_core(settings: VoiceSettings) -> OrganCore[VoiceState]:
    """The organ that decides what is worth saying."""
    initial = VoiceState(tokens=float(settings.per_minute))
    return OrganCore(name="voice", state_type=VoiceState, initial=initial, step=_Voice(settings).step)
