"""Projections that are fitted to labelled lookups, on arrays."""

import itertools

import numpy as np
import pytest

from fuzzydict.learning import fit as fitting
from fuzzydict.learning.fit import fit, to_score
from fuzzydict.learning.lookups import Lookups
from fuzzydict.ranking.projection import Projection, Texts

KEYS = ["falcon", "otter", "maple"]
TOPICS = [["money", "bill"], ["crash", "screen"], ["parcel", "late"]]
FILLERS = ["the", "my", "please", "again", "now", "is", "what", "so"]


def lookups(n=60, none=6, seed=0, flip=0.0, scored=None):
    """Return lookups of three keys by topics that their names say nothing of, and of none."""
    rng = np.random.default_rng(seed)
    words, right = [], []
    for i in range(n):
        key = i % 3
        words.append((rng.choice(FILLERS), rng.choice(TOPICS[key]), rng.choice(FILLERS)))
        right.append(rng.integers(3) if rng.random() < flip else key)
    for _ in range(none):
        words.append(tuple(rng.choice(FILLERS, 3)))
        right.append(-1)
    meanings = rng.normal(size=(len(words), 4)).astype(np.float32) / 4
    logits = rng.normal(-2, 1, (len(words), 3)).astype(np.float32)
    places = range(len(words)) if scored is None else scored
    return Lookups.of(
        [
            (f"{' '.join(each)} {i}", [*KEYS, None][key])
            for i, (each, key) in enumerate(zip(words, right, strict=True))
        ],
        Texts(words, meanings),
        KEYS,
        np.eye(3, 4, dtype=np.float32),
        places,
        [(KEYS, logits[place]) for place in places],
    )


def logits_of(fitted, some):
    queries = fitted.queries(some.queries)
    products = queries @ fitted.keys(some.keys, some.meanings).T
    return np.array(
        [fitted.logits(KEYS, *each) for each in zip(some.logits, products, queries, strict=True)]
    )


@pytest.fixture(scope="module")
def learned():
    return fit(lookups())


def test_what_pairs_show_is_learned(learned):
    fitted, report = learned
    assert isinstance(fitted, Projection)
    assert report.fitted
    assert report.pairs == report.held_out == 66
    assert report.after.loss < report.before.loss / 2
    assert report.after.accuracy > 0.8 > report.before.accuracy
    fresh = lookups(seed=1)
    right = logits_of(fitted, fresh).argmax(axis=1) == fresh.right
    assert right[:60].mean() > 0.75


def test_one_example_of_each_key_is_enough():
    fitted, report = fit(lookups(3, 0, seed=3), seed=1)
    assert report.held_out == 3
    assert fitted is None or set(fitted.examples) == set(KEYS)


def test_of_many_pairs_some_are_held_out_once():
    some = to_score(1700, None, 0)
    assert len(some) == len(set(some)) == 170
    assert len(to_score(50_000, None, 0)) == 1000
    assert list(to_score(20, None, 0)) == list(range(20))
    steps = itertools.count()
    _, report = fit(lookups(1660, 40, scored=some), step=lambda _: next(steps))
    assert report.pairs == 1700
    assert report.held_out == 170
    assert report.after.accuracy > 0.9


