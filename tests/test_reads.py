"""Reads of one query agree, whatever the method, the number of keys and the time of the cutoff."""

import gc
import pickle
import random
import sys
import threading
import weakref

import numpy as np
import pytest
from conftest import check_that_reads_agree, count_letters
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict, Match, NoMatchError, key_sync, primitives, ranked_dict
from fuzzydict import base as reads
from fuzzydict.ranking.guards import numbers_differ
from fuzzydict.storage.arrays import write_arrays

WORDS = [
    "order", "shipping", "billing", "customer", "battery", "engine", "color", "price", "speed",
    "number", "date", "address", "total", "cost", "weight", "size", "city", "name", "tax", "rate",
]  # fmt: skip


def crowd(size, seed=0):
    """Return so many keys of two to four words."""
    rng = random.Random(seed)
    keys = {}
    while len(keys) < size:
        keys[" ".join(rng.choices(WORDS, k=rng.randint(2, 4)))] = len(keys)
    return keys


# One ranking for every read.


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    keys=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), min_size=1, max_size=60
    ),
    query=st.lists(st.sampled_from([*WORDS, "colour", "7"]), min_size=1, max_size=3),
    n=st.integers(1, 100),
    cutoff=st.sampled_from([None, 0.0, 0.2, 1.0]),
    embedder=st.sampled_from(["default", count_letters]),
)
def test_reads_of_few_keys_agree(keys, query, n, cutoff, embedder):
    items = {" ".join(key): i for i, key in enumerate(keys)}
    d = FuzzyDict(items, cutoff=cutoff, embedder=embedder)
    if cutoff != 1.0:
        check_that_reads_agree(d, " ".join(query), [n])


@pytest.mark.parametrize("size", [16, 17, 64, 65, 200, 5000])
def test_reads_of_many_keys_agree(size):
    d = FuzzyDict(crowd(size), guards=())
    for query in ["custmer adress", "totl cost of shiping"]:
        check_that_reads_agree(d, query)
        assert len(d.matches(query, 80, cutoff=0.0)) == min(size, 80)


@pytest.mark.parametrize("index", ["exact", "approximate"])
def test_reads_agree_where_guards_forbid_most_keys(index):
    items = {f"{words} {i % 9}": i for i, words in enumerate(crowd(200))}
    d = FuzzyDict(items, index=index, guards=[numbers_differ])
    for query in ["custmer adress 7", "shiping cost 3", "order 77"]:
        check_that_reads_agree(d, query)
    assert all(match.key.endswith("7") for match in d.matches("custmer adress 7", 20, cutoff=0.0))


def test_a_batch_decides_as_a_single_lookup_where_the_embedder_rounds_otherwise():
    def rounding(texts):
        return count_letters(texts) + (1e-6 if len(texts) > 1 else 0.0) + 0.1

    d = FuzzyDict(crowd(40), embedder=rounding)
    queries = ["custmer adress", "totl cost", "shiping color"]
    for query in queries:
        best = d.match(query, cutoff=0.0)
        for cutoff in (best.score, best.score + 1e-9):
            found = d.match_many(queries, cutoff=cutoff)[queries.index(query)]
            assert (found is None) is (d.match(query, cutoff=cutoff) is None)


def test_rounding_may_decide_at_the_cutoff_and_between_equal_keys():
    assert reads._is_unclear([("a", 0.5)], 0.5 + 1e-6)
    assert reads._is_unclear([("a", 0.4), ("b", 0.4 - 1e-6)], 0.1)
    assert not reads._is_unclear([("a", 0.4), ("b", 0.4 - 1e-6)], 0.5)
    assert not reads._is_unclear([("a", 0.6), ("b", 0.3)], 0.5)


# The cutoff may change at any time.


def test_a_cutoff_that_changes_during_a_read_leaves_no_wrong_answer_behind():
    """The cutoff changes at each line of a read in turn; later reads must agree with it."""
    d, query = FuzzyDict({"color": "red", "horse power": 5, "top speed": 3}), "engine"
    assert d.match(query, cutoff=0.1)
    assert not d.match(query, cutoff=0.999)
    files = {module.__file__ for module in (key_sync, primitives, ranked_dict, reads)}

    def read(at):
        """Read while the cutoff changes at a line; return whether there is such a line."""
        lines = 0

        def trace(frame, event, argument):
            nonlocal lines
            if frame.f_code.co_filename not in files or "cutoff" in frame.f_code.co_name:
                return None
            if event == "line":
                lines += 1
                if lines == at:
                    d.cutoff = 0.1
            return trace

        sys.settrace(trace)
        try:
            d.get(query)
        finally:
            sys.settrace(None)
        return lines >= at

    def run():
        at = 1
        while True:
            d.cutoff = 0.999
            d["new"] = at  # so that nothing is cached
            if not read(at):
                break
            found.append((d.get(query), d.match(query), query in d))
            at += 1

    found = []
    thread = threading.Thread(target=run)  # which has no tracer of its own
    thread.start()
    thread.join()
    assert len(found) > 10
    assert {(value is None, match is None, there) for value, match, there in found} == {
        (False, False, True)
    }


