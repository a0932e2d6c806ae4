"""Each index, against the sorting of every product; the approximate one in the large as well."""

import numpy as np
import pytest
from fuzzydict.index.auto import AutoIndex, make_index
from fuzzydict.index.exact import ExactIndex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict
from fuzzydict.index import approximate
from fuzzydict.index import auto as index_module
from fuzzydict.index import quantized as rows_module
from fuzzydict.index.approximate import ApproximateIndex
from fuzzydict.index.binary_codes import BinaryCodes


def brute_force(keys, rows, queries, n, among=None):
    """Return the n keys of the largest products, the earlier of equal ones first."""
    allowed = [i for i, key in enumerate(keys) if among is None or key in among]
    products = queries @ rows.T
    return [
        [keys[i] for i in sorted(allowed, key=lambda i, q=q: (-products[q, i], i))[:n]]
        for q in range(len(queries))
    ]


def whole(*shape, seed=0, span=3):
    """Return rows of small whole numbers: their products are exact, and many are equal.

    Each begins with 127, the largest number of a byte, and so is kept as it is.
    """
    rows = np.random.default_rng(seed).integers(-span, span + 1, shape)
    rows[:, 0] = 127
    return rows.astype(np.float32)


def filled(index, keys, rows):
    index.add(keys, rows)
    return index


@pytest.fixture(params=["exact", "approximate", "approximate by signs", "auto"])
def new(request, monkeypatch):
    """Return what makes an empty index. Of few rows all are looked at, by signs too."""
    if request.param == "exact":
        return ExactIndex
    if request.param == "auto":
        monkeypatch.setattr(index_module, "_MANY_KEYS", 20)
        return AutoIndex
    if request.param == "approximate by signs":
        monkeypatch.setattr(approximate, "_FEW_KEYS", 0)
        monkeypatch.setattr(approximate, "_PROPOSED", 1)
        monkeypatch.setattr(approximate, "_LEAST", 300)
    return ApproximateIndex


@pytest.mark.parametrize("n", [1, 2, 7, 64, 299, 300, 301, 10**6])
@pytest.mark.parametrize("span", [1, 100])
def test_a_search_is_the_sorting_of_every_product(new, n, span):
    keys, rows, queries = (
        list(range(300)),
        whole(300, 5, span=span),
        whole(20, 5, seed=1, span=span),
    )
    assert filled(new(), keys, rows).search(queries, n) == brute_force(keys, rows, queries, n)


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("tail", [0, 5])
@pytest.mark.parametrize("n", [1, 64])
def test_what_bytes_leave_out_is_none_of_the_best(n, tail):
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(5000, 20)).astype(np.float32) * rng.lognormal(size=(5000, 1))
    index = filled(ExactIndex(tail), list(range(5000)), rows.astype(np.float32))
    held = index.rows(range(5000))
    for query in rng.normal(size=(50, 20)).astype(np.float32):
        products = held @ query
        found = index.search(query[None], n)[0]
        best = np.sort(products)[::-1][:n]
        np.testing.assert_allclose(products[found], best, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 5, 63])
def test_of_equal_products_the_earlier_key_comes_first(new, n):
    index = filled(new(), list(range(64)), np.ones((64, 3), np.float32))
    assert index.search(np.ones((2, 3), np.float32), n) == [list(range(n))] * 2
    assert index.search(np.zeros((1, 3), np.float32), n) == [list(range(n))]


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("n", [1, 4, 50])
@pytest.mark.parametrize("asked", [1, 3, 4, 9])
def test_blocks_do_not_show(monkeypatch, n, asked):
    monkeypatch.setattr(rows_module, "_PRODUCTS_AT_ONCE", 21)
    monkeypatch.setattr(rows_module, "_QUERIES_AT_ONCE", 3)
    keys, rows, queries = list(range(50)), whole(50, 4, span=1), whole(asked, 4, seed=1, span=1)
    index = filled(ExactIndex(), keys, rows)
    assert index.search(queries, n) == brute_force(keys, rows, queries, n)
    among = set(range(0, 50, 3))
    assert index.search(queries, n, among) == brute_force(keys, rows, queries, n, among)


