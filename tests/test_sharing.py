"""Copies by pickle embed the keys once in a process, and are dictionaries of their own."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fuzzydict import FuzzyDict

KEYS = ["color", "top speed", "battery", "price"]
asked = []  # texts, by all copies of the embedder


class Letters:
    """Counts letters, and keeps every text that it or a copy of it was asked to embed."""

    def encode(self, texts):
        asked.extend(texts)
        return np.array([[text.count(each) for each in "abcdeoprstuvy"] for text in texts], float)


@pytest.fixture(autouse=True)
def _nothing_before():
    asked.clear()


def made(**options):
    return FuzzyDict(dict.fromkeys(KEYS, 1), embedder=Letters(), cutoff=0.0, **options)


def copies(data, n=3):
    return [pickle.loads(data) for _ in range(n)]


def test_the_keys_are_embedded_by_the_first_copy_alone():
    data = pickle.dumps(made())
    for d in copies(data):
        assert d.match("colour").key == "color"
        d._check()
    assert [asked.count(key) for key in KEYS] == [1, 1, 1, 1]


def test_a_copy_of_a_copy_embeds_nothing():
    first = pickle.loads(pickle.dumps(made()))
    first.get("colour")
    second = pickle.loads(pickle.dumps(first))
    assert second.match("colour") == first.match("colour")
    assert asked.count("color") == 1


def test_a_pickle_is_as_small_as_that_of_a_dict():
    items = {f"key number {i}": i for i in range(10_000)}
    d = FuzzyDict(items)
    before = len(pickle.dumps(d))
    d.get("key nmber 77")
    assert before < len(pickle.dumps(items)) + 1000
    assert len(pickle.dumps(d)) == before


def test_copies_are_written_one_by_one():
    data = pickle.dumps(made())
    one, two = copies(data, 2)
    assert one.match("colour").key == two.match("colour").key == "color"
    del one["color"]
    one["velocity"] = 2
    three = pickle.loads(data)
    for d in (two, three):
        assert d.match("colour").key == "color"
        assert "velocity" not in [match.key for match in d.matches("velocity", 9)]
        d._check()
    assert one.match("colour") is None or one.match("colour").key != "color"
    one._check()


def test_keys_that_came_and_went_before_it_was_pickled_again_are_told():
    d = made()
    pickle.loads(pickle.dumps(d)).get("colour")
    del d["color"]
    d["colors"] = 3
    again = pickle.loads(pickle.dumps(d))
    assert again.match("colour").key == "colors"
    again._check()


def test_what_was_learned_meanwhile_is_known_by_the_next_copy():
    d = made()
    pickle.loads(pickle.dumps(d)).get("colour")
    d.learn("zzz", "price")
    assert pickle.loads(pickle.dumps(d)).match("zzz").key == "price"
    d.learn("yyy", "battery")
    data = pickle.dumps(d)
    for each in copies(data):
        assert [each.match(query).key for query in ("zzz", "yyy")] == ["price", "battery"]
        each._check()
    one, two = copies(data, 2)
    one.learn("xxx", "color")
    assert one.match("xxx").key == "color"
    assert "xxx" not in two.corrections
    two._check()


@pytest.mark.usefixtures("short_fits")
def test_fitted_dictionaries_answer_as_their_copies_do():
    d = FuzzyDict(falcon=1, otter=2)
    d.fit(
        [(text, "falcon") for text in ("refund", "charged twice", "wrong invoice", "my bill")]
        + [(text, "otter") for text in ("app crashes", "login error", "page is white", "a bug")]
    )
    queries = ["invoice", "crash", "falcons", "weather"]
    expected = [d.matches(query, 2, cutoff=0.0) for query in queries]
    for copy in copies(pickle.dumps(d)):
        found = [copy.matches(query, 2, cutoff=0.0) for query in queries]
        assert [[match.key for match in each] for each in found] == [
            [match.key for match in each] for each in expected
        ]
        scores = [match.score for each in found for match in each]
        assert scores == pytest.approx([match.score for each in expected for match in each])


def test_the_vectors_of_one_dictionary_are_retained_and_no_more():
    first, second = pickle.dumps(made()), pickle.dumps(made())
    for _ in range(3):
        pickle.loads(first).get("colour")
    assert asked.count("color") == 1
    pickle.loads(second).get("colour")
    assert asked.count("color") == 2
    pickle.loads(first).get("colour")
    assert asked.count("color") == 3


def test_a_cleared_copy_begins_anew():
    d = pickle.loads(pickle.dumps(made()))
    d.clear()
    d["colors"] = 1
    assert d.match("colour").key == "colors"
    d._check()


def test_copies_may_be_asked_by_many_threads():
    data = pickle.dumps(made())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: pickle.loads(data).match("colour").key, range(40)))
    assert set(found) == {"color"}


def test_what_was_not_pickled_is_shared_with_nobody():
    for _ in range(2):
        assert made().match("colour").key == "color"
    assert asked.count("color") == 2
