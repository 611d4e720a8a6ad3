"""The share of a core that breeding takes."""

import pytest

from genome.background.duty import LONGEST_S, Duty, Stopped


class Clock:
    """Processor seconds and seconds by the clock, moved by hand; waiting moves the second alone."""

    def __init__(self):
        self.worked = self.now = 0.0
        self.waits = []
        self.stop = False

    def work(self, seconds, by_the_clock=None):
        self.worked += seconds
        self.now += seconds if by_the_clock is None else by_the_clock

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds
        return self.stop

    def duty(self, share):
        return Duty(share, self.wait, worked_s=lambda: self.worked, now_s=lambda: self.now)


@pytest.mark.parametrize(("share", "factor"), [(0.25, 3.0), (0.5, 1.0), (0.1, 9.0), (1.0, 0.0)])
def test_after_work_of_t_seconds_it_waits_t_times_one_over_the_share_less_one(share, factor):
    clock = Clock()
    duty = clock.duty(share)
    for seconds in (2.0, 0.01, 7.5):
        clock.work(seconds)
        duty.rest()
    assert clock.waits == pytest.approx([2.0 * factor, 0.01 * factor, 7.5 * factor])
    assert clock.worked / clock.now == pytest.approx(share)


def test_time_that_others_took_counts_as_rest():
    clock = Clock()
    duty = clock.duty(0.25)
    clock.work(1.0, by_the_clock=3.0)
    duty.rest()
    clock.work(1.0, by_the_clock=30.0)
    duty.rest()
    assert clock.waits == pytest.approx([1.0, 0.0])


def test_rest_that_was_not_used_is_not_saved_up():
    clock = Clock()
    duty = clock.duty(0.25)
    clock.now += 1_000.0
    duty.rest()
    clock.work(2.0)
    duty.rest()
    assert clock.waits == pytest.approx([0.0, 6.0])


def test_told_to_end_it_stops_between_two_pieces():
    clock = Clock()
    duty = clock.duty(0.5)
    clock.work(1.0)
    clock.stop = True
    with pytest.raises(Stopped):
        duty.rest()


def test_one_enormous_piece_does_not_silence_it_for_a_day():
    clock = Clock()
    duty = clock.duty(0.01)
    clock.work(3_600.0)
    duty.rest()
    assert clock.waits == [LONGEST_S]
