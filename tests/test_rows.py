"""Rows of bytes: what is kept of vectors, and their products."""

import os
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict import rows as rows_module
from fuzzydict.rows import Rows


def vectors(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 9), st.integers(0, 99))
def test_a_product_of_bytes_is_off_by_no_more_than_it_says(n, d, tail, seed):
    rows = Rows.of(vectors(n, d, seed), min(tail, d))
    query = vectors(1, d, seed + 1)[0] * np.float32(10.0 ** (seed % 7 - 3))
    about, error = rows.about(query)
    assert about.shape == (n,)
    assert about.dtype == np.float32
    held = rows.vectors().astype(np.float64)
    off = np.abs(about - held @ query)
    assert (off <= error * np.linalg.norm(held, axis=1) + 1e-9).all()
    assert error <= 0.03 * np.linalg.norm(query) * np.sqrt(d)


def test_a_query_of_zeros_is_near_to_nothing():
    about, error = Rows.of(vectors(5, 3)).about(np.zeros(3, np.float32))
    assert not about.any()
    assert error == 0


def test_products_of_bytes_hold_on_to_nothing():
    rows, query = Rows.of(vectors(50, 5)), vectors(1, 5, 1)[0]
    rows.about(query)
    held = [None, rows.numbers, query]
    before = [sys.getrefcount(each) for each in held]
    for _ in range(500):
        rows.about(query)
    after = [sys.getrefcount(each) for each in held]
    assert all(abs(one - other) < 50 for one, other in zip(before, after, strict=True))


def test_the_longest_vector_is_measured_in_blocks(monkeypatch):
    rows = Rows.of(vectors(50, 4))
    longest = np.linalg.norm(rows.vectors(), axis=1).max()
    assert rows.longest() == pytest.approx(float(longest))
    monkeypatch.setattr(rows_module, "_BLOCK", 7)
    assert rows.longest() == pytest.approx(float(longest))
    assert Rows.empty(0, 4).longest() == 0


@pytest.fixture
def threads(monkeypatch):
    """Have ten rows be worth a thread; return those that are started."""
    started = []

    class Thread(threading.Thread):
        def start(self):
            started.append(self)
            super().start()

    monkeypatch.setattr(rows_module, "_A_THREAD", 10)
    monkeypatch.setattr(rows_module, "_THREADS", 3)
    monkeypatch.setattr(rows_module.threading, "Thread", Thread)
    return started


@pytest.mark.parametrize(("n", "others"), [(0, 0), (19, 0), (20, 1), (35, 2), (1000, 2)])
def test_many_rows_are_multiplied_side_by_side(threads, n, others):
    rows, query = Rows.of(vectors(n, 5), 2), vectors(1, 5, 1)[0]
    about, error = rows.about(query)
    assert len(threads) == 2 * others  # for each of the two parts
    assert not any(thread.is_alive() for thread in threads)
    np.testing.assert_allclose(about, rows.vectors() @ query, atol=error * rows.longest() + 1e-6)


def test_where_no_thread_can_be_had_the_work_is_done_all_the_same(threads, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    rows, query = Rows.of(vectors(50, 5)), vectors(1, 5, 1)[0]
    expected = rows.about(query)
    monkeypatch.setattr(rows_module.threading.Thread, "start", refuse)
    np.testing.assert_array_equal(rows.about(query)[0], expected[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_serve_after_a_fork_too(threads):
    rows, query = Rows.of(vectors(100, 5)), vectors(1, 5, 1)[0]
    expected = rows.about(query)[0]
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(rows.about(query)[0], expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
