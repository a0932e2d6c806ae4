"""The learned projections, on arrays."""

import itertools

import numpy as np
import pytest

from fuzzydict.attention import softmax
from fuzzydict.learning import projection
from fuzzydict.learning.projection import Lookups, Projection, Texts, fit

KEYS = ["falcon", "otter", "maple"]
TOPICS = [["money", "bill"], ["crash", "screen"], ["parcel", "late"]]
FILLERS = ["the", "my", "please", "again", "now", "is", "what", "so"]


def lookups(n=60, none=6, seed=0, flip=0.0):
    """Return lookups of three keys by topics that their names say nothing of, and of none."""
    rng = np.random.default_rng(seed)
    words, right = [], []
    for i in range(n):
        key = i % 3
        words.append((rng.choice(FILLERS), rng.choice(TOPICS[key]), rng.choice(FILLERS)))
        right.append(rng.integers(3) if rng.random() < flip else key)
    for _ in range(none):
        words.append(tuple(rng.choice(FILLERS, 3)))
        right.append(3)
    meanings = rng.normal(size=(len(words), 4)).astype(np.float32) / 2
    logits = rng.normal(-2, 1, (len(words), 3)).astype(np.float32)
    candidates = np.tile(np.arange(3), (len(words), 1))
    keys = np.eye(3, 4, dtype=np.float32)
    return Lookups(Texts(words, meanings), KEYS, keys, candidates, logits, np.array(right))


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
    right = projection._logits(fitted, fresh).argmax(axis=1) == fresh.right
    assert right[:60].mean() > 0.75


def test_many_pairs_are_held_out_once():
    steps = itertools.count()
    _, report = fit(lookups(n=1100, none=40), step=lambda _: next(steps))
    assert report.pairs == 1140
    assert report.held_out == 114
    assert report.after.accuracy > 0.9
    assert next(steps) <= 800


@pytest.mark.usefixtures("short_fits")
def test_the_same_seed_gives_the_same_and_another_another():
    one, same, other = (fit(lookups(30, 4), seed=seed)[0] for seed in (0, 0, 1))
    for name in ("grams", "weights", "query", "key", "null", "slope"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.query, other.query)


def test_what_is_right_already_is_left_alone():
    some = lookups(12, 0)
    some.logits[...] = -30
    some.logits[np.arange(12), some.right] = 30
    fitted, report = fit(some)
    assert fitted is None
    assert not report.fitted
    assert report.before[:2] == report.after[:2] == (0, 1)
    assert "nothing changed" in str(report)


def test_validation_is_measured_and_not_learned_from():
    taught = lookups(12, 2)
    wrong = lookups(12, 2, seed=2)
    together = Lookups.of(
        Texts(
            [*taught.queries.words, *wrong.queries.words], np.vstack([taught[0][1], wrong[0][1]])
        ),
        KEYS,
        taught.meanings,
        [(KEYS, row) for row in np.vstack([taught.logits, wrong.logits])],
        [[*KEYS, None][right] for right in [*taught.right, *wrong.right]],
    )
    fitted, report = fit(together, validation=range(14, 28))
    alone, _ = fit(taught, validation=range(0))
    assert alone is None
    assert report.held_out == 14
    assert report.pairs == 28
    hashes = {gram for words in taught.queries.words for gram in projection._hashes(words)}
    assert fitted is None or set(fitted.grams.tolist()) == hashes


@pytest.mark.parametrize("n", [0, 1])
def test_of_too_few_pairs_nothing_is_learned(n):
    some = lookups()
    fitted, report = fit(projection._take(some, np.arange(n)))
    assert fitted is None
    assert report.pairs == n
    assert np.isnan(report.before.loss)


def test_a_key_that_a_guard_forbids_is_not_learned():
    some = lookups(12, 2)
    some.logits[np.arange(6), some.right[:6]] = -np.inf
    _, report = fit(some)
    assert report.pairs == 8


def test_pairs_that_all_mean_a_key_teach_nothing_of_silence():
    fitted, report = fit(lookups(60, 0))
    assert report.fitted
    assert np.isnan(report.after.no_match_recall)
    np.testing.assert_array_equal(fitted.null, 0)


def test_a_report_says_its_figures(learned):
    _, report = learned
    assert str(report).splitlines()[0] == "fitted to 66 pairs"
    for name in ("loss", "accuracy", "no match precision", "no match recall"):
        assert name in str(report)
    assert 0 <= report.after.no_match_precision <= 1
    assert 0 <= report.after.no_match_recall <= 1


def test_the_first_step_goes_down_the_gradient():
    some = lookups()
    before = softmax(projection._beside(some.logits, 0))[np.arange(66), some.right]
    first = next(projection._descend(some, 0.0, 30, 0, lambda steps: None))
    logits = projection._logits(first, some)
    after = softmax(projection._beside(logits, 0))[np.arange(66), some.right]
    assert -np.log(after).mean() < -np.log(before).mean()


def test_a_key_without_residual_goes_by_the_projection_alone(learned):
    fitted, _ = learned
    meaning = np.full((1, 4), 0.5, np.float32)
    new = fitted.keys(["new"], meaning)
    np.testing.assert_allclose(new[0, :-1], meaning[0] @ fitted.key, rtol=1e-5)
    assert new[0, -1] == 0
    known = fitted.keys(["falcon"], meaning)
    np.testing.assert_allclose(known[0] - new[0], fitted.residuals["falcon"], atol=1e-6)


def test_a_query_of_unknown_words_has_its_meaning_alone(learned):
    fitted, _ = learned
    meaning = np.ones((2, 4), np.float32)
    rows = fitted.queries(Texts([("qqq", "zzz"), ()], meaning))
    assert rows.shape == (2, fitted.width)
    np.testing.assert_allclose(rows[:, :-1], meaning @ fitted.query[:4], rtol=1e-5)
    np.testing.assert_array_equal(rows[:, -1], 1)


def test_lookups_of_several_lengths_are_filled_up_with_what_cannot_be():
    made = Lookups.of(
        Texts([("a",), ("b",)], np.zeros((2, 1), np.float32)),
        KEYS,
        np.zeros((3, 1), np.float32),
        [(["otter"], np.ones(1, np.float32)), (["maple", "falcon"], np.zeros(2, np.float32))],
        [None, "falcon"],
    )
    assert made.candidates.tolist() == [[1, 0], [2, 0]]
    assert made.logits.tolist() == [[1, -np.inf], [0, 0]]
    assert made.right.tolist() == [2, 1]


def test_fits_that_overlap_restore_the_threads_of_blas():
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads():
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    with threadpool_limits(2, "blas"):
        before = threads()
        one, other = projection._one_thread, projection._one_thread
        one.__enter__()
        other.__enter__()
        one.__exit__()
        assert set(threads()) <= {1}
        other.__exit__()
        assert threads() == before
