"""What the scorer knows about a query and a key, one feature at a time."""

import numpy as np
import pytest

from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.model.networks import MLP, PAIR_FEATURES, TEXT_FEATURES, ScorerNetworks
from fuzzydict.model.vocabulary import WithoutVectors
from fuzzydict.ranking.alignment import align
from fuzzydict.ranking.features import (
    MAX_WORDS,
    TextFeatures,
    coverage,
    pair_features,
    text_features,
)


@pytest.fixture(scope="module")
def vocabulary():
    """Words of which "fast" and "quick" mean the same, "top speed" and "velocity" too."""
    words = ["fast", "quick", "car", "top", "speed", "top speed", "velocity"]
    rows = np.eye(5)[[0, 0, 1, 2, 3, 4, 4]]
    return WordEmbedder(words, rows, counts=[5, 5, 5, 5, 5, 1, 1])


def texts(query, key, vocabulary):
    return (
        TextFeatures.of(query, vocabulary, is_query=True),
        TextFeatures.of(key, vocabulary, is_query=False),
    )


def of_pair(name, query, key, vocabulary):
    """Return a feature of a word of a query and one of a key."""
    one, other = texts((query,), (key,), vocabulary)
    return float(pair_features(one.terms[0], other.terms[0])[PAIR_FEATURES.index(name)])


def likely(features):
    """Return the probability by the letters and the cosine alone."""
    same, cosine = (features[PAIR_FEATURES.index(name)] for name in ("same word", "cosine"))
    return float(max(same, cosine))


def covered(query, key, vocabulary):
    return coverage(*texts(query, key, vocabulary), likely)


def of_texts(
    name, query, key, vocabulary, cosine=0.0, idf=lambda word: 1.0, is_used=lambda word: False
):
    """Return a feature of a query and a key."""
    one, other = texts(query, key, vocabulary)
    features = text_features(one, other, coverage(one, other, likely), cosine, idf, is_used)
    assert features.shape == (len(TEXT_FEATURES),)
    assert np.isfinite(features).all()
    return float(features[TEXT_FEATURES.index(name)])


@pytest.mark.parametrize(
    ("name", "query", "key", "expected"),
    [
        ("cosine", "fast", "quick", 1),
        ("cosine", "fast", "car", 0),
        ("cosine above 0.4", "fast", "quick", 0.6),
        ("same word", "fast", "fast", 1),
        ("same word", "fast", "fasts", 0),
        ("same base", "colours", "colour", 1),
        ("same base", "colours", "color", 0),
        ("same base", "went", "go", 1),
        ("same spelling variant", "colour", "color", 1),
        ("is a number", "7", "7", 1),
        ("is a number", "seven", "7", 0),
        ("difference of lengths", "ab", "abcd", 0.5),
        ("length", "abcd", "abcdefgh", 0.5),
        ("confidence of query", "fast", "car", 1),
        ("weight of key", "fast", "zzzz", 1),
        ("LCS similarity", "abcd", "abxd", 0.75),
        ("abbreviation", "fast", "fast", 1),
        ("abbreviation", "qty", "quick", 0),
    ],
)
def test_features_of_a_pair_of_words(vocabulary, name, query, key, expected):
    assert of_pair(name, query, key, vocabulary) == pytest.approx(expected, abs=1e-6)


def test_people_abbreviate_what_is_long(vocabulary):
    assert of_pair("abbreviation", "qty", "quantity", vocabulary) > 0.8
    assert of_pair("abbreviation", "quick", "qck", vocabulary) > 0.8  # all words are known
    assert of_pair("abbreviation", "quantity", "qty", vocabulary) == 0


