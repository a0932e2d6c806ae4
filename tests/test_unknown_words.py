"""Words outside of the vocabulary."""

import numpy as np
import pytest
from conftest import started_together

from fuzzydict.model import unknown_words
from fuzzydict.model.loading import load
from fuzzydict.model.unknown_words import NgramIndex, UnknownWords
from fuzzydict.model.word_embedder import WordEmbedder


@pytest.fixture
def table():
    return WordEmbedder(
        ["red", "colour", "top", "speed", "top speed", "the"],
        [[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, 1], [0, 0.6, 0.8], [0.8, 0, 0.6]],
        counts=[10, 10, 10, 10, 5, 5000],
    ).table


@pytest.fixture
def unknown(table):
    return UnknownWords(table, None, "tiny")


@pytest.mark.parametrize(
    ("word", "related", "confidence"),
    [("colours", "colour", 0.9), ("reds", "red", 0.9), ("topps", "top", 0.9)],
)
def test_an_inflected_word_is_placed_by_its_base_form(table, unknown, word, related, confidence):
    for guess in (True, False):
        found = unknown.features(word, guess=guess)
        known = table.features(table.rows[related], related)
        np.testing.assert_array_equal(found.vector, known.vector)
        assert found[2:] == (known.weight, confidence, known.density)
        assert found.text == word


def test_a_mistyped_word_is_placed_by_similar_spellings(table, unknown):
    found = unknown.features("colourr", guess=True)
    np.testing.assert_allclose(found.vector, table.vector(table.rows["colour"]), atol=1e-6)
    assert 0.3 < found.confidence < 0.5
    assert found.weight == 1
    assert list(unknown.similar("colourr")) == ["colour"]


@pytest.mark.parametrize(("word", "guess"), [("colourr", False), ("1234", True), ("qqqq", True)])
def test_other_words_have_no_place(unknown, word, guess):
    found = unknown.features(word, guess=guess)
    assert not found.vector.any()
    assert found[2:] == (1.0, 0.0, 0.5)


def test_two_words_written_as_one_are_placed_between_them(table, unknown):
    found = unknown.features("topspeed", guess=False)
    assert unknown.split("topspeed") == ("top", "speed")
    assert found.confidence == 0.7
    for word in ("top", "speed"):
        assert found.vector @ table.vector(table.rows[word]) > 0.5
    assert unknown.split("qqqqqq") is None


@pytest.mark.parametrize(("counts", "parts"), [([9, 9, 1, 1], 3), ([1, 1, 9, 9], 4)])
def test_a_word_is_split_into_the_most_frequent_two(counts, parts):
    table = WordEmbedder(["sea", "tear", "seat", "ear"], np.eye(4), counts=counts).table
    found = UnknownWords(table, None, "sea").split("seatear")
    assert found == ("seatear"[:parts], "seatear"[parts:])


def test_the_cache_of_features_is_bounded(unknown, monkeypatch):
    monkeypatch.setattr(unknown_words, "_CACHE_SIZE", 20)
    first = unknown.features("q0z", guess=True)
    assert unknown.features("q0z", guess=True) is first
    for i in range(50):
        unknown.features(f"q{i}z", guess=True)
        assert len(unknown._placed) <= 20


def test_threads_make_the_index_of_spellings_once(unknown, monkeypatch):
    made = []
    make = NgramIndex.__init__

    def counted(self, words):
        made.append(words)
        make(self, words)

    monkeypatch.setattr(NgramIndex, "__init__", counted)
    words = iter(["colourr", "spedd", "coluor", "topp"])
    found = started_together(lambda: unknown.features(next(words), guess=True))
    assert all(np.any(each.vector) for each in found)
    assert made == [["red", "colour", "top", "speed", "the"]]


def test_marks_among_the_words_do_not_shift_their_neighbours():
    words = ["^", "colour", "$", "^$^", "", "speed"]
    index = NgramIndex(words)
    assert index.search("colou", 1) == ["colour"]
    assert index.search("spead", 1) == ["speed"]
    assert index.search("", 1) == []


def test_the_default_places_words_that_it_never_saw():
    default = load("default")
    for unknown, known in (("colourr", "colour"), ("velocitty", "velocity")):
        assert unknown not in default
        assert default.look_up(unknown).vector @ default.look_up(known).vector > 0.5
