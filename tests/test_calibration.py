"""What a score is worth: the scale of cosines, and what labelled pairs teach."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict
from fuzzydict.ranking.calibration import Background, Calibration, Scale, fit


def loss(lookups, slope, shift, prior=4.0):
    """Return the cross-entropy of the lookups and the penalty, in nats."""
    result = prior / 2 * ((slope - 1) ** 2 + shift**2)
    for logits, right in lookups:
        moved = np.append(slope * logits.astype(float) + shift, 0.0)
        result -= moved[-1 if right is None else right] - np.logaddexp.reduce(moved)
    return result


def some_lookups(n, slope=1.0, shift=0.0, seed=0):
    """Draw lookups whose right answers have the probabilities that slope and shift give."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(n):
        logits = rng.normal(-2, 3, 6).astype(np.float32)
        powers = np.exp(np.append(slope * logits + shift, 0.0))
        right = int(rng.choice(7, p=powers / powers.sum()))
        result.append((logits, None if right == 6 else right))
    return result


# The scale of cosines, and of logits


def test_a_scale_moves_cosines_and_keeps_them_cosines():
    cosines = np.array([-1, 0, 0.5, 1], np.float32)
    np.testing.assert_allclose(Scale()(cosines), cosines)
    np.testing.assert_allclose(Scale(2.0, -0.5)(cosines), [-1, -0.5, 0.5, 1])
    assert Scale(2.0, -0.5)(cosines).dtype == np.float32


def test_a_calibration_moves_logits_and_leaves_forbidden_keys_forbidden():
    logits = np.array([-np.inf, 0, 2], np.float32)
    np.testing.assert_array_equal(Calibration()(logits), logits)
    moved = Calibration(2.0, -1.0)(logits)
    assert moved.tolist() == [-np.inf, -1, 3]
    assert moved.dtype == np.float32


# The fit


@pytest.mark.parametrize("slope", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("shift", [-2.0, 0.0, 2.0])
def test_the_fit_is_the_best_of_all_slopes_and_shifts(slope, shift):
    lookups = some_lookups(60, slope, shift)
    fitted, left = fit(lookups)
    assert left == pytest.approx(loss(lookups, fitted.slope, fitted.shift))
    others = itertools.product(np.linspace(0.05, 4, 20), np.linspace(-4, 4, 21))
    assert left <= min(loss(lookups, *other) for other in others) + 1e-9
    for step in itertools.product((-0.01, 0, 0.01), repeat=2):
        assert left <= loss(lookups, fitted.slope + step[0], fitted.shift + step[1]) + 1e-9


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 1.0), (1.0, 0.0), (2.0, -1.0)])
def test_many_pairs_reveal_the_slope_and_the_shift(slope, shift):
    fitted, _ = fit(some_lookups(3000, slope, shift))
    assert fitted.slope == pytest.approx(slope, rel=0.15)
    assert fitted.shift == pytest.approx(shift, abs=0.25)
    assert fitted.scale == Scale()


def test_no_pairs_move_nothing():
    assert fit([]) == (Calibration(), 0.0)


def test_few_pairs_move_little_and_more_of_them_more():
    one = (np.array([3.0, -2.0], np.float32), None)
    moves = [abs(fit([one] * n)[0].shift) for n in (1, 3, 10, 100)]
    assert moves[0] < 0.25
    assert moves == sorted(moves)
    assert moves[-1] > 0.5


def test_a_smaller_prior_lets_pairs_move_more():
    lookups = some_lookups(5, slope=0.3, shift=-2.0)
    (free, _), (held, _) = fit(lookups, prior=0.1), fit(lookups, prior=100.0)
    assert abs(free.shift) > abs(held.shift)
    assert held.shift == pytest.approx(0, abs=0.1)


def test_the_slope_never_turns_round():
    wrong = (np.array([6.0, -6.0], np.float32), 1)
    fitted, left = fit([wrong] * 100)
    assert fitted.slope >= 0.05
    assert np.isfinite(left)


def test_forbidden_keys_teach_nothing():
    lookups = some_lookups(20, 2.0, 1.0)
    forbidden = [(np.append(logits, np.float32(-np.inf)), right) for logits, right in lookups]
    assert fit(forbidden)[0][:2] == pytest.approx(fit(lookups)[0][:2])
    fitted, left = fit([(np.array([-np.inf], np.float32), 0)])  # the right key was forbidden
    assert np.isfinite([fitted.slope, fitted.shift, left]).all()


