"""What a person says of one strategy: be silent, speak again, go."""

import msgspec
import pytest

from genome.founders import founders
from organism.core import Now
from organism.effects import Publish
from organism.messages import OperatorCommanded, Recovered, StrategyFunded, StrategyPaused, StrategyRetired
from organs.reproduction.core import ReproductionState, reproduction_core

NOW = Now(0, 0, 0, 1)
CORE = reproduction_core()
FIRST, SECOND = (genome_id for genome_id, _ in founders()[:2])


class Home:
    def __init__(self):
        self.state = CORE.initial
        self.n = 0
        self.tell(Recovered(organ="reproduction", incarnation=1, process=True))

    def tell(self, message):
        self.state, effects = CORE.step(self.state, message, NOW)
        self.state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=ReproductionState)
        return [e for e in effects if isinstance(e, Publish)]

    def command(self, word, target, number=None):
        self.n += 1
        number = self.n if number is None else number
        return self.tell(
            OperatorCommanded(command_id=number, command=word, operator="ann", note="why", target=target)
        )


@pytest.fixture
def home():
    return Home()


def test_a_paused_strategy_is_told_to_the_brain_and_woken_again(home):
    (told,) = home.command("pause", FIRST)
    assert told.to == ("brain",)
    assert told.message == StrategyPaused(genome_id=FIRST, paused=True, reason=f"{FIRST} paused by ann: why")
    assert home.command("pause", FIRST) == []
    (told,) = home.command("wake", FIRST)
    assert told.message.paused is False
    assert home.command("wake", FIRST) == []
    assert home.state.paused == ()


def test_a_retired_strategy_is_gone_for_good_also_after_a_restart(home):
    home.command("pause", FIRST)
    (told,) = home.command("retire", FIRST)
    assert told.message == StrategyRetired(genome_id=FIRST, reason=f"{FIRST} retired by ann: why")
    assert told.to == ("brain", "voice")
    assert (home.state.paused, home.state.retired) == ((), (FIRST,))
    for word in ("pause", "wake", "retire"):
        assert home.command(word, FIRST) == []
    again = home.tell(Recovered(organ="reproduction", incarnation=2, process=True))
    assert not [one for one in again if isinstance(one.message, StrategyFunded)]


def test_what_was_never_funded_and_what_came_before_is_left_alone(home):
    assert home.command("pause", "nobody_0_00000000") == []
    assert home.command("sell", FIRST) == []
    assert home.command("pause", FIRST, number=1) == []
    assert home.state.paused == ()
    assert home.command("pause", SECOND)


def test_what_the_brain_cannot_live_by_counts_as_retired(home):
    home.tell(StrategyRetired(genome_id=FIRST, reason="of another language"))
    assert home.state.retired == (FIRST,)
    assert home.command("pause", FIRST) == []
