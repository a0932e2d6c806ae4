"""Learn from labelled lookups of one dictionary: its examples become further keys.

The classes of a softmax regression are the keys, its rows the examples and the names of the keys,
its features the similarities of texts. How much that counts beside the zero-shot score, and the
probability that no key is meant, is told by examples that were held out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.forking import forks_wait, matrix_product
from fuzzydict.learning.landmarks import Landmarks
from fuzzydict.learning.lookups import Lookups
from fuzzydict.learning.regression import conditional_logit, softmax_regression
from fuzzydict.notebook import table
from fuzzydict.ranking.projection import Projection, Texts, append_column, zero_shot_parts

__all__ = ["Figures", "FitReport", "empty_report", "fit", "to_score"]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Places = NDArray[np.intp]
Bools = NDArray[np.bool_]

_DECAY = 0.1  # of the weights of examples
_STEPS = 30  # of a regression, at most
_FOLDS = 5
_FEW = 1500  # pairs, up to which each is held out in turn
_HELD_OUT = 10  # one in ten of more pairs than that is held out,
_MOST_HELD_OUT = 1000  # but no more than so many
_WORK = 3e9  # products of a step of a regression, at most
_LANDMARKS = 128, 1500  # at least and at most
_NO_MATCH = 0.08  # weight of the lookups without a match among those that calibrate
_START = np.array([1.0, 1.0, 0.0, 0.0, 0.0])  # coefficients that change nothing
_PRECISION = np.array([4.0, 4.0, 1.0, 1.0, 1.0])  # with which they are known beforehand
_MIN_GAIN = 2.0  # standard errors by which the held-out loss must fall
_LEAST_GAIN = 1e-4  # nats by which that of the examples must fall at least
_COVERED = 0.5  # share of the keys with examples from which on their names are evidence
_RANK = 256  # numbers of a projection, at most
_NEW_KEYS = 3.0  # ridge penalty of what is learned for keys that have no examples


class Figures(NamedTuple):
    """How well held-out lookups went."""

    loss: float  # cross-entropy, in nats
    accuracy: float  # of the queries that mean a key, the share whose likeliest key is right
    no_match_precision: float  # of the silent lookups, the share that mean no key
    no_match_recall: float  # of the queries that mean no key, the share that were silent


@dataclass(frozen=True)
class FitReport:
    """What a fit did, measured on lookups that it did not learn from.

    ``fitted`` says whether the dictionary was changed. It is not where the held-out loss fell by no
    more than two standard errors; ``before`` and ``after`` are then the same. A figure is nan where
    nothing was there to measure.
    """

    fitted: bool
    pairs: int
    held_out: int
    before: Figures
    after: Figures

    def __str__(self) -> str:
        lines = [
            f"fitted to {self.pairs} pairs" if self.fitted else "nothing changed",
            f"{self.held_out} held-out lookups  before  after",
        ]
        for name, before, after in zip(Figures._fields, self.before, self.after, strict=True):
            lines.append(f"{name.replace('_', ' '):21} {before:9.3f} {after:6.3f}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return a table for a notebook."""
        rows = zip(Figures._fields, self.before, self.after, strict=True)
        return table(
            ["held-out lookups", "before", "after"],
            [([name.replace("_", " "), f"{before:.3f}"], after) for name, before, after in rows],
        )


def empty_report(pairs: int) -> FitReport:
    """Return the report of a fit that had nothing to learn from, or to hold out."""
    unknown = Figures(*[float("nan")] * 4)
    return FitReport(False, pairs, 0, unknown, unknown)


