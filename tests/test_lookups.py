"""Labelled lookups: their candidates, the calibration and the exemptions that they show."""

import numpy as np
import pytest

from fuzzydict.learning import lookups as lookups_module
from fuzzydict.learning.lookups import (
    calibrate,
    find_guard_exemptions,
    find_lifted_guards,
    labelled_lookups,
)
from fuzzydict.model.embedders import load
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.guards import DEFAULT
from fuzzydict.ranking.ranker import Ranker

ARTICLE = ["brand", "model", "color", "battery", "top speed", "horse power", "price"]
PAIRS = [
    ("colour", "color"),
    ("cost", "price"),
    ("make", "brand"),
    ("nothing", None),
    ("speed", "top speed"),
]


class WholeTexts:
    """The default model as an embedder of whole texts."""

    name = "whole texts"

    def encode(self, texts):
        return load("default").encode(texts)


def ranker_of(keys, embedder=None, guards=DEFAULT):
    ranker = Ranker(embedder or load("default"), guards)
    ranker.entries.add(keys)
    return ranker


def test_all_of_a_few_keys_are_candidates_and_the_nearest_of_more():
    steps = []
    for n, candidates in ((256, 256), (257, 64)):
        ranker = ranker_of([f"number {i}" for i in range(n)])
        found = labelled_lookups(ranker, [("number 7", "number 7"), ("x", None)], steps.append)
        assert found.candidates.shape == (2, candidates)
        assert found.right[1] == -1
        assert found.keys[found.right[0]] == "number 7"
        assert found.right[0] in found.candidates[0]
    assert sum(steps) == 4


def test_the_right_key_is_a_candidate_however_unlike_the_query():
    keys = [f"size {i}" for i in range(300)] + ["parliament"]
    found = labelled_lookups(ranker_of(keys), [("size of it", "parliament")])
    assert found.keys[found.right[0]] == "parliament"
    assert found.right[0] in found.candidates[0]


def test_pairs_that_are_ranked_in_batches_are_the_same(monkeypatch):
    ranker = ranker_of(ARTICLE)
    whole = labelled_lookups(ranker, PAIRS)
    monkeypatch.setattr(lookups_module, "_BATCH", 2)
    parts = labelled_lookups(ranker, PAIRS)
    assert parts.queries.words == whole.queries.words
    assert parts.keys == whole.keys
    np.testing.assert_array_equal(parts.candidates, whole.candidates)
    np.testing.assert_array_equal(parts.right, whole.right)
    np.testing.assert_allclose(parts.queries.meanings, whole.queries.meanings, atol=1e-6)
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-4)


def test_only_pairs_that_are_held_out_need_scores():
    found = labelled_lookups(ranker_of(ARTICLE), PAIRS, scored=[1, 3])
    assert found.scored.tolist() == [1, 3]
    assert len(found.candidates) == len(found.logits) == 2
    assert [found.keys[right] for right in found.right if right >= 0] == [
        key for _, key in PAIRS if key
    ]


def test_guards_that_pairs_of_several_keys_contradict_do_not_apply_to_these():
    keys = ["turn off", "start", "close", "room 1"]
    pairs = [("turn on", "turn off"), ("stop", "start"), ("open", "close"), ("room 2", "room 1")]
    guards = ranker_of(keys).guards
    assert find_lifted_guards(guards, pairs) == {key: frozenset({"opposites"}) for key in keys}
    assert find_lifted_guards(guards, pairs[:2]) == {}
    usual = [(f"set {i}", "start") for i in range(400)]
    assert find_lifted_guards(guards, pairs + usual) == {}


def test_vetoed_candidates_have_no_chance():
    found = labelled_lookups(ranker_of(["turn on", "turn left"]), [("turn off", "turn left")])
    place = found.candidates[0].tolist().index(found.keys.index("turn on"))
    assert np.isneginf(found.logits[0, place])


def test_words_that_two_pairs_show_are_exempt_and_no_others():
    pairs = [
        ("put lights on", "turn off"),
        ("lights on", "turn off"),
        ("on", None),
        ("lights", "x"),
    ]
    ranker = ranker_of(["turn off", "x"])
    assert find_guard_exemptions(ranker.guards, pairs) == {"turn off": frozenset({"on"})}
    assert find_guard_exemptions(ranker.guards, pairs[:1]) == {}
    both = ranker_of(["x"], guards=[lambda query, key: len(query) > 1 and key == ("x",)])
    assert find_guard_exemptions(both.guards, [("one two", "x"), ("two one", "x")]) == {
        "x": frozenset({"one", "two"})
    }


KEYS = [
    "color", "car", "price", "season", "physician", "house", "river", "teacher", "music", "bread",
]  # fmt: skip
QUERIES = [
    "hue", "automobile", "cost", "autumn", "doctor", "home", "stream", "professor", "song", "loaf",
    "vehicle", "colour", "fee", "winter", "nurse", "school", "water", "piano", "food",
    "parliament", "justice", "seven", "engine", "paint", "money",
]  # fmt: skip
SCALES = [
    (1, 0),
    (1, -0.15),
    (1, 0.15),
    (0.7, 0),
    (0.7, -0.15),
    (1.4, 0),
    (1.4, -0.15),
    (1.4, 0.15),
]


@pytest.mark.parametrize("scale", [Scale(*each) for each in SCALES])
def test_the_scale_of_an_embedder_is_found_from_its_answers(scale):
    """Answers that were made at a scale are most probable at it."""
    ranker = ranker_of(KEYS, WholeTexts())
    scored = ranker.score(QUERIES, 64, calibration=Calibration(scale=scale))
    pairs = []
    for query, each in zip(QUERIES, scored, strict=True):
        found = ranker.final.apply_guards(each)
        shares = found.probabilities()
        for key, share in zip([*found.keys, None], [*shares, 1 - sum(shares)], strict=True):
            pairs += [(query, key)] * round(10 * share)
    assert calibrate(ranker, pairs).scale == scale


def test_vectors_of_words_have_the_scale_that_the_score_was_fitted_to():
    fitted = calibrate(ranker_of(ARTICLE), [("colour", "color"), ("hue", "color"), ("zzz", None)])
    assert fitted.scale == Scale()


def test_right_answers_make_such_answers_more_probable():
    ranker = ranker_of(KEYS, WholeTexts())
    pairs = [("autumn", "season"), ("hue", "color"), ("automobile", "car"), ("doctor", "physician")]
    (before,) = ranker.score(["cost"])
    (after,) = ranker.score(["cost"], calibration=calibrate(ranker, pairs * 5))
    assert after.logits.max() > before.logits.max()


def test_pairs_that_cannot_be_scored_change_nothing():
    ranker = ranker_of(KEYS)
    assert calibrate(ranker, [("hue", "no such key")]) == Calibration()
    assert calibrate(ranker, [("color", "color")] * 9) == Calibration()  # exact keys
    assert calibrate(ranker, []) == Calibration()