@pytest.mark.usefixtures("each_way")
def test_more_keys_than_fit_one_block_are_searched():
    count = rows_module._PRODUCTS_AT_ONCE + 5
    keys, rows, queries = list(range(count)), whole(count, 3), whole(2, 3, seed=1)
    assert filled(ExactIndex(), keys, rows).search(queries, 9) == brute_force(
        keys, rows, queries, 9
    )


@pytest.mark.parametrize("among", [[], [3], [9, 3, 3, 0], range(10), (1, 2)])
def test_a_search_among_keys_names_no_other(new, among):
    keys, rows, queries = list(range(10)), whole(10, 4), whole(3, 4, seed=1)
    among = list(among)
    expected = brute_force(keys, rows, queries, 4, among)
    assert filled(new(), keys, rows).search(queries, 4, iter(among)) == expected


def test_a_search_among_what_is_no_key_is_a_key_error(new):
    with pytest.raises(KeyError):
        filled(new(), ["a"], whole(1, 2)).search(whole(1, 2), 1, ["b"])


def test_an_empty_index_finds_nothing(new):
    index = new()
    assert len(index) == 0
    assert index.search(whole(2, 3), 5) == [[], []]
    index.add(["a"], whole(1, 3))
    index.remove("a")
    assert index.search(whole(2, 3), 5) == [[], []]
    assert list(index) == []


def test_no_query_has_no_answer(new):
    assert filled(new(), ["a"], whole(1, 3)).search(np.empty((0, 3), np.float32), 5) == []


def test_a_key_that_was_removed_is_not_found_and_its_row_is_not_kept(new):
    keys, rows = list("abcde"), np.eye(5, dtype=np.float32)
    index = filled(new(), keys, rows)
    index.remove("b")
    assert "b" not in index
    assert sorted(index) == list("acde")
    assert index.search(rows[:1], 1) == [["a"]]
    assert index.search(rows[4:], 1) == [["e"]]
    assert "b" not in index.search(rows[1:2], 5)[0]
    np.testing.assert_allclose(index.rows(["e", "a"]), rows[[4, 0]], atol=1e-6)
    np.testing.assert_array_equal(index.kept(["e", "a"]).vectors(), index.rows(["e", "a"]))
    with pytest.raises(KeyError):
        index.remove("b")
    with pytest.raises(KeyError):
        index.rows(["b"])


def test_a_key_may_come_back_with_another_row(new):
    index = filled(new(), ["a", "b"], np.eye(2, dtype=np.float32))
    index.remove("a")
    index.add(["a"], np.array([[5, 5]], np.float32))
    assert index.search(np.eye(2, dtype=np.float32), 1) == [["a"], ["a"]]


def test_the_rows_that_were_given_may_be_changed_afterwards(new):
    rows = np.eye(2, dtype=np.float32)
    index = filled(new(), ["a", "b"], rows)
    rows[:] = 0
    assert index.search(np.eye(2, dtype=np.float32), 1) == [["a"], ["b"]]


def test_adding_one_by_one_moves_the_rows_seldom():
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
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the same for every example
)
@given(data=st.data())
def test_any_order_of_adding_and_removing_keeps_every_key_with_its_row(new, data):
    index, held = new(), {}
    for step in range(data.draw(st.integers(0, 25))):
        if held and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(held)))
            index.remove(key)
            del held[key]
        else:
            fresh = [f"{step} {i}" for i in range(data.draw(st.integers(1, 4)))]
            rows = whole(len(fresh), 3, seed=step)
            index.add(fresh, rows)
            held.update(zip(fresh, rows, strict=True))
        assert set(index) == set(held)
        assert len(index) == len(held)
        if held:
            np.testing.assert_array_equal(index.rows(list(held)), list(held.values()))
            order = list(index)
            queries = whole(2, 3, seed=99)
            found = index.search(queries, 3)
            assert found == brute_force(order, index.rows(order), queries, 3)


# The approximate index in the large: by signs.

COUNT = 4000


