"""Vectors of bytes, and threads that share work."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict import threads as threads_module
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.threads import run_in_parallel, thread_limit


def vectors(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 9), st.integers(-30, 30))
def test_numbers_are_rounded_to_bytes_of_the_largest_of_their_part(n, d, tail, exponent):
    tail = min(tail, d - 1)
    original = vectors(n, d) * np.float32(10.0**exponent)
    rows = QuantizedVectors.of(original, tail)
    assert len(rows) == n
    restored = rows.vectors()
    for part in (slice(d - tail), slice(d - tail, d)):
        largest = np.abs(original[:, part]).max(axis=1, initial=1e-30)
        error = np.abs(restored[:, part] - original[:, part])
        assert (error <= largest[:, None] / 253).all()
    again = QuantizedVectors.of(restored, tail)
    np.testing.assert_array_equal(again.numbers, rows.numbers)
    np.testing.assert_array_equal(again.vectors(), restored)


def test_one_part_does_not_change_the_other():
    original = vectors(5, 8)
    rows = QuantizedVectors.of(original, 3)
    changed = original.copy()
    changed[:, 5:] *= 1000
    other = QuantizedVectors.of(changed, 3)
    for one, same in zip(rows.plain(), other.plain(), strict=True):
        np.testing.assert_array_equal(one, same)
    assert rows.plain().tail == 0
    assert rows.plain().vectors().shape == (5, 5)


def test_products_are_those_of_the_vectors():
    rows, queries = QuantizedVectors.of(vectors(50, 6), 2), vectors(3, 6, 1)
    np.testing.assert_allclose(rows.products(queries), queries @ rows.vectors().T)
    assert rows.products(vectors(0, 6)).shape == (0, 50)


def test_rows_are_taken_replaced_and_joined():
    rows = QuantizedVectors.of(vectors(9, 4), 1)
    part = rows.take(np.array([7, 0]))
    np.testing.assert_array_equal(part.vectors(), rows.vectors()[[7, 0]])
    shared = rows.take(slice(2, 4))
    assert np.shares_memory(shared.numbers, rows.numbers)
    rows.put(slice(2, 4), part)
    np.testing.assert_array_equal(shared.vectors(), part.vectors())
    empty = QuantizedVectors.empty(0, 4, 1)
    together = QuantizedVectors.together([empty, part, shared])
    np.testing.assert_array_equal(together.vectors()[2:], shared.vectors())
    assert (together.tail, len(together)) == (1, 4)
    assert len(QuantizedVectors.together([empty])) == 0


def test_zeros_stay_zeros():
    rows = QuantizedVectors.of(np.zeros((2, 3), np.float32))
    assert not rows.vectors().any()


# Threads.


@pytest.fixture
def threads(monkeypatch):
    """Have ten rows be worth a thread; return those that are started."""
    started, start = [], threads_module._thread.start_new_thread

    def start_new_thread(function, arguments):
        started.append(function)
        return start(function, arguments)

    monkeypatch.setattr(threads_module, "_A_THREAD", 10)
    monkeypatch.setenv("FUZZYDICT_THREADS", "3")
    monkeypatch.setattr(threads_module._thread, "start_new_thread", start_new_thread)
    return started


def refuse(function, arguments):
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("work", [0, 1, 19, 20, 35, 1000])
def test_much_work_is_shared(threads, work):
    done = np.zeros(work, int)

    def count(start, end):
        done[start:end] += 1

    run_in_parallel(count, work, 1)
    assert (done == 1).all()
    assert len(threads) == {0: 0, 1: 0, 19: 0, 20: 1, 35: 2, 1000: 2}[work]


def test_where_no_thread_can_be_started_the_work_is_done_all_the_same(threads, monkeypatch):
    done = []
    monkeypatch.setattr(threads_module._thread, "start_new_thread", refuse)
    run_in_parallel(lambda *part: done.append(part), 50, 1)
    assert sorted(done) == [(0, 16), (16, 33), (33, 50)]


@pytest.mark.parametrize("are_threads", [True, False])
@pytest.mark.parametrize("start", [0, 16, 33])
def test_an_error_on_a_thread_is_raised_when_all_are_done(threads, monkeypatch, start, are_threads):
    if not are_threads:
        monkeypatch.setattr(threads_module._thread, "start_new_thread", refuse)
    done = []

    def work(*part):
        if part[0] == start:
            raise ValueError("on a thread")
        done.append(part)

    with pytest.raises(ValueError, match="on a thread"):
        run_in_parallel(work, 50, 1)
    assert len(done) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_are_there_after_a_fork_too(threads):
    def count():
        done = np.zeros(50, int)

        def work(start, end):
            done[start:end] += 1

        run_in_parallel(work, 50, 1)
        return done.all()

    assert count()
    child = os.fork()
    if not child:
        os._exit(0 if count() else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_search_uses_the_cpus_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv("FUZZYDICT_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    for allowed, threads in (({3}, 1), ({0, 5}, 2), (set(range(64)), 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cpus=allowed: cpus, raising=False)
        assert thread_limit() == threads
    monkeypatch.delattr(os, "sched_getaffinity")
    for count, threads in ((64, 4), (2, 2), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert thread_limit() == threads


def test_the_environment_sets_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("FUZZYDICT_THREADS", "9")
    assert thread_limit() == 9
    for wrong in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("FUZZYDICT_THREADS", wrong)
        with pytest.raises(ValueError, match="FUZZYDICT_THREADS must be a positive integer, got"):
            thread_limit()