@pytest.mark.usefixtures("short_fits")
def test_the_seed_determines_the_result():
    one, same, other = (fit(lookups(30, 4), seed=seed)[0] for seed in (0, 0, 1))
    for name in ("grams", "weights", "query", "key", "null", "slopes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.query, other.query)


def test_what_is_right_already_does_not_change():
    some = lookups(12, 0)
    some.logits[...] = -30
    some.logits[np.arange(12), some.right] = 30
    fitted, report = fit(some)
    assert fitted is None
    assert not report.fitted
    assert report.before[:2] == report.after[:2] == pytest.approx((0, 1), abs=1e-6)
    assert "nothing changed" in str(report)


def test_what_cannot_be_learned_changes_nothing():
    fitted, report = fit(lookups(90, 0, flip=1.0))
    assert fitted is None or report.after.loss < report.before.loss


def test_validation_is_measured_and_not_learned_from():
    some = lookups(24, 4, scored=range(10, 20))
    fitted, report = fit(some, validation=range(10, 20))
    assert report.held_out == 10
    assert report.pairs == 28
    taught = {text for examples in fitted.examples.values() for text in examples}
    assert taught.isdisjoint(some.texts[10:20])
    assert taught
    alone, _ = fit(lookups(24, 4, scored=range(28)), validation=range(28))
    assert alone is None


@pytest.mark.parametrize("n", [0, 1])
def test_of_too_few_pairs_nothing_is_learned(n):
    fitted, report = fit(lookups(n, 0))
    assert fitted is None
    assert report.pairs == n
    assert np.isnan(report.before.loss)


def test_a_vetoed_key_is_not_measured():
    some = lookups(12, 2)
    some.logits[np.arange(6), some.right[:6]] = -np.inf
    _, report = fit(some)
    assert report.held_out == 8


def test_nothing_can_be_told_if_every_right_key_is_vetoed():
    some = lookups(12, 0)
    some.logits[np.arange(12), some.right] = -np.inf
    fitted, report = fit(some)
    assert fitted is None
    assert report.held_out == 0


def test_nor_if_also_few_keys_have_examples(monkeypatch):
    monkeypatch.setattr(fitting, "_MIN_GAIN", -1e6)
    some = lookups(12, 0)
    some.right[:] = 0
    some.logits[:, 0] = -np.inf
    for least in (0.1, 0.5):  # are names of keys held out, too?
        monkeypatch.setattr(fitting, "_COVERED", least)
        fitted, report = fit(some)
        assert fitted is None
        assert report.held_out == 0


def test_pairs_that_all_mean_a_key_do_not_move_the_null_key():
    fitted, report = fit(lookups(60, 0))
    assert report.fitted
    assert np.isnan(report.after.no_match_recall)
    np.testing.assert_array_equal(fitted.null, 0)


def test_a_report_shows_its_figures(learned):
    _, report = learned
    assert str(report).splitlines()[0] == "fitted to 66 pairs"
    for name in ("loss", "accuracy", "no match precision", "no match recall"):
        assert name in str(report)
    assert 0 <= report.after.no_match_precision <= 1
    assert 0 <= report.after.no_match_recall <= 1


def test_a_key_without_residual_goes_by_the_projection_alone(learned):
    fitted, _ = learned
    meaning = np.full((1, 4), 0.5, np.float32)
    new = fitted.keys(["new"], meaning)
    np.testing.assert_allclose(new[0, :-1], meaning[0] @ fitted.key, rtol=1e-5)
    assert new[0, -1] == 0
    known = fitted.keys(["falcon"], meaning)
    np.testing.assert_allclose(known[0] - new[0], fitted.residuals["falcon"], atol=1e-6)


def test_the_zero_shot_score_of_a_key_without_examples_stays(learned):
    fitted, _ = learned
    nothing, query = np.zeros(2, np.float32), np.zeros(fitted.width, np.float32)
    zero_shot = np.array([20.0, 20.0], np.float32)
    new, known = fitted.logits(["new", "falcon"], zero_shot, nothing, query)
    assert new == 20
    assert known == pytest.approx(8 * fitted.slopes[1])
    vetoed = fitted.logits(["falcon"], np.array([-np.inf], np.float32), nothing[:1], query)
    assert np.isneginf(vetoed[0])


def test_a_query_of_unknown_words_has_its_meaning_alone(learned):
    fitted, _ = learned
    meaning = np.ones((2, 4), np.float32)
    rows = fitted.queries(Texts([("qqq", "zzz"), ()], meaning))
    assert rows.shape == (2, fitted.width)
    np.testing.assert_allclose(rows[:, :-1], meaning @ fitted.query[:4], rtol=1e-5)
    np.testing.assert_array_equal(rows[:, -1], 1)


def test_examples_say_what_made_the_scores(learned):
    fitted, _ = learned
    counts = [len(fitted.examples[key]) for key in KEYS]
    assert counts == [20, 20, 20]
    assert all(weight > 0 for examples in fitted.examples.values() for weight in examples.values())


def test_lookups_of_several_lengths_are_padded():
    made = Lookups.of(
        [("a", None), ("b", "falcon")],
        Texts([("a",), ("b",)], np.zeros((2, 1), np.float32)),
        KEYS,
        np.zeros((3, 1), np.float32),
        [0, 1],
        [(["otter"], np.ones(1, np.float32)), (["maple", "falcon"], np.zeros(2, np.float32))],
    )
    assert made.candidates.tolist() == [[1, 0], [2, 0]]
    assert made.logits.tolist() == [[1, -np.inf], [0, 0]]
    assert made.right.tolist() == [-1, 0]


def test_few_numbers_of_a_projection_keep_the_most(learned, monkeypatch):
    monkeypatch.setattr(fitting, "_RANK", 2)
    fitted, _ = fit(lookups())
    assert fitted.width == 3
    fresh = lookups(seed=1)
    right = logits_of(fitted, fresh).argmax(axis=1) == fresh.right
    assert right[:60].mean() > 0.7
