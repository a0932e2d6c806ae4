"""The score: what is known of a query and a key, and the networks that judge it."""

import numpy as np
import pytest

from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.ranking import scorer as scoring
from fuzzydict.ranking.ranker import DocumentFrequencies, Ranker
from fuzzydict.ranking.scorer import (
    MLP,
    PHRASE_FEATURES,
    WORD_FEATURES,
    Scorer,
    ScoringRequest,
    WithoutVectors,
    every_pair,
    phrase_features,
    word_features,
)

pytestmark = pytest.mark.usefixtures("each_way")


@pytest.fixture(scope="module")
def vocabulary():
    """Words of which "fast" and "quick" mean the same, "top speed" and "velocity" too."""
    words = ["fast", "quick", "car", "top", "speed", "top speed", "velocity"]
    rows = np.eye(5)[[0, 0, 1, 2, 3, 4, 4]]
    return WordEmbedder(words, rows, counts=[5, 5, 5, 5, 5, 1, 1])


def feature(name, queries, keys, vocabulary):
    """Return a feature of each query with each key."""
    pairs = every_pair(len(queries), len(keys))
    features, _, _ = word_features(queries, keys, pairs, vocabulary)
    return features[:, WORD_FEATURES.index(name)].reshape(len(queries), len(keys)).tolist()


SURE = MLP(  # judges by the cosine and the letters alone
    np.eye(len(WORD_FEATURES), dtype=np.float32)[:, [3, 6]] * 8,
    np.full(2, -4, np.float32),
    np.full(2, 8, np.float32),
    8.0,
)


def covered(query, key, meaning, usage=None):
    cosines = np.zeros(1, np.float32)
    questions = [ScoringRequest(query, [key], cosines)]
    return phrase_features(questions, SURE, meaning, usage or DocumentFrequencies([key]))[0, :2]


def test_a_network_is_a_weighted_sum_of_hyperbolic_tangents():
    network = MLP(np.float32([[1], [2]]), np.float32([0.5]), np.float32([3]), -1.0)
    assert network(np.float32([[1, 1]]))[0] == pytest.approx(3 * np.tanh(3.5) - 1, abs=1e-6)


def test_words_that_mean_the_same_have_a_cosine_of_one(vocabulary):
    assert feature("cosine", ["fast"], ["quick", "car"], vocabulary) == [[1, 0]]


def test_only_the_pairs_that_are_asked_for_are_looked_at(vocabulary):
    queries, keys = ["fast", "car"], ["quick", "car"]
    all_pairs, some = every_pair(2, 2), (np.array([1, 0]), np.array([1, 0]))
    features, asked, held = word_features(queries, keys, some, vocabulary)
    assert features.shape == (2, len(WORD_FEATURES))
    assert np.array_equal(features, word_features(queries, keys, all_pairs, vocabulary)[0][[3, 0]])
    assert len(asked.rarity) == len(held.rarity) == 2


def test_a_word_is_the_same_in_any_inflection_and_spelling(vocabulary):
    keys = ["color", "colour", "table"]
    assert feature("same base", ["colours"], keys, vocabulary) == [[0, 1, 0]]
    assert feature("same variant", ["colour"], ["color"], vocabulary) == [[1]]
    assert feature("same base", ["went"], ["go"], vocabulary) == [[1]]


def test_numbers_are_marked(vocabulary):
    assert feature("number", ["7", "seven"], ["7"], vocabulary) == [[1], [0]]


def test_questions_that_are_judged_together_are_judged_as_they_are_alone(vocabulary):
    score = Scorer.of(load("default").networks)
    keys = [
        ("top", "speed"),
        ("car",),
        ("quick", "quick"),
        (),
        ("host", "name"),
        ("velocity",) * 30,
    ]
    texts = [("velocity",), ("hostname",), ("top", "speed", "car"), ("fst",), ("car",) * 30]
    rng = np.random.default_rng(0)
    questions = [
        ScoringRequest(text, keys[i : i + 4], rng.random(len(keys[i : i + 4]), np.float32))
        for i, text in enumerate([*texts, *texts[::-1]])
    ]
    usage = DocumentFrequencies(keys)
    together = score.logits(questions, vocabulary, usage)
    assert [len(logits) for logits in together] == [len(each.keys) for each in questions]
    for question, logits in zip(questions, together, strict=True):
        (alone,) = score.logits([question], vocabulary, usage)
        assert logits == pytest.approx(alone, abs=1e-4)


def test_more_than_a_table_holds_is_judged_in_pieces(vocabulary, monkeypatch):
    score = Scorer.of(load("default").networks)
    keys = [("top", "speed"), ("car",), ("velocity",)]
    usage = DocumentFrequencies(keys)
    questions = [ScoringRequest(("speed",), keys, np.zeros(3, np.float32))] * 5
    whole = score.logits(questions, vocabulary, usage)
    monkeypatch.setattr(scoring, "_AT_ONCE", 2)
    monkeypatch.setattr(scoring, "_TOGETHER", 4)
    for ours, theirs in zip(score.logits(questions, vocabulary, usage), whole, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_each_word_stands_for_its_best_counterpart(vocabulary):
    assert covered(("quick", "car"), ("car", "fast"), vocabulary) == pytest.approx([1, 1], abs=0.01)
    query, key = covered(("car",), ("fast", "car"), vocabulary)
    assert query == pytest.approx(1, abs=0.01)
    assert 0.1 < key < 0.9


def test_a_phrase_of_the_vocabulary_stands_for_a_word(vocabulary):
    both = covered(("car", "velocity"), ("top", "speed", "car"), vocabulary)
    assert both == pytest.approx([1, 1], abs=0.01)


def test_two_words_that_are_written_as_one_are_the_same(vocabulary):
    assert covered(("hostname",), ("host", "name"), vocabulary) == pytest.approx([1, 1], abs=0.01)
    assert covered(("host", "name"), ("hostname",), vocabulary) == pytest.approx([1, 1], abs=0.01)


def test_without_vectors_only_the_letters_speak(vocabulary):
    info = WithoutVectors(vocabulary).look_up(["fast", "quick"])
    assert not info.vectors.any()
    assert not info.trust.any()
    assert info.rarity.tolist() == vocabulary.look_up(["fast", "quick"]).rarity.tolist()
    assert WithoutVectors(vocabulary).phrases(("top", "speed")) == []


def test_every_pair_has_as_many_features_as_there_are_names(vocabulary):
    keys = [("car",), ("top", "speed"), ("a",) * 100]
    question = ScoringRequest(("car",) * 100, keys, np.zeros(3, np.float32))
    features = phrase_features([question], SURE, vocabulary, DocumentFrequencies(keys))
    assert features.shape == (3, len(PHRASE_FEATURES))
    assert np.isfinite(features).all()


def test_a_word_that_all_keys_share_tells_nothing_apart():
    usage = DocumentFrequencies([("order", "date"), ("order", "id"), ("order", "total")])
    order, date, new = usage(["order", "date", "new"])
    assert order < date == new == 1
    usage.remove(("order", "id"))
    usage.remove(("order", "total"))
    assert usage(["order"])[0] == 1


def test_an_embedder_with_no_score_is_judged_by_the_default_one(vocabulary):
    matcher = Ranker(vocabulary)
    matcher.add(["fast", "car"])
    assert matcher.cutoff == load("default").networks.cutoff
    assert matcher.rank("quick", 1)[0][0] == "fast"