def test_lookups_without_candidates_teach_nothing():
    assert fit([(np.empty(0, np.float32), None)] * 10) == (Calibration(), 0.0)


# The background: cosines of the keys themselves


def rows_of(places):
    def rows(keys):
        if not keys:
            return np.empty((0, 2), np.float32)
        vectors = np.array([places[key] for key in keys], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return rows


def places_of(keys, common, seed=0):
    """Place keys at random around a direction that they have in common."""
    rng = np.random.default_rng(seed)
    return {key: rng.standard_normal(16) + common * np.eye(16)[0] for key in keys}


def added(keys, at_once):
    background = Background()
    for start in range(0, len(keys), at_once):
        background.add(keys[start : start + at_once])
    return background


KEYS = [f"key {i}" for i in range(500)]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 500), st.integers(0, 500))
def test_the_sample_does_not_depend_on_the_order_in_which_keys_came(seed, at_once, n):
    rows = rows_of(places_of(KEYS, 2))
    keys = np.random.default_rng(seed).permutation(KEYS).tolist()
    one, other = added(keys[:n], at_once), added(sorted(keys[:n]), 500)
    assert one._sample == other._sample
    assert one.scale(rows) == other.scale(rows)


def test_the_sample_stays_small():
    assert len(added(KEYS, 7)._sample) == 128


@settings(max_examples=20)
@given(st.sets(st.sampled_from(KEYS)), st.integers(1, 500))
def test_a_key_that_went_leaves_the_sample_of_those_that_are_left(gone, at_once):
    background, left = added(KEYS, at_once), dict.fromkeys(KEYS)
    rows = rows_of(places_of(KEYS, 2))
    background.scale(rows)
    for key in sorted(gone):
        del left[key]
        background.discard(key, lambda: left)
    other = added(list(left), 500)
    assert background._sample == other._sample
    assert background.scale(rows) == other.scale(rows)


def test_a_key_that_never_came_is_discarded_in_peace():
    background = added(KEYS[:10], 10)
    background.discard("no key", lambda: pytest.fail("nothing is to be filled"))
    assert len(background._sample) == 10


def test_keys_that_are_no_utf_8_have_their_place():
    background = added(["\ud800", "key"], 1)
    background.discard("\ud800", lambda: ["key"])
    assert background._sample == added(["key"], 1)._sample


@pytest.mark.parametrize("common", [0, 2, 10])
def test_cosines_of_unrelated_keys_count_as_near_zero(common):
    places = places_of(KEYS, common)
    scale = added(KEYS, 500).scale(rows_of(places))
    vectors = rows_of(places)(KEYS)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(KEYS), 1)]
    scaled = scale(cosines)
    assert abs(scaled.mean()) < 0.15
    assert scaled.std() < 0.3
    assert scale(np.ones(1, np.float32)) > scaled.mean() + 2 * scaled.std()


def test_the_scale_is_made_once_for_the_same_keys():
    calls, rows = [], rows_of(places_of(KEYS, 1))
    background = added(KEYS, 500)
    scales = [background.scale(lambda keys: calls.append(1) or rows(keys)) for _ in range(3)]
    assert len(calls) == 1
    assert scales == [scales[0]] * 3


def test_one_key_or_none_have_the_scale_of_sentence_transformers():
    for keys in ([], ["key"]):
        scale = added(keys, 1).scale(rows_of({"key": [1.0, 0.0]}))
        assert scale(np.array([0.25], np.float32))[0] == pytest.approx(0.03, abs=1e-5)


def test_keys_that_are_all_alike_have_a_finite_scale():
    scale = added(KEYS, 500).scale(rows_of({key: [1.0, 0.0] for key in KEYS}))
    assert np.isfinite(scale).all()


# Labelled pairs of a dictionary

NAMES = [f"{a}{b}{c}" for a in ("bak", "dof", "gim") for b in ("lun", "ret", "sop") for c in "aeio"]
ALIASES = {name: f"{name[::-1]}x{i:03}"[::-1] for i, name in enumerate(NAMES)}


class Crowded:
    """Places each name and its alias near each other, but everything else near them too."""

    def encode(self, texts):
        own = {text: i for i, (name, alias) in enumerate(ALIASES.items()) for text in (name, alias)}
        result = np.zeros((len(texts), len(NAMES) + 1))
        for row, text in zip(result, texts, strict=True):
            row[-1] = 2.0
            row[own[text] if text in own else sum(map(ord, text)) % len(NAMES)] = 1.0
        return result


