"""What a venue allows is never exceeded, whoever asks, however long an answer takes."""

from hypothesis import given
from hypothesis import strategies as st

from organism.lake.fetching.budget import (
    Allowance,
    Budget,
    Granted,
    Refused,
    after_boot,
    blocked,
    reserve,
    settled,
    used,
)

ALLOWANCE = Allowance(limit=10.0, window_us=1_000_000, flight_us=5_000_000)


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.floats(0.5, 4), st.integers(0, 900_000), st.floats(0, 1)),
        min_size=5,
        max_size=60,
    ),
    st.sampled_from([0.5, 0.9, 1.0]),
)
def test_no_window_of_the_venue_sees_more_than_the_share_wherever_requests_arrive_while_they_are_on_their_way(
    requests, share
):
    budget, now = Budget(), 0
    flying, arrivals = [], []
    for pause, weight, takes, arrives in requests:
        now += pause
        for end, name in sorted(flying):
            if end <= now:
                budget = settled(budget, ALLOWANCE, name, end, told=None, share=share)
                flying.remove((end, name))
        budget, answer = reserve(budget, ALLOWANCE, weight, share, now)
        if isinstance(answer, Granted):
            flying.append((now + takes, answer.name))
            arrivals.append((now + int(takes * arrives), weight))
    assert arrivals
    for begin, _ in arrivals:
        inside = sum(weight for at, weight in arrivals if begin <= at < begin + ALLOWANCE.window_us)
        assert inside <= ALLOWANCE.limit * share + 1e-6


def test_who_is_refused_is_told_when_there_will_be_room():
    budget, first = reserve(Budget(), ALLOWANCE, 8.0, 1.0, 0)
    budget = settled(budget, ALLOWANCE, first.name, 250_000, told=None)
    budget, answer = reserve(budget, ALLOWANCE, 4.0, 1.0, 300_000)
    assert answer == Refused(1_250_000, blocked=False)
    budget, answer = reserve(budget, ALLOWANCE, 4.0, 1.0, answer.until_us)
    assert isinstance(answer, Granted)


def test_a_request_that_was_never_heard_of_again_counts_until_it_must_be_over_and_a_window_longer():
    budget, _ = reserve(Budget(), ALLOWANCE, 8.0, 1.0, 0)
    assert used(budget, 5_999_999) == 8.0
    assert used(budget, 6_000_000) == 0.0


def test_weight_that_the_venue_counts_and_nobody_here_sent_is_counted_too():
    budget, mine = reserve(Budget(), ALLOWANCE, 2.0, 1.0, 0)
    budget = settled(budget, ALLOWANCE, mine.name, 100, told=9.0)
    _, answer = reserve(budget, ALLOWANCE, 2.0, 1.0, 200)
    assert isinstance(answer, Refused)
    assert used(budget, 200) == 9.0


def test_a_venue_that_counts_less_than_we_do_gives_nothing_back():
    budget, mine = reserve(Budget(), ALLOWANCE, 8.0, 1.0, 0)
    budget = settled(budget, ALLOWANCE, mine.name, 100, told=1.0)
    assert used(budget, 200) == 8.0


def test_a_block_holds_for_everybody_and_a_shorter_one_does_not_end_it():
    budget = blocked(blocked(Budget(), 9_000_000, 0), 1_000_000, 0)
    assert reserve(budget, ALLOWANCE, 1.0, 1.0, 8_999_999)[1] == Refused(9_000_000, blocked=True)
    assert isinstance(reserve(budget, ALLOWANCE, 1.0, 1.0, 9_000_000)[1], Granted)


def test_a_request_heavier_than_all_of_the_share_goes_alone_and_counts_for_longer():
    budget, answer = reserve(Budget(), ALLOWANCE, 20.0, 0.5, 0)
    budget = settled(budget, ALLOWANCE, answer.name, 0, told=None, share=0.5)
    assert isinstance(reserve(budget, ALLOWANCE, 1.0, 0.5, 3_999_999)[1], Refused)
    assert isinstance(reserve(budget, ALLOWANCE, 1.0, 0.5, 4_000_000)[1], Granted)


def test_after_a_boot_everything_counts_as_if_it_were_asked_just_now():
    budget, _ = reserve(Budget(boot="a"), ALLOWANCE, 8.0, 1.0, 77_000_000)
    budget = blocked(budget, 80_000_000, 77_000_000)
    later = after_boot(budget, ALLOWANCE, "b", 5)
    assert (later.boot, used(later, 6), later.blocked_us) == ("b", 8.0, 3_000_005)
