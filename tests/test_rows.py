"""Rows of bytes: what is kept of vectors, and the largest of their products."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict.index import quantized as rows_module
from fuzzydict.index.quantized import QuantizedVectors

pytestmark = pytest.mark.usefixtures("each_way")


def vectors(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 9), st.integers(0, 99))
def test_the_nearest_rows_are_those_of_the_largest_products(n, d, tail, seed):
    rows = QuantizedVectors.of(
        vectors(n, d, seed) * np.float32(10.0 ** (seed % 5 - 2)), min(tail, d)
    )
    queries = vectors(1 + seed % 3, d, seed + 1) * np.float32(10.0 ** (seed % 7 - 3))
    found = rows.nearest(queries, 5)
    assert found.shape == (len(queries), min(n, 5))
    assert found.dtype == np.intp
    products = queries @ rows.vectors().T
    best = -np.sort(-products, axis=1)[:, :5]
    np.testing.assert_allclose(np.take_along_axis(products, found, 1), best, rtol=1e-4, atol=1e-6)


def test_no_rows_are_asked_for():
    assert QuantizedVectors.of(vectors(5, 3)).nearest(vectors(2, 3), 0).shape == (2, 0)
    assert QuantizedVectors.of(vectors(5, 3)).nearest(vectors(0, 3), 2).shape == (0, 2)


@pytest.mark.parametrize("asked", [1, 2, 70])
def test_a_query_of_zeros_is_as_near_to_one_as_to_another(asked):
    found = QuantizedVectors.of(vectors(50, 3)).nearest(np.zeros((asked, 3), np.float32), 4)
    assert found.tolist() == [[0, 1, 2, 3]] * asked


def test_a_part_of_the_rows_that_are_kept_is_searched_as_it_lies():
    rows = QuantizedVectors.of(vectors(90, 8), 3)
    query = vectors(1, 8, 1)
    for part in (rows.take(slice(10, 80)), rows.take(np.arange(0, 90, 7)), rows.plain()):
        asked = query[:, : part.numbers.shape[1]]
        expected = np.argsort(-(part.vectors() @ asked[0]), kind="stable")[:6]
        np.testing.assert_array_equal(part.nearest(asked, 6)[0], expected)


def test_rows_may_be_wider_than_the_compiled_loop_takes():
    rows, queries = QuantizedVectors.of(vectors(80, 1000)), vectors(2, 1000, 1)
    expected = np.argsort(-(queries @ rows.vectors().T), axis=1, kind="stable")[:, :3]
    np.testing.assert_array_equal(rows.nearest(queries, 3), expected)


@pytest.fixture
def threads(monkeypatch):
    """Have ten rows be worth a thread; return those that are started."""
    started, start = [], rows_module._thread.start_new_thread

    def start_new_thread(function, arguments):
        started.append(function)
        return start(function, arguments)

    monkeypatch.setattr(rows_module, "_A_THREAD", 10)
    monkeypatch.setenv("FUZZYDICT_THREADS", "3")
    monkeypatch.setattr(rows_module._thread, "start_new_thread", start_new_thread)
    return started


def refuse(function, arguments):
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("work", [0, 1, 19, 20, 35, 1000])
def test_much_work_is_done_side_by_side(threads, work):
    done = np.zeros(work, int)

    def count(start, end):
        done[start:end] += 1

    rows_module.run_in_parallel(count, work, 1)
    assert (done == 1).all()
    assert len(threads) == {0: 0, 1: 0, 19: 0, 20: 1, 35: 2, 1000: 2}[work]


@pytest.mark.parametrize("asked", [1, 9])
def test_threads_find_what_one_finds(threads, asked):
    rows, queries = QuantizedVectors.of(vectors(100, 5), 2), vectors(asked, 5, 1)
    expected = np.argsort(-(queries @ rows.vectors().T), axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(rows.nearest(queries, 7), expected)


def test_where_no_thread_can_be_had_the_work_is_done_all_the_same(threads, monkeypatch):
    done = []
    monkeypatch.setattr(rows_module._thread, "start_new_thread", refuse)
    rows_module.run_in_parallel(lambda *part: done.append(part), 50, 1)
    assert sorted(done) == [(0, 16), (16, 33), (33, 50)]


@pytest.mark.parametrize("are_threads", [True, False])
@pytest.mark.parametrize("start", [0, 16, 33])
def test_what_fails_on_a_thread_is_told_when_all_are_done(threads, monkeypatch, start, are_threads):
    if not are_threads:
        monkeypatch.setattr(rows_module._thread, "start_new_thread", refuse)
    done = []

    def work(*part):
        if part[0] == start:
            raise ValueError("on a thread")
        done.append(part)

    with pytest.raises(ValueError, match="on a thread"):
        rows_module.run_in_parallel(work, 50, 1)
    assert len(done) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_serve_after_a_fork_too(threads):
    rows, query = QuantizedVectors.of(vectors(100, 5)), vectors(1, 5, 1)
    expected = rows.nearest(query, 3)
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(rows.nearest(query, 3), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_rows_that_are_not_finite_are_refused():
    rows = QuantizedVectors.of(vectors(3, 4))
    rows.scales[:] = np.nan
    for asked in (1, 2):
        with pytest.raises(ValueError, match="not finite"):
            rows.nearest(vectors(asked, 4), 2)


def test_a_search_uses_the_cpus_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv("FUZZYDICT_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    for allowed, threads in (({3}, 1), ({0, 5}, 2), (set(range(64)), 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cpus=allowed: cpus, raising=False)
        assert rows_module.thread_limit() == threads
    monkeypatch.delattr(os, "sched_getaffinity")
    for count, threads in ((64, 4), (2, 2), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert rows_module.thread_limit() == threads


def test_the_environment_sets_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("FUZZYDICT_THREADS", "9")
    assert rows_module.thread_limit() == 9
    for wrong in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("FUZZYDICT_THREADS", wrong)
        with pytest.raises(ValueError, match="FUZZYDICT_THREADS must be a positive integer, got"):
            rows_module.thread_limit()
