"""Every index, against the sorting of every product."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzydict import index as index_module
from fuzzydict.approximate import ApproximateIndex
from fuzzydict.index import AutoIndex, ExactIndex

pytest.importorskip("voyager")
KINDS = [ExactIndex, ApproximateIndex, AutoIndex]
new_index = ExactIndex


@pytest.fixture(params=KINDS, autouse=True)
def _each_kind(request, monkeypatch):
    monkeypatch.setitem(globals(), "new_index", request.param)


def brute_force(keys, rows, queries, n, among=None):
    """Return the n keys of the largest products, the earlier of equal ones first."""
    allowed = [i for i, key in enumerate(keys) if among is None or key in among]
    products = queries @ rows.T
    return [
        [keys[i] for i in sorted(allowed, key=lambda i, q=q: (-products[q, i], i))[:n]]
        for q in range(len(queries))
    ]


def whole(*shape, seed=0, span=3):
    """Return rows of small whole numbers: their products are exact, and many are equal."""
    rows = np.random.default_rng(seed).integers(-span, span + 1, shape)
    return rows.astype(np.float32)


def index_of(keys, rows):
    index = new_index()
    index.add(keys, rows)
    return index


@pytest.mark.parametrize("n", [1, 2, 7, 64, 299, 300, 301, 10**6])
@pytest.mark.parametrize("span", [1, 100])
def test_a_search_is_the_sorting_of_every_product(n, span):
    keys, rows, queries = (
        list(range(300)),
        whole(300, 5, span=span),
        whole(20, 5, seed=1, span=span),
    )
    assert index_of(keys, rows).search(queries, n) == brute_force(keys, rows, queries, n)


@pytest.mark.parametrize("n", [1, 5, 63])
def test_of_equal_products_the_earlier_key_comes_first(n):
    index = index_of(list(range(64)), np.ones((64, 3), np.float32))
    assert index.search(np.ones((2, 3), np.float32), n) == [list(range(n))] * 2
    assert index.search(np.zeros((1, 3), np.float32), n) == [list(range(n))]


@pytest.mark.parametrize("n", [1, 4, 50])
@pytest.mark.parametrize("asked", [1, 3, 4, 9])
def test_blocks_do_not_show(monkeypatch, n, asked):
    monkeypatch.setattr(index_module, "_KEYS_AT_ONCE", 7)
    monkeypatch.setattr(index_module, "_QUERIES_AT_ONCE", 3)
    keys, rows, queries = list(range(50)), whole(50, 4, span=1), whole(asked, 4, seed=1, span=1)
    index = index_of(keys, rows)
    assert index.search(queries, n) == brute_force(keys, rows, queries, n)
    among = set(range(0, 50, 3))
    assert index.search(queries, n, among) == brute_force(keys, rows, queries, n, among)


def test_more_keys_than_fit_one_block_are_searched():
    count = 2 * index_module._KEYS_AT_ONCE + 5
    keys, rows, queries = list(range(count)), whole(count, 3), whole(2, 3, seed=1)
    assert index_of(keys, rows).search(queries, 9) == brute_force(keys, rows, queries, 9)


@pytest.mark.parametrize("among", [[], [3], [9, 3, 3, 0], range(10), iter([1, 2])])
def test_a_search_among_keys_names_no_other(among):
    keys, rows, queries = list(range(10)), whole(10, 4), whole(3, 4, seed=1)
    among = list(among)
    expected = brute_force(keys, rows, queries, 4, among)
    assert index_of(keys, rows).search(queries, 4, iter(among)) == expected


def test_a_search_among_what_is_no_key_is_a_key_error():
    with pytest.raises(KeyError):
        index_of(["a"], whole(1, 2)).search(whole(1, 2), 1, ["b"])


def test_an_empty_index_finds_nothing():
    index = new_index()
    assert len(index) == 0
    assert index.search(whole(2, 3), 5) == [[], []]
    index.add(["a"], whole(1, 3))
    index.remove("a")
    assert index.search(whole(2, 3), 5) == [[], []]
    assert list(index) == []


def test_no_query_has_no_answer():
    assert index_of(["a"], whole(1, 3)).search(np.empty((0, 3), np.float32), 5) == []


def test_a_key_that_was_removed_is_not_found_and_its_row_is_not_kept():
    keys, rows = list("abcde"), np.eye(5, dtype=np.float32)
    index = index_of(keys, rows)
    index.remove("b")
    assert "b" not in index
    assert sorted(index) == list("acde")
    assert index.search(rows[:1], 1) == [["a"]]
    assert index.search(rows[4:], 1) == [["e"]]
    assert "b" not in index.search(rows[1:2], 5)[0]
    np.testing.assert_array_equal(index.rows(["e", "a"]), rows[[4, 0]])
    with pytest.raises(KeyError):
        index.remove("b")
    with pytest.raises(KeyError):
        index.rows(["b"])


def test_a_key_may_come_back_with_another_row():
    index = index_of(["a", "b"], np.eye(2, dtype=np.float32))
    index.remove("a")
    index.add(["a"], np.array([[5, 5]], np.float32))
    assert index.search(np.eye(2, dtype=np.float32), 1) == [["a"], ["a"]]


def test_the_rows_that_were_given_may_be_changed_afterwards():
    rows = np.eye(2, dtype=np.float32)
    index = index_of(["a", "b"], rows)
    rows[:] = 0
    assert index.search(np.eye(2, dtype=np.float32), 1) == [["a"], ["b"]]


def test_adding_one_by_one_moves_the_rows_seldom():
    if new_index is not ExactIndex:
        pytest.skip("the others hold an exact one")
    index, moved, before = ExactIndex(), 0, None
    for i in range(2000):
        index.add([i], whole(1, 4, seed=i))
        moved += index._matrix is not before
        before = index._matrix
    assert moved < 20
    np.testing.assert_array_equal(
        index.rows([0, 1999]), [whole(1, 4)[0], whole(1, 4, seed=1999)[0]]
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_order_of_adding_and_removing_keeps_every_key_with_its_row(data):
    index, held = new_index(), {}
    for step in range(data.draw(st.integers(0, 25))):
        if held and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(held)))
            index.remove(key)
            del held[key]
        else:
            new = [f"{step} {i}" for i in range(data.draw(st.integers(1, 4)))]
            rows = whole(len(new), 3, seed=step)
            index.add(new, rows)
            held.update(zip(new, rows, strict=True))
        assert set(index) == set(held)
        assert len(index) == len(held)
        if held:
            np.testing.assert_array_equal(index.rows(list(held)), list(held.values()))
            order = list(index)
            queries = whole(2, 3, seed=99)
            found = index.search(queries, 3)
            assert found == brute_force(order, index.rows(order), queries, 3)


def test_an_index_says_of_which_kind_it_is_and_how_many_keys_it_holds():
    index = index_of(["a", "b"], whole(2, 3))
    assert "2 keys" in repr(index)
    assert type(index).__name__ in repr(index)