def test_the_cutoff_waits_for_a_read_that_uses_it_twice():
    asked, go_on = threading.Event(), threading.Event()

    def slow(texts):
        asked.set()
        assert go_on.wait(30)
        return count_letters(texts) + 0.1

    d = FuzzyDict({"color": 1}, embedder=slow, cutoff=0.5)
    explanations = []
    reader = threading.Thread(target=lambda: explanations.append(d.explain("colour")))
    reader.start()
    assert asked.wait(30)
    setter = threading.Thread(target=setattr, args=(d, "cutoff", 0.999))
    setter.start()
    assert d.cutoff == 0.5
    go_on.set()
    reader.join()
    setter.join()
    assert explanations[0].cutoff == 0.5
    assert d.cutoff == 0.999


def test_a_search_that_teaches_leaves_no_answer_of_before():
    lessons = []

    def teaching(query, key):
        if lessons:
            d.learn(*lessons.pop())
        return False

    d = FuzzyDict({"color": "red", "price": 5}, guards=[teaching])
    assert d["colour"] == "red"
    lessons.append(("colours", "price"))
    d.get("colours")
    assert lessons == []
    assert d["colours"] == d.match("colours").value == 5


# Misses, and what is cached.


def test_repeated_matches_and_misses_are_cached(counting):
    d = FuzzyDict({"color": "red", "price": 5}, embedder=counting, cutoff=0.9999)
    for _ in range(3):
        assert d.match("colr") is None
        assert d.match("colr", cutoff=0.0).key == "color"
        assert "colr" not in d
        with pytest.raises(NoMatchError, match="closest: 'color'"):
            d["colr"]
    assert counting.texts.count("colr") == 1
    d.cutoff = 0.0
    assert d["colr"] == "red"
    assert counting.texts.count("colr") == 1
    for change in (
        lambda: d.update(parliament=1),
        lambda: d.pop("parliament"),
        lambda: d.learn("cost", "price"),
    ):
        before = counting.texts.count("colr")
        change()
        assert d.match("colr").key == "color"
        assert counting.texts.count("colr") == before + 1


def test_an_error_has_what_was_closest_at_the_time_of_the_lookup():
    d = FuzzyDict({"color": "red", "price": 5}, cutoff=0.9999)
    expected = tuple(d.matches("colr", 3, cutoff=0.0))
    with pytest.raises(NoMatchError) as caught:
        d["colr"]
    d["color"] = "blue"
    del d["price"]
    again = pickle.loads(pickle.dumps(caught.value))
    assert caught.value.matches == again.matches == expected
    assert str(caught.value) == str(again)


def test_an_error_does_not_keep_the_dictionary_alive():
    d = FuzzyDict({"color": "red"}, cutoff=0.9999)
    try:
        d["colr"]
    except NoMatchError as error:
        kept = error.with_traceback(None)
    reference = weakref.ref(d)
    del d
    gc.collect()
    assert reference() is None
    assert kept.matches[0][:2] == ("color", "red")


def test_an_error_takes_matches_of_any_iterable():
    match = Match("color", "red", 0.5)
    error = NoMatchError("hue", iter([match]))
    assert error.matches == error.matches == (match,)


# Properties.


def test_properties_do_no_work_that_grows_with_the_keys(counting):
    d = FuzzyDict(crowd(50), embedder=counting)
    assert d.cutoff == FuzzyDict().cutoff
    assert d.embedder is d.embedder
    assert d.index == "exact"
    assert counting.texts == []
    d.get("custmer adress")
    d["new"] = 1
    before = len(counting.texts)
    assert (d.cutoff, d.index) == (FuzzyDict().cutoff, "exact")
    assert len(counting.texts) == before


def test_a_model_in_a_file_is_loaded_once(tmp_path):
    path = tmp_path / "tiny.safetensors"
    arrays = {
        "words": np.frombuffer(b"color\nprice", np.uint8),
        "vectors": np.array([[127, 0], [0, 127]], np.int8),
        "scale": np.full(2, 1 / 127, np.float32),
        "counts": np.array([5, 3], np.int64),
    }
    write_arrays(path, arrays, {"name": "tiny"})
    d = FuzzyDict({"color": 1}, embedder=str(path))
    embedder = d.embedder
    assert d["colors"] == 1
    assert d.embedder is embedder