def log_likelihood(d, pairs):
    result = 0.0
    for query, right in pairs:
        found = d.attend(query)
        weight = found.no_match if right is None else found.weights.get(right, 0.0)
        result += np.log(max(weight, 1e-9))
    return result


def labelled(embedder):
    d = FuzzyDict(dict.fromkeys(NAMES), embedder=embedder)
    pairs = [(ALIASES[name], name) for name in NAMES]
    pairs += [(f"wqy{i}", None) for i in range(len(NAMES))]
    return d, pairs[::2], pairs[1::2]


def test_labelled_pairs_make_held_out_pairs_more_likely():
    d, pairs, held_out = labelled(Crowded())
    before = log_likelihood(d, held_out)
    d.calibrate(pairs)
    assert log_likelihood(d, held_out) > before + 1
    assert log_likelihood(d, pairs) > before


def test_copies_and_pickles_carry_what_pairs_taught():
    d, pairs, _ = labelled(Crowded())
    d.calibrate(pairs)
    answer = d.attend(ALIASES[NAMES[3]])
    for again in (d.copy(), copy.deepcopy(d), pickle.loads(pickle.dumps(d)), d | {}):
        other = again.attend(ALIASES[NAMES[3]])
        assert dict(other.weights) == pytest.approx(dict(answer.weights))
        assert other.no_match == pytest.approx(answer.no_match)


def test_calibrating_a_copy_leaves_the_original():
    d, pairs, _ = labelled(Crowded())
    query = ALIASES[NAMES[3]]
    before = d.attend(query)
    again = d.copy()
    again.calibrate(pairs)
    assert d.attend(query).no_match == before.no_match
    assert again.attend(query).no_match != before.no_match


def test_calibrating_again_starts_afresh():
    d, pairs, _ = labelled(Crowded())
    d.calibrate(pairs)
    once = d.attend(ALIASES[NAMES[3]]).no_match
    d.calibrate(pairs)
    assert d.attend(ALIASES[NAMES[3]]).no_match == pytest.approx(once, abs=1e-6)


def test_what_was_remembered_is_judged_anew():
    d = FuzzyDict(color=1)
    assert "colour" in d
    d.calibrate([(f"colou{letter}", None) for letter in "abcdefghijklmnopqrstuvwxyz"] * 20)
    assert ("colour" in d) is (d.match("colour") is not None)
    assert d.match("colour", cutoff=0.0).score < 0.9


@pytest.mark.parametrize("embedder", ["default", Crowded()])
def test_no_pairs_change_nothing(embedder):
    d, pairs, _ = labelled(embedder)
    query = ALIASES[NAMES[3]]
    before = d.attend(query).no_match
    d.calibrate([])
    assert d.attend(query).no_match == before
    d.calibrate(pairs)
    taught = d.attend(query).no_match
    d.calibrate(iter(()))
    assert d.attend(query).no_match == taught


@pytest.mark.parametrize("embedder", ["default", Crowded()])
def test_pairs_of_exact_keys_change_nothing(embedder):
    d, _, _ = labelled(embedder)
    query = ALIASES[NAMES[3]]
    before = d.attend(query).no_match
    d.calibrate([(name, name) for name in NAMES])
    assert d.attend(query).no_match == pytest.approx(before)


def test_one_pair_moves_the_probabilities_little():
    d, pairs, _ = labelled("default")
    query = ALIASES[NAMES[3]]
    before = d.attend(query).no_match
    d.calibrate(pairs[:1])
    assert d.attend(query).no_match == pytest.approx(before, abs=0.2)


@pytest.mark.parametrize(
    "pairs",
    [
        [("query", "no key")],
        [(1, NAMES[0])],
        [("query", 1)],
        [(None, None)],
        [("query", ["list"])],
        [("query", NAMES[0], 0.5)],
        [("query",)],
    ],
)
def test_pairs_that_are_none_are_refused_and_change_nothing(pairs):
    d, good, _ = labelled(Crowded())
    query = ALIASES[NAMES[3]]
    before = d.attend(query).no_match
    with pytest.raises(ValueError, match=r"pair|unpack"):
        d.calibrate([*good, *pairs])
    assert d.attend(query).no_match == before
