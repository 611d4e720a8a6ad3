"""Whoever comes next gets what may begin, in whatever order the others end."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.simulator.stretches import MATRICES, Filling, Stretches, Walking, each, parts, share


def all_tasks(stretches: int, waves: list[int], chunks: int) -> Counter[object]:
    fills = [Filling(s, w, i) for s in range(stretches) for w, n in enumerate(waves) for i in range(n)]
    return Counter([*fills, *(Walking(s, c) for s in range(stretches) for c in range(chunks))])


def may_begin(task: object, ended: set[object], waves: list[int], chunks: int) -> bool:
    """The rules once more, slowly."""
    if isinstance(task, Walking):
        filled = all(Filling(task.stretch, w, i) in ended for w, n in enumerate(waves) for i in range(n))
        return filled and (task.stretch == 0 or Walking(task.stretch - 1, task.chunk) in ended)
    before = [Filling(task.stretch, w, i) for w, n in enumerate(waves[: task.wave]) for i in range(n)]
    if task.stretch > 0:
        before += [Filling(task.stretch - 1, w, i) for w, n in enumerate(waves) for i in range(n)]
    left = [Walking(task.stretch - MATRICES, c) for c in range(chunks)] if task.stretch >= MATRICES else []
    return all(one in ended for one in (*before, *left))


@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(1, 4),
    st.data(),
)
def test_no_task_begins_before_what_it_needs_and_each_is_done_once(stretches, waves, chunks, data):
    plan, under_way, ended, done = Stretches(stretches, waves, chunks), [], set(), Counter()
    while not plan.finished:
        task = plan.take() if len(under_way) < data.draw(st.integers(1, 4)) else None
        if task is not None:
            assert may_begin(task, ended, waves, chunks)
            under_way.append(task)
            continue
        assert under_way, "nobody works and nothing may begin"
        task = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
        plan.done(task)
        ended.add(task)
        done[task] += 1
    assert done == all_tasks(stretches, waves, chunks)
    assert plan.take() is None


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_share_all_tasks(threads):
    done, lock = Counter(), threading.Lock()

    def work(task: object, thread: int) -> None:
        assert 0 <= thread < threads
        with lock:
            done[task] += 1

    share(Stretches(7, [3, 0, 2], 5), work, threads)
    assert done == all_tasks(7, [3, 0, 2], 5)


def test_nobody_is_at_work_any_more_when_the_failure_is_heard():
    """Whoever asked lends the memory that tasks write to, and lends it to others next."""
    inside, released, ended = threading.Event(), threading.Event(), threading.Event()

    def work(_: object, thread: int) -> None:
        if thread == 1:
            inside.set()
            assert released.wait(20.0)
            ended.set()
            return
        assert inside.wait(20.0)
        threading.Timer(0.05, released.set).start()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share(Stretches(1, [2], 2), work, 2)
    assert ended.is_set()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("culprit", [Filling(1, 0, 0), Walking(2, 1)])
def test_what_goes_wrong_in_a_task_is_heard_by_who_asked(threads, culprit):
    def work(task: object, _: int) -> None:
        if task == culprit:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share(Stretches(4, [2], 3), work, threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_is_made_of_each_comes_back_in_order_whoever_made_it(threads):
    assert each(lambda i: i * i, 17, threads) == [i * i for i in range(17)]
    assert each(lambda i: i, 0, threads) == []


def test_what_one_of_them_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        each(lambda i: 1 // (i - 3), 9, 2)


@pytest.mark.parametrize(
    ("n", "threads"), [(0, 2), (1, 2), (127, 4), (128, 2), (1_000, 1), (1_000, 2), (999, 7)]
)
def test_parts_are_all_rows_once_and_never_small_ones(n, threads):
    found = parts(n, threads)
    assert [i for part in found for i in range(n)[part]] == list(range(n))
    assert len(found) == 1 or min(part.stop - part.start for part in found) >= 64
