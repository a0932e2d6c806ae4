"""Fit `W_Q` and `W_K` to labelled lookups of one dictionary, if that helps on held-out ones."""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.forking import matrix_product
from fuzzydict.learning.descent import BATCH_SIZE, CHECKS, descend
from fuzzydict.learning.lookups import Lookups
from fuzzydict.ranking.projection import Projection, Texts, append_column

__all__ = ["Figures", "FitReport", "empty_report", "fit"]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

_EPOCHS = 15
_STEPS = 400  # at least
_PATIENCE = 4  # checks without an improvement
_FOLDS = 5
_FEW = 1000  # pairs, up to which each is held out in turn
_MIN_GAIN = 2.0  # standard errors by which the held-out loss must fall
_LEAST_GAIN = 1e-4  # nats by which it must fall at least
_HELD_OUT = 10  # one in ten of more pairs than that


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


def fit(
    lookups: Lookups,
    validation: Sequence[int] | None = None,
    *,
    cutoff: float = 0.5,
    seed: int = 0,
    step: Callable[[int], object] = lambda steps: None,
) -> tuple[Projection | None, FitReport]:
    """Return the projection that makes labelled lookups most probable, None where none helps.

    Minimises the cross-entropy of the attention over the candidates and the null key by Adam
    (Kingma and Ba, 2015) in mini-batches, with dropout of the projected queries. How long is told
    by lookups that are held out: those at the places ``validation``, which are not learned from;
    or else one in ten, of up to 1000 each in turn, all of which are learned from in the end.

    Lookups none of which means the null key say nothing of it: they are learned from as if
    there were no null key.

    ``cutoff`` is the probability below which a lookup is silent, for the figures of the report;
    ``step`` is called after each step. O(N · (C + d) · R).
    """
    # A key that a guard forbids cannot be learned.
    chances = np.take_along_axis(append_column(lookups.logits, 0), lookups.right[:, None], 1)[:, 0]
    everything = np.flatnonzero(np.isfinite(chances))
    if validation is None:
        folds = [everything[fold] for fold in _folds(len(everything), seed)]
    else:
        folds = [np.intersect1d(np.asarray(validation, np.intp), everything)]
    if not folds or not 0 < len(folds[0]) < len(everything):
        return None, empty_report(len(everything))
    null = 0.0 if (lookups.right == lookups.candidates.shape[1]).any() else -np.inf
    steps = max(_STEPS, _EPOCHS * -(-len(everything) // BATCH_SIZE))
    before: list[_Outcome] = []
    after: list[list[_Outcome]] = [[] for _ in range(CHECKS)]
    with _one_thread:
        for fold in folds:
            held = _take(lookups, fold)
            before.append(_Outcome.of(held, held.logits, null, cutoff))
            taught = _take(lookups, np.setdiff1d(everything, fold))
            for check, projection in enumerate(descend(taught, null, steps, seed, step)):
                after[check].append(_Outcome.of(held, _logits(projection, held), null, cutoff))
                losses = [outcomes[0].losses.sum() for outcomes in after[: check + 1]]
                if len(folds) == 1 and check - int(np.argmin(losses)) == _PATIENCE:
                    after = after[: check + 1]
                    break
        best = int(np.argmin([sum(each.losses.sum() for each in outcomes) for outcomes in after]))
        old, new = _Outcome.together(before), _Outcome.together(after[best])
        gain = old.losses - new.losses
        least = max(_MIN_GAIN * gain.std() / np.sqrt(len(gain)), _LEAST_GAIN)
        fitted = bool(gain.mean() > least)
        report = FitReport(
            fitted, len(everything), len(gain), old.figures(), (new if fitted else old).figures()
        )
        if not fitted:
            return None, report
        if validation is not None:
            everything = np.setdiff1d(everything, folds[0])
        descent = descend(_take(lookups, everything), null, steps, seed, step)
        return next(itertools.islice(descent, best, None)), report


class _OneThread:
    """Limit BLAS to one thread: to wake others for products of this size can take longer.

    The limit holds for the whole process. Fits may overlap in several threads, so the first one
    sets it and the last one restores what was before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limits: Any = None

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._lock:
            if not self._users:
                self._limits = threadpool_limits(1, "blas")
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._limits.restore_original_limits()


_one_thread = _OneThread()


def empty_report(pairs: int) -> FitReport:
    """Return the report of a fit that had nothing to learn from, or to hold out."""
    unknown = Figures(*[float("nan")] * 4)
    return FitReport(False, pairs, 0, unknown, unknown)


def _folds(n: int, seed: int) -> list[Places]:
    order = np.random.default_rng(seed).permutation(n)
    if n > _FEW:
        return [order[: n // _HELD_OUT]]
    return np.array_split(order, min(_FOLDS, n)) if n > 1 else []


def _take(lookups: Lookups, places: Places) -> Lookups:
    queries = Texts(
        [lookups.queries.words[place] for place in places], lookups.queries.meanings[places]
    )
    return lookups._replace(
        queries=queries,
        candidates=lookups.candidates[places],
        logits=lookups.logits[places],
        right=lookups.right[places],
    )


class _Outcome(NamedTuple):
    """How each of n lookups went."""

    losses: Floats  # cross-entropy, in nats
    unanswerable: NDArray[np.bool_]
    found: NDArray[np.bool_]  # the right key was the likeliest
    silent: NDArray[np.bool_]

    @classmethod
    def of(cls, lookups: Lookups, logits: Floats, null: float, cutoff: float) -> "_Outcome":
        right, last = lookups.right, logits.shape[1]
        meant = softmax(append_column(logits, null))[np.arange(len(right)), right]
        return cls(
            -np.log(np.maximum(meant, 1e-9)),
            right == last,
            logits.argmax(axis=1) == right,
            softmax(append_column(logits, 0))[:, :last].max(axis=1) < cutoff,
        )

    @classmethod
    def together(cls, parts: Sequence["_Outcome"]) -> "_Outcome":
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def figures(self) -> Figures:
        rightly = self.silent & self.unanswerable

        def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
            return float(part.sum() / whole.sum()) if whole.any() else float("nan")

        return Figures(
            float(self.losses.mean()),
            share(self.found, ~self.unanswerable),
            share(rightly, self.silent),
            share(rightly, self.unanswerable),
        )


def _logits(projection: Projection, lookups: Lookups) -> Floats:
    queries = projection.queries(lookups.queries)
    codes = projection.keys(lookups.keys, lookups.meanings)
    learned = np.take_along_axis(matrix_product(queries, codes.T), lookups.candidates, 1)
    return projection.logits(lookups.logits, learned, queries)