def clustered(count, dimension=24, length=1.0, seed=0):
    """Return rows around one centre for each twenty of them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(count // 20, 1), dimension))
    rows = centres[rng.integers(len(centres), size=count)] + 0.4 * rng.normal(
        size=(count, dimension)
    )
    rows *= length / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def beside(rows, count=200, seed=1):
    """Return queries that are near to some of the rows."""
    rng = np.random.default_rng(seed)
    chosen = rows[rng.integers(len(rows), size=count)]
    return (chosen + 0.05 * rng.normal(size=chosen.shape)).astype(np.float32)


def recall(found, right):
    """Return the share of the right keys that were found."""
    shared = [len(set(one) & set(other)) for one, other in zip(found, right, strict=True)]
    return sum(shared) / sum(map(len, right))


@pytest.fixture
def large(monkeypatch, each_way):
    """Return what makes an approximate index that goes by signs already from 1000 keys on."""
    monkeypatch.setattr(approximate, "_FEW_KEYS", 1000)
    monkeypatch.setattr(approximate, "_LEAST", 64)
    return ApproximateIndex


def by_signs(index, rows):
    """Return the index with the rows, and the exact one of the same; the signs are made."""
    keys = list(range(len(rows)))
    exact = filled(ExactIndex(), keys, rows)
    filled(index, keys, rows).search(rows[:1], 1)
    assert index._signs is not None
    return index, exact


@pytest.mark.parametrize("n", [1, 4, 12])
def test_signs_find_nearly_what_the_matrix_finds(large, n):
    rows = clustered(COUNT)
    index, exact = by_signs(large(), rows)
    queries = beside(rows)
    found = index.search(queries, n)
    assert recall(found, exact.search(queries, n)) >= 0.97
    assert found == [index.search(query[None], n)[0] for query in queries]


def test_what_signs_find_is_in_the_exact_order(large):
    rows = clustered(COUNT)
    index, exact = by_signs(large(), rows)
    queries = beside(rows, 20)
    for query, keys in zip(queries, index.search(queries, 12), strict=True):
        assert [keys] == exact.search(query[None], 12, keys)


def test_a_query_that_is_near_to_no_row_is_answered_nearly_as_well(large):
    rows = clustered(COUNT)
    index, exact = by_signs(large(), rows)
    queries = np.random.default_rng(5).normal(size=(200, 24)).astype(np.float32)
    assert recall(index.search(queries, 5), exact.search(queries, 5)) >= 0.97


@pytest.mark.parametrize("dimension", [2, 24, 200])
def test_rows_of_every_length_and_of_any_mean_are_found(large, dimension):
    lengths = np.tile([1.0, 2**0.5, 0.0, 4.0], COUNT // 4)
    rows = (clustered(COUNT, dimension) * lengths[:, None] + 0.5).astype(np.float32)
    index, exact = by_signs(large(), rows)
    queries = beside(rows)
    right = exact.search(queries, 5)
    for query, keys, best in zip(queries, index.search(queries, 5), right, strict=True):
        products = index.rows([*keys, *best]) @ query
        assert products[:5].min() >= products[5:].min() - 0.03 * abs(products).max()
    assert recall([keys[:1] for keys in index.search(queries, 5)], right) * 5 >= 0.95


def test_thousands_of_equal_rows_hide_no_other(large):
    rows = clustered(COUNT)
    rows[::2] = rows[0]
    index, exact = by_signs(large(), rows)
    others = rows[1::20]
    assert index.search(others, 1) == [[key] for key in range(1, COUNT, 20)]
    assert index.search(rows[:1], 12) == exact.search(rows[:1], 12) == [list(range(0, 24, 2))]
    for key in range(0, COUNT, 2):
        index.remove(key)
    assert index.search(rows[:1], 1)[0][0] % 2 == 1


def test_equal_rows_alone_are_found_in_their_order(large):
    index, _ = by_signs(large(), np.ones((COUNT, 8), np.float32))
    assert index.search(np.ones((1, 8), np.float32), 5) == [[0, 1, 2, 3, 4]]


def test_threads_find_by_signs_what_one_finds(large, monkeypatch):
    rows = clustered(COUNT)
    index, _ = by_signs(large(), rows)
    queries = beside(rows, 20)
    expected = index.search(queries, 10)
    monkeypatch.setattr(rows_module, "_A_THREAD", 100)
    monkeypatch.setenv("FUZZYDICT_THREADS", "3")
    assert index.search(queries, 10) == expected


def test_a_query_of_zeros_is_answered_as_the_matrix_answers_it(large):
    rows = clustered(COUNT)
    rows[:500] = 0
    index, exact = by_signs(large(), rows)
    zeros = np.zeros((1, 24), np.float32)
    assert index.search(zeros, 3) == exact.search(zeros, 3) == [[0, 1, 2]]
    queries = beside(rows[500:], 20)
    assert index.search(queries, 2, [3, 600]) == exact.search(queries, 2, [3, 600])
    assert recall(index.search(queries, 5), exact.search(queries, 5)) >= 0.97


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_query_that_is_not_finite_is_left_to_the_matrix(large, bad, monkeypatch):
    index, _ = by_signs(large(), clustered(COUNT))
    monkeypatch.setattr(ExactIndex, "search", lambda self, queries, n, among=None: ["matrix"])
    assert index.search(np.full((1, 24), bad, np.float32), 3) == ["matrix"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_row_that_is_not_finite_is_refused_and_no_other_is_added(large, bad):
    rows = clustered(5)
    rows[3, 7] = bad
    index = large()
    with pytest.raises(ValueError, match="the row of 'd'"):
        index.add(list("abcde"), rows)
    assert len(index) == 0
    assert index.search(rows[:1], 5) == [[]]


def test_few_keys_and_many_asked_are_left_to_the_matrix(large):
    rows = clustered(COUNT)
    index, exact = by_signs(large(), rows)
    queries = beside(rows, 3)
    for n in (250, COUNT - 1, COUNT, 10 * COUNT):
        assert index.search(queries, n) == exact.search(queries, n)


def test_a_search_among_keys_is_exact_however_many_they_are(large):
    rows = clustered(COUNT)
    index, exact = by_signs(large(), rows)
    queries = beside(rows, 20)
    among = range(0, COUNT, 2)
    assert index.search(queries, 10, among) == exact.search(queries, 10, among)


def test_a_removed_key_is_not_found_and_its_row_may_return(large):
    rows = clustered(COUNT)
    index, exact = by_signs(large(), rows)
    signs = index._signs
    for key in range(0, 1000):
        index.remove(key)
        exact.remove(key)
    found = index.search(rows[:1000], 10)
    assert min(map(min, found)) >= 1000
    assert recall(found, exact.search(rows[:1000], 10)) >= 0.97
    index.add(["back"], rows[:1])
    assert index.search(rows[:1], 1) == [["back"]]
    assert index._signs is signs
    with pytest.raises(KeyError):
        index.remove(3)
    for key in list(index)[: len(index) - 900]:
        index.remove(key)
    assert len(index.search(beside(rows), 10)[0]) == 10


def test_directions_are_told_anew_when_there_are_four_times_as_many_keys(large):
    rows = clustered(COUNT // 2)
    index, _ = by_signs(large(), rows)
    signs = index._signs
    others = clustered(2 * COUNT, seed=7)[:, ::-1] * np.float32(3)
    for start in range(0, len(others), 1500):
        keys = list(range(COUNT + start, COUNT + start + 1500))[: len(others) - start]
        index.add(keys, others[start : start + 1500])
        index.search(others[:1], 1)
    assert index._signs is not signs
    right = [[key] for key in range(COUNT, COUNT + len(others), 20)]
    assert recall(index.search(others[::20], 1), right) >= 0.97


def test_an_interrupted_search_is_taken_up_by_the_next(large, monkeypatch):
    put, calls = approximate.BinaryCodes.put, []

    def interrupted(self, start, vectors):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        put(self, start, vectors)

    monkeypatch.setattr(approximate, "_AT_ONCE", 400)
    monkeypatch.setattr(approximate.BinaryCodes, "put", interrupted)
    rows = clustered(COUNT)
    index = filled(large(), list(range(COUNT)), rows)
    with pytest.raises(KeyboardInterrupt):
        index.search(rows[:1], 1)
    right = [[key] for key in range(0, COUNT, 20)]
    assert recall(index.search(rows[::20], 1), right) >= 0.99


@pytest.mark.no_cover
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 1000), steps=st.lists(st.sampled_from("ARDZ"), max_size=8))
def test_any_order_of_adding_and_removing_keeps_signs_near_the_truth(large, seed, steps):
    """A: add new rows; R: remove keys; D: add rows that are there already; Z: rows of zeros."""
    rng = np.random.default_rng(seed)
    rows = clustered(2000, seed=seed)
    index, exact = by_signs(large(), rows)
    for step in steps:
        if step == "R":
            for key in rng.choice(list(exact), len(exact) // 4, replace=False).tolist():
                index.remove(key)
                exact.remove(key)
        else:
            added = clustered(300, seed=int(rng.integers(1 << 30)))
            if step == "D":
                added = rows[rng.integers(len(rows), size=300)]
            elif step == "Z":
                added = np.zeros_like(added)
            first = max(exact) + 1
            keys = list(range(first, first + 300))
            index.add(keys, added)
            exact.add(keys, added)
        queries = beside(rows, 100, seed=seed)
        assert recall(index.search(queries, 5), exact.search(queries, 5)) >= 0.95
    assert list(index) == list(exact)
    assert len(index) == len(exact)
    np.testing.assert_array_equal(index.rows(list(exact)), exact.rows(list(exact)))


# What chooses an index


def test_an_index_says_of_which_kind_it_is_and_how_many_keys_it_holds(new):
    index = filled(new(), ["a", "b"], whole(2, 3))
    assert "2 keys" in repr(index)
    assert type(index).__name__ in repr(index)


def test_auto_goes_over_where_keys_are_many(monkeypatch):
    monkeypatch.setattr(index_module, "_MANY_KEYS", 300)
    index = filled(AutoIndex(), list(range(200)), whole(200, 4))
    assert repr(index) == "<AutoIndex: <ExactIndex: 200 keys>>"
    index.add(list(range(200, 400)), whole(200, 4, seed=1))
    assert repr(index) == "<AutoIndex: <ApproximateIndex: 400 keys>>"
    assert list(index) == list(range(400))


@pytest.mark.usefixtures("each_way")
def test_auto_chooses_by_the_number_of_keys_with_and_without_compiled_loops(monkeypatch):
    monkeypatch.setattr(index_module, "_MANY_KEYS", 3)
    index = filled(AutoIndex(), list("abcd"), whole(4, 2))
    assert repr(index) == "<AutoIndex: <ApproximateIndex: 4 keys>>"


def test_keys_and_rows_of_different_number_are_refused(new):
    index = filled(new(), ["a"], whole(1, 3))
    with pytest.raises(ValueError, match=r"3 keys, vectors of shape \(1, 3\)"):
        index.add(["b", "c", "d"], whole(1, 3))
    assert list(index) == ["a"]


def test_rows_that_are_not_finite_are_no_candidates_of_signs(each_way):
    signs = BinaryCodes(whole(300, 5))
    signs.put(0, whole(300, 5))
    signs.put(7, np.full((1, 5), np.nan, np.float32))
    assert signs.nearest(np.ones(5, np.float32), 299, 300).tolist() == [*range(7), *range(8, 300)]


@pytest.mark.parametrize("kind", ["auto", "exact", "approximate"])
def test_a_dictionary_answers_by_any_index(kind):
    d = FuzzyDict({"color": 1, "top speed": 2}, index=kind)
    assert d["colour"] == 1
    assert "2 keys" in repr(d.index)
    assert type(d.copy().index) is type(d.index)
    assert repr(d) == "{'color': 1, 'top speed': 2}"


def test_an_index_that_cannot_be_made_is_refused_at_once():
    with pytest.raises(ValueError, match="'fast'"):
        FuzzyDict(a=1, index="fast")
    with pytest.raises(ValueError, match="auto"):
        make_index("fast")
