"""The approximate index where it walks its graph, and what chooses an index."""

import sys
import threading

import numpy as np
import pytest
from test_index import brute_force, whole

from fuzzydict import FuzzyDict, approximate
from fuzzydict import index as index_module
from fuzzydict.approximate import ApproximateIndex
from fuzzydict.index import AutoIndex, make_index

pytest.importorskip("voyager")


@pytest.fixture(scope="module")
def clustered():
    """Return rows in 300 clusters, as many as a graph needs, and queries near to some."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(300, 24))
    rows = centres[rng.integers(300, size=4000)] + rng.normal(size=(4000, 24)) / 3
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = rows[::40] + rng.normal(size=(100, 24)) / 15
    return rows.astype(np.float32), queries.astype(np.float32)


@pytest.fixture
def graph(monkeypatch, clustered):
    monkeypatch.setattr(approximate, "_FEW_KEYS", 50)
    index = ApproximateIndex()
    index.add(list(range(4000)), clustered[0])
    return index


def recall(index, queries):
    keys = list(index)
    truth = brute_force(keys, index.rows(keys), queries, 1)
    found = index.search(queries, 1)
    return np.mean([one == other for one, other in zip(truth, found, strict=True)])


def test_a_graph_finds_nearly_all_that_is_nearest(graph, clustered):
    assert recall(graph, clustered[1]) >= 0.98
    assert graph._graph is not None
    best = graph.search(clustered[1][:5], 10)
    for query, keys in zip(clustered[1][:5], best, strict=True):
        products = graph.rows(keys) @ query
        assert sorted(products, reverse=True) == products.tolist()


def test_a_graph_keeps_up_with_what_comes_and_goes(graph, clustered):
    rows, queries = clustered
    graph.search(queries, 1)
    for key in range(0, 4000, 2):
        graph.remove(key)
    assert recall(graph, queries) >= 0.97
    graph.add(list(range(10_000, 11_000)), rows[:2000:2])
    assert recall(graph, queries) >= 0.97
    assert graph._graph._gone <= len(graph._graph._keys) / 3
    assert len(graph) == 3000


def test_equal_rows_hide_no_other(graph, clustered):
    rows, queries = clustered
    graph.add([f"same {i}" for i in range(3000)], np.repeat(rows[:1], 3000, axis=0))
    found = graph.search(rows[:1], 900)[0]
    assert {key for key in found if isinstance(key, str)}
    assert recall(graph, queries[1:]) >= 0.97
    for i in range(3000):
        graph.remove(f"same {i}")
    assert graph.search(rows[:1], 1) == [[0]]


def test_rows_and_queries_of_zeros_are_answered_by_the_matrix(graph, clustered):
    zeros = np.zeros((2, 24), np.float32)
    graph.add(["z1", "z2"], zeros)
    assert graph.search(zeros[:1], 2) == [[0, 1]]
    graph.remove("z1")
    assert "z2" in graph
    assert graph.search(clustered[1][:1], 1, ["z2"]) == [["z2"]]


def test_rows_that_are_no_numbers_are_refused():
    rows = np.ones((2, 3), np.float32)
    rows[1, 1] = np.nan
    index = ApproximateIndex()
    with pytest.raises(ValueError, match="'b'"):
        index.add(["a", "b"], rows)
    assert len(index) == 0


def test_threads_add_while_others_search(graph, clustered):
    failures = []

    def search():
        try:
            for _ in range(20):
                assert len(graph.search(clustered[1][:4], 3)) == 4
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(200):
        graph.add([f"more {i}"], clustered[1][i % 100][None])
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(graph) == 4200


def test_without_its_library_an_approximate_index_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "voyager", None)
    with pytest.raises(ImportError, match="ann"):
        FuzzyDict(a=1, index="approximate")
    monkeypatch.setattr(index_module, "_MANY_KEYS", 3)
    index = AutoIndex()
    index.add(list("abcd"), whole(4, 2))
    assert repr(index) == "<AutoIndex: <ExactIndex: 4 keys>>"


def test_auto_goes_over_where_keys_are_many(monkeypatch, clustered):
    monkeypatch.setattr(index_module, "_MANY_KEYS", 3000)
    monkeypatch.setattr(approximate, "_FEW_KEYS", 50)
    index = AutoIndex()
    index.add(list(range(2000)), clustered[0][:2000])
    assert "Exact" in repr(index)
    index.add(list(range(2000, 4000)), clustered[0][2000:])
    assert repr(index) == "<AutoIndex: <ApproximateIndex: 4000 keys>>"
    assert recall(index, clustered[1]) >= 0.98


@pytest.mark.parametrize("kind", ["auto", "exact", "approximate"])
def test_a_dictionary_answers_by_any_index(kind):
    d = FuzzyDict({"color": 1, "top speed": 2}, index=kind)
    assert d["colour"] == 1
    assert "2 keys" in repr(d.index)
    assert type(d.copy().index) is type(d.index)
    assert repr(d) == "{'color': 1, 'top speed': 2}"


def test_an_unknown_index_is_refused():
    with pytest.raises(ValueError, match="'fast'"):
        FuzzyDict(a=1, index="fast")
    with pytest.raises(ValueError, match="auto"):
        make_index("fast")
