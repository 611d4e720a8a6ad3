"""The loss limits that I9 holds the gate to: drawdown, the day's loss, losses in a row. From marks alone."""

from dataclasses import dataclass

from organism.market import NS_PER_S
from organism.messages import PortfolioMarked
from organism.settings import RiskSettings

_NS_PER_H = 3_600 * NS_PER_S
_NS_PER_DAY = 24 * _NS_PER_H


@dataclass(slots=True)
class Losses:
    """What marks have put in the way of entries.

    fallen          drawdown reached its limit; only a person lifts that
    accepted        equity that a person accepted by resuming; drawdown counts from it while it is below the peak
    day_ends_ns     no entries before, because of the day's loss; nobody lifts that
    cool_until_ns   no entries before, because of losses in a row
    answered        losses in a row that a cool-down has already answered
    ladder_known, streak_known   whether `accepted` and `answered` are what the gate knows; not when judging began in
                    the middle of a life, until a new peak, or an entry that passed while no loss was counted, says so
    """

    fallen: bool = False
    accepted: float | None = None
    day_ends_ns: int = 0
    cool_until_ns: int = 0
    answered: int = 0
    n_losses: int = 0
    ladder_known: bool = True
    streak_known: bool = True

    def granted(self, mark: PortfolioMarked) -> None:
        """Begin in the middle of a life: what was accepted and answered before is not known, and not judged."""
        self.accepted = mark.equity if mark.equity < mark.peak else None
        self.ladder_known = self.accepted is None
        self.streak_known = False

    def marked(self, mark: PortfolioMarked, risk: RiskSettings | None) -> None:
        """Immune read a mark."""
        if risk is None:
            return
        self.elapsed(mark.at_ns)
        if self.accepted is not None and mark.equity > self.accepted:
            self.accepted = mark.equity if mark.equity < mark.peak else None
            self.ladder_known |= self.accepted is None
        if not self._drawdown(mark) < risk.no_entries_at_drawdown:
            self.fallen = True
        if not mark.equity > mark.day_start * (1.0 - risk.max_daily_loss) and self.day_ends_ns <= mark.at_ns:
            self.day_ends_ns = (mark.at_ns // _NS_PER_DAY + 1) * _NS_PER_DAY
        losses = self.n_losses = mark.consecutive_losses
        if not self.streak_known:
            return
        if losses < self.answered:
            self.answered = 0
        if losses - self.answered >= risk.max_consecutive_losses and not self.cool_until_ns:
            self.cool_until_ns = mark.at_ns + int(risk.cool_down_h * _NS_PER_H)

    def elapsed(self, market_ns: int) -> None:
        """Immune looked at the time, by a mark or a timer: a cool-down that is over has answered what was lost by then."""
        if self.cool_until_ns and self.cool_until_ns <= market_ns:
            self.cool_until_ns, self.answered = 0, self.n_losses

    def passed(self) -> None:
        """Immune let an entry pass: no streak cools down, and of one without a loss nothing is answered."""
        self.streak_known |= not self.n_losses

    def resumed(self, mark: PortfolioMarked | None, risk: RiskSettings | None) -> None:
        """Immune read that a person resumes."""
        if mark is not None and risk is not None and mark.equity > 0.0:
            if not self._drawdown(mark) < risk.no_entries_at_drawdown:
                self.accepted = mark.equity
            elif self.accepted is not None and not self.ladder_known:  # the gate may have seen a deeper fall
                self.accepted = min(self.accepted, mark.equity)
        self.fallen = False
        if self.cool_until_ns:
            self.cool_until_ns, self.answered = 0, self.n_losses

    def in_the_way(self, market_ns: int) -> str:
        """Why nothing may grow, as a clause; "" when it may."""
        if self.fallen:
            return "drawdown has reached its limit and nobody has resumed"
        if market_ns < self.day_ends_ns:
            return "the day's loss has reached its limit"
        return "a losing streak cools down" if market_ns < self.cool_until_ns else ""

    def _drawdown(self, mark: PortfolioMarked) -> float:
        return mark.drawdown if self.accepted is None else 1.0 - mark.equity / self.accepted
