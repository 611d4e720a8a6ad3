"""Which round is due."""

import msgspec
import pytest

from genome.background.lived import History
from genome.background.rounds import FILE, Round, Wait, begun, due, seed_of, write_down
from tests.genome.background.lives import SMALL, instant


def lived(n):
    history = History(SMALL.most_bars)
    for i in range(n):
        history.hear(instant(i))
    return history


def done(one):
    return msgspec.structs.replace(one, done=True)


def test_breeding_begins_when_enough_bars_were_lived():
    assert due(lived(0), None, SMALL) == Wait(120)
    assert due(lived(119), None, SMALL) == Wait(1)
    found = due(lived(120), None, SMALL)
    assert (found.number, found.bars, found.until_ns, found.done) == (1, 120, instant(119).at_ns, False)


def test_a_round_that_was_begun_goes_on_with_its_own_bars_however_many_came_since():
    first = due(lived(120), None, SMALL)
    assert due(lived(500), first, SMALL) == first


def test_the_next_round_waits_until_the_history_has_grown_by_its_share():
    first = done(due(lived(120), None, SMALL))
    assert due(lived(120), first, SMALL) == Wait(12)
    assert due(lived(131), first, SMALL) == Wait(1)
    second = due(lived(132), first, SMALL)
    assert (second.number, second.bars) == (2, 132)


def test_a_round_whose_bars_are_gone_is_followed_by_another():
    lost = Round(number=7, session=1, first_ns=1, until_ns=2, bars=300)
    assert due(lived(200), lost, SMALL).number == 8


def test_the_seed_of_a_round_is_a_function_of_the_bodys_seed_and_its_number():
    seeds = {seed_of(seed, number) for seed in (1, 2) for number in (1, 2, 3)}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_round_is_remembered(tmp_path):
    first = due(lived(150), None, SMALL)
    write_down(tmp_path / "evolution", first)
    assert begun(tmp_path / "evolution") == first


@pytest.mark.parametrize("content", [b"", b"{", b'{"number": "x"}', b"\xff\xfe", b"[" * 9_000], ids=range(5))
def test_what_cannot_be_read_is_as_if_no_round_had_been(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    assert begun(tmp_path) is None