@pytest.mark.parametrize(
    ("query", "key", "expected"),
    [
        (("quick", "car"), ("car", "fast"), ([1, 1], [1, 1])),
        (("car",), ("fast", "car"), ([1], [0, 1])),
        (("car", "velocity"), ("top", "speed", "car"), ([1, 1], [1, 1, 1])),
        (("top", "speed"), ("velocity",), ([1, 1], [1])),
        (("hostname",), ("host", "name"), ([1], [1, 1])),
        (("host", "name"), ("hostname",), ([1, 1], [1])),
        (("car",), (), ([0], [])),
        ((), ("car",), ([], [0])),
        ((), (), ([], [])),
    ],
)
def test_each_word_takes_its_best_counterpart(vocabulary, query, key, expected):
    found = covered(query, key, vocabulary)
    assert found.query.tolist() == pytest.approx(expected[0])
    assert found.key.tolist() == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("name", "query", "key", "expected"),
    [
        ("query covered", "car", "fast car", 1),
        ("best word", "car zzz", "car", 1),
        ("worst word of key", "car", "car zzz", 0),
        ("uncovered in key", "car", "car zzz", 0.5),
        ("same letters", "host name", "hostname", 1),
        ("same letters", "car", "cart", 0),
        ("same words", "speed top", "top speed", 1),
        ("same words", "car car", "car", 1),
        ("same words as often", "car car", "car", 0),
        ("same words as often", "speed top", "top speed", 1),
        ("one word in query", "car", "car car", 1),
        ("one word in key", "car", "car car", 0),
        ("more words in query", "car car car car", "car", 1),
        ("more words in key", "car", "car car", 1 / 3),
        ("confidence", "car", "car", 1),
        ("cosine", "car", "car", 0.5),
        ("cosine above 0.4", "car", "car", 0.1),
        ("cosine above 0.7", "car", "car", 0),
        ("length", "car", "fast car", 3 / 8),
    ],
)
def test_features_of_texts(vocabulary, name, query, key, expected):
    query, key = tuple(query.split()), tuple(key.split())
    found = of_texts(name, query, key, vocabulary, cosine=0.5)
    assert found == pytest.approx(expected, abs=1e-6)


def test_contractions_go_both_ways_if_the_words_are_known(vocabulary):
    assert of_texts("contraction", ("tspeed",), ("top", "speed"), vocabulary) > 0
    assert of_texts("contraction", ("top", "speed"), ("tspeed",), vocabulary) > 0
    assert of_texts("contraction", ("top", "sspeed"), ("tspeed",), vocabulary) == 0
    assert of_texts("abbreviation", ("spd",), ("speed",), vocabulary) > 0.8


def test_words_that_tell_keys_apart_count_more(vocabulary):
    def idf(word):
        return 0.1 if word == "car" else 1.0

    found = [
        of_texts("query covered by IDF", ("car", "fast"), (word,), vocabulary, idf=idf)
        for word in ("car", "fast")
    ]
    assert found[0] < 0.2 < 0.8 < found[1]


def test_texts_are_aligned_up_to_so_many_words(vocabulary):
    long, _ = texts(("car",) * 100, ("a",), vocabulary)
    assert len(long.words) == len(long.terms) == MAX_WORDS
    assert of_texts("query covered", ("car",) * 100, ("car",), vocabulary) == pytest.approx(1)
    assert of_texts("length", (), (), vocabulary) == 0


def test_without_vectors_only_the_letters_count(vocabulary):
    plain = WithoutVectors(vocabulary)
    info, whole = plain.look_up(["fast", "quick"]), vocabulary.look_up(["fast", "quick"])
    assert not info.vectors.any()
    assert not info.confidence.any()
    assert info.weights.tolist() == whole.weights.tolist()
    assert plain.phrases(("top", "speed")) == []
    assert of_pair("cosine", "fast", "quick", plain) == 0


def test_a_network_is_a_weighted_sum_of_hyperbolic_tangents():
    network = MLP(np.float32([[1], [2]]), np.float32([0.5]), np.float32([3]), -1.0)
    assert network(np.float32([[1, 1]]))[0] == pytest.approx(3 * np.tanh(3.5) - 1, abs=1e-6)


def test_a_scorer_survives_the_way_to_arrays_and_back():
    scorer = load("default").score
    again = ScorerNetworks.from_arrays(scorer.to_arrays())
    assert again.cutoff == pytest.approx(scorer.cutoff)
    for one, other in ((again.pairs, scorer.pairs), (again.texts, scorer.texts)):
        features = np.random.default_rng(0).random((4, len(one.w1)), np.float32)
        np.testing.assert_array_equal(one(features), other(features))


def test_a_scorer_aligns_words_for_explanations():
    scorer, embedder = load("default").score, load("default")
    pairs = align(("quick", "colour"), ("color", "fast"), scorer, embedder)
    assert "color" in str(pairs[-1])
    assert len(pairs) == 2