def fit(
    lookups: Lookups,
    validation: Sequence[int] | None = None,
    *,
    gram_weight: float = 0.6,
    cutoff: float = 0.5,
    seed: int = 0,
    step: Callable[[int], object] = lambda steps: None,
) -> tuple[Projection | None, FitReport]:
    """Return the projection that makes labelled lookups most probable, None where none helps.

    Lookups that are held out tell how much it counts, and whether it helps: those at the places
    ``validation``, which are not learned from; or else one of each key in turn; of more than 1500,
    one in ten. Names of keys are held out too, as the query that an example would be.

    Lookups none of which means the null key say nothing of it: then the held-out ones, without
    their right key, stand for queries that have none.

    Args:
        lookups: The labelled lookups.
        validation: Their places that are held out.
        gram_weight: The similarity of two texts with the same words, beside that of meanings.
        cutoff: The probability below which a lookup has no match, for the figures of the report.
        seed: Seed of the random numbers.
        step: Called after each step. 30 steps of O(pairs · landmarks · keys), for each of at most
            five folds if there are few pairs.
    """
    n = len(lookups.right)
    if n < 2 or not 0 < len(lookups.scored) <= n - (validation is not None):
        return None, empty_report(n)
    rows = _Rows(lookups, gram_weight, np.random.default_rng(seed), step)
    learned = np.ones(rows.count, np.bool_)
    if validation is not None:
        learned[rows.names + lookups.scored] = False
    in_turn = validation is None and len(lookups.scored) == n
    folds = rows.folds() if in_turn else [rows.names + lookups.scored]
    held: list[_HeldOut] = []
    for fold in folds:
        taught = learned.copy()
        taught[fold] = False
        rows.regress(taught)
        held += rows.held_out(fold)
    if not any(each.is_example and each.counts.any() for each in held):
        return None, empty_report(n)  # guards veto the keys of all of them
    coefficients = _calibrated(held)
    before, after = (
        [each.outcome(used, rows.null, cutoff) for each in held] for used in (_START, coefficients)
    )
    gain = np.concatenate(
        [
            old.losses - new.losses
            for each, old, new in zip(held, before, after, strict=True)
            if each.is_example or rows.covers
        ]
    )
    old, new = (
        _Outcome.together(
            [one for one, each in zip(outcomes, held, strict=True) if each.is_example]
        )
        for outcomes in (before, after)
    )
    enough = _MIN_GAIN * gain.std() / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    fitted = bool(gain.mean() > enough and (old.losses - new.losses).mean() > _LEAST_GAIN)
    report = FitReport(
        fitted, n, len(old.losses), old.figures(), (new if fitted else old).figures()
    )
    if not fitted:
        return None, report
    rows.regress(learned)
    return rows.projection(learned, coefficients), report


def to_score(pairs: int, validation: Sequence[int] | None, seed: int) -> Sequence[int]:
    """Return the places of the pairs whose zero-shot scores a fit needs: those it holds out."""
    if validation is not None:
        return validation
    if pairs <= _FEW:
        return range(pairs)
    held_out = min(pairs // _HELD_OUT, _MOST_HELD_OUT)
    some: list[int] = np.random.default_rng(seed).permutation(pairs)[:held_out].tolist()
    return sorted(some)


class _Rows:
    """The names of keys and their examples, as rows of features and classes."""

    def __init__(
        self,
        lookups: Lookups,
        gram_weight: float,
        rng: np.random.Generator,
        step: Callable[[int], object],
    ) -> None:
        self._lookups, self._rng, self._step = lookups, rng, step
        n, keys = len(lookups.right), lookups.right
        is_null = keys < 0
        taught = np.unique(keys[~is_null])
        # All keys compete if there are few, and none that has no example if there are many.
        others = np.setdiff1d(np.arange(len(lookups.keys)), taught)
        few = len(lookups.keys) <= lookups.candidates.shape[1]
        self.taught, self.classes = len(taught), np.concatenate([taught, others if few else []])
        self.classes = self.classes.astype(np.intp)
        self.names, self.null = len(self.classes), bool(is_null.any())
        # Names are told apart from those of all keys only if most have examples.
        self.covers = self.taught >= _COVERED * len(lookups.keys)
        self._class_of = np.full(len(lookups.keys), -1, np.intp)
        self._class_of[self.classes] = np.arange(self.names)
        self._right = np.concatenate([np.arange(self.names), self._class_of[keys]])
        self._right[self.names :][is_null] = self.names
        self.count = self.names + n
        words = [lookups.key_words[place] for place in self.classes]
        texts = Texts(
            [*words, *lookups.queries.words],
            np.vstack([lookups.meanings[self.classes], lookups.queries.meanings]),
        )
        least, most = _LANDMARKS
        number = int(np.clip(_WORK / (self.count * (self.names + 1)), least, most))
        chosen = np.concatenate([np.arange(self.names), self.names + rng.permutation(n)])[:number]
        self._landmarks = Landmarks(texts, chosen, gram_weight)
        self._features = self._landmarks.coordinates(texts, step)
        self._weights: Floats | None = None

    def folds(self) -> list[Places]:
        """Return the rows that are held out in turn, one of each class in each fold."""
        order = self._rng.permutation(
            np.concatenate([np.arange(self.taught), np.arange(self.names, self.count)])
        )
        seen = np.zeros(self.names + 1, np.intp)
        turns = np.empty(len(order), np.intp)
        for i, each in enumerate(self._right[order].tolist()):
            turns[i] = seen[each]
            seen[each] += 1
        folds = min(_FOLDS, max(int(seen.max()), 2))
        return [order[turns % folds == fold] for fold in range(folds)]

    def regress(self, learned: Bools) -> None:
        """Learn the weights of the classes from the rows marked, starting from those before."""
        self._weights = softmax_regression(
            self._features[learned],
            self._right[learned],
            self.names + self.null,
            _DECAY,
            start=self._weights,
            steps=_STEPS,
            step=self._step,
        )

    def held_out(self, fold: Places) -> "list[_HeldOut]":
        """Return what was learned without the rows of a fold says of them: examples, and names."""
        logits = self._logits(fold)
        is_name = fold < self.names
        places = fold[~is_name] - self.names
        examples = _HeldOut.of_examples(
            self._lookups, places, self._class_of, logits[~is_name], self.taught, self.names
        )
        typical = examples.typical_zero_shot()
        names = _HeldOut.of_names(fold[is_name], logits[is_name], self.taught, self.names, typical)
        return [each for each in (examples, names) if len(each.right)]

    def _logits(self, rows: Places | slice) -> Floats:
        assert self._weights is not None
        logits: Floats = matrix_product(self._features[rows], self._weights)
        return logits

    def projection(self, learned: Bools, coefficients: Doubles) -> Projection:
        """Return the weights as a projection, scaled by the coefficients of `_calibrated`."""
        low, high, scale, bias, of_null = coefficients
        lookups, taught = self._lookups, self.classes[: self.taught]
        assert self._weights is not None
        weights = self._weights
        product = np.float32(scale) * weights[:, : self.taught]
        if self.null:
            product = np.hstack([product, np.float32(of_null) * weights[:, self.names :]])
        with forks_wait:
            left, sizes, right = np.linalg.svd(product, full_matrices=False)
        size = np.sqrt(sizes[:_RANK])
        codes = append_column((size[:, None] * right[:_RANK]).T, bias)  # (keys, R + 1)
        null = codes[self.taught].copy() if self.null else np.zeros_like(codes[0])
        null[-1] = 0
        meanings = lookups.meanings[taught]
        similar = meanings @ meanings.T + np.float32(_NEW_KEYS) * np.eye(self.taught)
        key = meanings.T @ np.linalg.solve(similar, codes[: self.taught, :-1])
        residuals = codes[: self.taught].copy()
        residuals[:, :-1] -= meanings @ key
        return Projection(
            self._landmarks.grams,
            self._landmarks.weights,
            self._landmarks.projection(left[:, :_RANK] * size).astype(np.float32),
            key.astype(np.float32),
            {lookups.keys[place]: row for place, row in zip(taught, residuals, strict=True)},
            null,
            (float(low), float(high)),
            self._examples(learned, scale),
        )

    def _examples(self, learned: Bools, scale: float) -> dict[str, dict[str, float]]:
        """Return how much each example of a key counts in the weights of its class.

        At the minimum of a regression with weight decay, the weights of a class are the sum of the
        rows times the error of each, over the decay.
        """
        lookups = self._lookups
        shares = softmax(self._logits(slice(None)))
        result: dict[str, dict[str, float]] = {}
        for row in np.flatnonzero(learned[self.names :]).tolist():
            own = self._right[self.names + row]
            if own < self.names:
                key = lookups.keys[self.classes[own]]
                error = 1 - float(shares[self.names + row, own])
                result.setdefault(key, {})[lookups.texts[row]] = float(scale * error / _DECAY)
        return result


class _HeldOut(NamedTuple):
    """Held-out rows: of each alternative, what the coefficients of `_calibrated` multiply."""

    inputs: Doubles  # (n, C, 5) zero-shot parts, learned logit, 1, and minus that of the null key
    offsets: Doubles  # (n, C) zero-shot logits of keys without examples, -inf where vetoed
    right: Places  # (n,) C for the null key
    counts: Bools  # (n,) can it be answered?
    is_example: bool

    @classmethod
    def of_examples(
        cls,
        lookups: Lookups,
        places: Places,
        class_of: Places,
        logits: Floats,
        taught: int,
        names: int,
    ) -> "_HeldOut":
        """Lookups of ``taught`` keys with examples, the first of ``names`` classes, and others."""
        scored = np.searchsorted(lookups.scored, places)
        candidates, zero_shot = lookups.candidates[scored], lookups.logits[scored]
        classes = class_of[candidates]
        is_taught = (classes >= 0) & (classes < taught)  # zero-shot scores of others stay
        null = logits[:, names:].sum(axis=1)  # 0 if nothing is known of it
        learned = np.take_along_axis(logits, np.maximum(classes, 0), 1)
        inputs = _inputs(zero_shot_parts(zero_shot), learned, null)
        inputs[~is_taught, :-1] = 0
        offsets = np.where(is_taught & np.isfinite(zero_shot), 0.0, zero_shot)
        right = _places_in(candidates, lookups.right[places])
        chances = np.take_along_axis(append_column(zero_shot, 0), right[:, None], 1)[:, 0]
        return cls(inputs, offsets.astype(np.float64), right, np.isfinite(chances), True)

    @classmethod
    def of_names(
        cls, rows: Places, logits: Floats, taught: int, names: int, typical: Doubles
    ) -> "_HeldOut":
        """Names of keys as queries, of which the zero-shot score says nothing."""
        n, learned = len(rows), logits[:, :taught]
        parts = np.broadcast_to(typical, (*learned.shape, 2))
        inputs = _inputs(parts, learned, logits[:, names:].sum(axis=1))
        return cls(inputs, np.zeros((n, taught)), rows, np.ones(n, np.bool_), False)

    def typical_zero_shot(self) -> Doubles:
        """Return the mean parts of the zero-shot logits of keys with examples, [2]."""
        given = self.inputs[..., -2] > 0
        mean: Doubles = self.inputs[given][:, :2].sum(axis=0) / max(int(given.sum()), 1)
        return mean

    def outcome(self, coefficients: Doubles, null: bool, cutoff: float) -> "_Outcome":
        """Return how the rows went that can be answered."""
        logits = (self.offsets + self.inputs @ coefficients)[self.counts]
        return _Outcome.of(logits, self.right[self.counts], 0.0 if null else -np.inf, cutoff)


def _places_in(candidates: Places, keys: Places) -> Places:
    """Return the place of a key in each row of candidates, their number for -1."""
    found: Places = np.where(
        keys < 0, candidates.shape[1], (candidates == keys[:, None]).argmax(axis=1)
    )
    return found


def _inputs(zero_shot: NDArray[Any], learned: Floats, null: Floats) -> Doubles:
    """Return the inputs from parts [n, C, 2], learned logits [n, C] and the null key's [n]."""
    others = np.stack(
        [learned, np.ones_like(learned), np.broadcast_to(-null[:, None], learned.shape)], axis=2
    )
    return np.concatenate([zero_shot, others], axis=2).astype(np.float64)


def _calibrated(held: "Sequence[_HeldOut]") -> Doubles:
    """Return the coefficients of the zero-shot and learned logits, of 1 and of the null key's.

    If no lookup means the null key, the others without their right key stand for such lookups, with
    a weight of `_NO_MATCH` of all.
    """
    width = max(each.offsets.shape[1] for each in held)
    is_silent = any((each.right == each.offsets.shape[1]).any() for each in held)
    inputs, offsets, right, weights = [], [], [], []
    for each in held:
        n, c = each.offsets.shape
        answers = np.where(each.right == c, width, each.right)
        padded = np.pad(each.inputs, ((0, 0), (0, width - c), (0, 0)))
        limited = np.pad(each.offsets, ((0, 0), (0, width - c)), constant_values=-np.inf)
        parts = [(limited, answers, 1.0)]
        if not is_silent:
            without = limited.copy()
            without[np.arange(n), answers] = -np.inf
            parts.append((without, np.full(n, width), _NO_MATCH / (1 - _NO_MATCH)))
        for limits, answer, weight in parts:
            inputs.append(padded[each.counts])
            offsets.append(limits[each.counts])
            right.append(answer[each.counts])
            weights.append(np.full(int(each.counts.sum()), weight))
    result = conditional_logit(
        np.concatenate(inputs),
        np.concatenate(offsets),
        np.concatenate(right),
        np.concatenate(weights),
        _START,
        _PRECISION,
    )
    result[:2] = np.maximum(result[:2], 0)
    return result


class _Outcome(NamedTuple):
    """How each of n lookups went."""

    losses: Doubles  # cross-entropy, in nats
    unanswerable: Bools
    found: Bools  # the right key was the likeliest
    silent: Bools

    @classmethod
    def of(cls, logits: Doubles, right: Places, null: float, cutoff: float) -> "_Outcome":
        each, last = np.arange(len(right)), logits.shape[1]
        given: Floats = logits.astype(np.float32)
        meant = softmax(append_column(given, null))[each, right]
        return cls(
            -np.log(np.maximum(meant, 1e-9)),
            right == last,
            given.argmax(axis=1) == right,
            softmax(append_column(given, 0))[:, :last].max(axis=1) < cutoff,
        )

    @classmethod
    def together(cls, parts: Sequence["_Outcome"]) -> "_Outcome":
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def figures(self) -> Figures:
        rightly = self.silent & self.unanswerable

        def share(part: Bools, whole: Bools) -> float:
            return float(part.sum() / whole.sum()) if whole.any() else float("nan")

        return Figures(
            float(self.losses.mean()) if len(self.losses) else float("nan"),
            share(self.found, ~self.unanswerable),
            share(rightly, self.silent),
            share(rightly, self.unanswerable),
        )
