"""Learned projections: `W_Q` and `W_K`, fitted to the lookups of one dictionary.

The zero-shot score compares a query x and a key y as they are, as if W_Q = W_K = I. A fitted
dictionary compares W_Q x and W_K y, where W_Q = [I; A] and W_K = [I; B]: to what the identity gives
comes A x · (B y + r), a term of low rank, in which r is what was learned of that key alone. It
starts from zero, so that what was not taught stays as it was; and a new key, which has no r, is
compared by the same A and B.
"""

import itertools
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax

__all__ = ["Figures", "FitReport", "Lookups", "Projection", "Texts", "fit", "nothing"]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Words = tuple[str, ...]
QuantizedVectors = Places | slice

_EVERY = slice(None)
_RANK = 128
_GRAMS = 1 << 15  # words and pairs of words that have a row of their own, the most usual ones
_BATCH = 128
_EPOCHS = 15
_STEPS = 400  # at the least
_CHECKS = 15  # of the held-out part, on the way
_PATIENCE = 4  # checks without a better one
_FOLDS = 5
_FEW = 1000  # pairs, up to which each is held out in turn
_MIN_GAIN = 2.0  # standard errors by which the held-out loss must fall
_HELD_OUT = 10  # one in ten of more pairs than that
_RATE = 3e-3  # Adam's
_QUICK = 5.0  # times that, for the slope, which is one number
_DECAY = 0.5  # over the number of pairs: few of them leave the projections near the identity
_DROPPED = 0.3  # of the projected query
_UNSCORED = (0.5, 250)  # of many queries do without the zero-shot score, half so many of 250
_UNKEYED = 0.1  # of the keys do without their residuals in a step, as a new key has to


class Texts(NamedTuple):
    """What a projection sees of n texts."""

    words: Sequence[Words]
    meanings: Floats  # (n, d)


class Lookups(NamedTuple):
    """Labelled lookups: which keys each may mean, by what logit, and which one it does."""

    queries: Texts  # N
    keys: Sequence[str]  # K
    meanings: Floats  # (K, d) of the keys
    candidates: Places  # (N, C) places in keys
    logits: Floats  # (N, C) zero-shot, -inf for what a guard forbids; the null key's is 0
    right: Places  # (N,) place in candidates, C for the null key

    @classmethod
    def of(
        cls,
        queries: Texts,
        keys: Sequence[str],
        meanings: Floats,
        found: Sequence[tuple[Sequence[str], Floats]],
        right: Sequence[str | None],
    ) -> "Lookups":
        """Return the lookups of which each found these keys with these logits."""
        place = {key: i for i, key in enumerate(keys)}
        most = max((len(named) for named, _ in found), default=0)
        candidates = np.zeros((len(found), most), np.intp)
        logits = np.full((len(found), most), -np.inf, np.float32)
        rights = np.full(len(found), most, np.intp)
        for i, ((named, given), key) in enumerate(zip(found, right, strict=True)):
            candidates[i, : len(named)] = [place[name] for name in named]
            logits[i, : len(named)] = given
            if key is not None:
                rights[i] = named.index(key)
        return cls(queries, keys, meanings, candidates, logits, rights)


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


@dataclass(frozen=True)
class Projection:
    """The low-rank blocks A and B of W_Q and W_K, what each key learned, and the null key.

    The features of a query are its meaning [d], and the words and pairs of words that ``grams``
    names by their hashes [G], weighted by how rare they were in the pairs.
    """

    grams: NDArray[np.uint32]  # (G,) sorted
    weights: Floats  # (G,)
    query: Floats  # (d + G, R) A, transposed
    key: Floats  # (d, R) B, transposed: keys are too few to learn words from
    residuals: Mapping[str, Floats]  # (R + 1,) each; the last is the key's bias
    null: Floats  # (R + 1,)
    slope: float  # of the zero-shot logits

    @property
    def width(self) -> int:
        """The length of what `queries` and `keys` return, R + 1."""
        return len(self.null)

    def queries(self, texts: Texts) -> Floats:
        """Return A x of each text, and 1: float32 [n, R + 1]."""
        d = len(self.key)
        projected: Floats = texts.meanings @ self.query[:d]
        for row, words in zip(projected, texts.words, strict=True):
            places, weights = self._known(words)
            row += weights @ self.query[d + places]
        return _beside(projected, 1)

    def keys(self, names: Sequence[str], meanings: Floats) -> Floats:
        """Return B y + r of each key: float32 [n, R + 1]."""
        result = _beside(meanings @ self.key, 0)
        for row, name in zip(result, names, strict=True):
            if name in self.residuals:
                row += self.residuals[name]
        return result

    def logits(self, zero_shot: Floats, learned: Floats, query: Floats) -> Floats:
        """Return the logits of keys beside the null key's 0.

        ``zero_shot`` [..., C] and ``learned`` [..., C], the product of ``query`` [..., R + 1] and
        the keys.
        """
        null: Floats = (query @ self.null)[..., None]
        result: Floats = np.float32(self.slope) * zero_shot + learned - null
        return result

    def _known(self, words: Words) -> tuple[Places, Floats]:
        hashes = np.array(_hashes(words), np.uint32)
        places = np.searchsorted(self.grams, hashes)
        places = places[self.grams[np.minimum(places, len(self.grams) - 1)] == hashes]
        weights = self.weights[places]
        length = float(np.sqrt(weights @ weights))
        return places, weights / np.float32(max(length, 1e-6))


def _beside(rows: Floats, last: float) -> Floats:
    return np.hstack([rows, np.full((len(rows), 1), last, np.float32)])


def _hashes(words: Words) -> list[int]:
    """Return hashes of the words, of the pairs of neighbours, and of those one word apart."""
    told = ("", *words, "")
    grams = {*words, *map(" ".join, itertools.pairwise(told))}
    grams.update(map(" * ".join, zip(words, words[2:], strict=False)))
    return sorted({zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams})


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

    Lookups none of which means the null key say nothing of silence: they are learned from as if
    there were no null key.

    ``cutoff`` is the probability below which a lookup is silent, for the figures of the report;
    ``step`` is called after each step. O(N · (C + d) · R).
    """
    # A key that a guard forbids cannot be learned.
    chances = np.take_along_axis(_beside(lookups.logits, 0), lookups.right[:, None], 1)[:, 0]
    everything = np.flatnonzero(np.isfinite(chances))
    if validation is None:
        folds = [everything[fold] for fold in _folds(len(everything), seed)]
    else:
        folds = [np.intersect1d(np.asarray(validation, np.intp), everything)]
    if not folds or not 0 < len(folds[0]) < len(everything):
        return None, nothing(len(everything))
    null = 0.0 if (lookups.right == lookups.candidates.shape[1]).any() else -np.inf
    steps = max(_STEPS, _EPOCHS * -(-len(everything) // _BATCH))
    before: list[_Outcome] = []
    after: list[list[_Outcome]] = [[] for _ in range(_CHECKS)]
    with _one_thread:
        for fold in folds:
            held = _take(lookups, fold)
            before.append(_Outcome.of(held, held.logits, null, cutoff))
            taught = _take(lookups, np.setdiff1d(everything, fold))
            for check, projection in enumerate(_descend(taught, null, steps, seed, step)):
                after[check].append(_Outcome.of(held, _logits(projection, held), null, cutoff))
                losses = [outcomes[0].losses.sum() for outcomes in after[: check + 1]]
                if len(folds) == 1 and check - int(np.argmin(losses)) == _PATIENCE:
                    after = after[: check + 1]
                    break
        best = int(np.argmin([sum(each.losses.sum() for each in outcomes) for outcomes in after]))
        old, new = _Outcome.together(before), _Outcome.together(after[best])
        gain = old.losses - new.losses
        fitted = bool(gain.mean() > _MIN_GAIN * gain.std() / np.sqrt(len(gain)))
        report = FitReport(
            fitted, len(everything), len(gain), old.figures(), (new if fitted else old).figures()
        )
        if not fitted:
            return None, report
        if validation is not None:
            everything = np.setdiff1d(everything, folds[0])
        descent = _descend(_take(lookups, everything), null, steps, seed, step)
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


def nothing(pairs: int) -> FitReport:
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
        meant = softmax(_beside(logits, null))[np.arange(len(right)), right]
        return cls(
            -np.log(np.maximum(meant, 1e-9)),
            right == last,
            logits.argmax(axis=1) == right,
            softmax(_beside(logits, 0))[:, :last].max(axis=1) < cutoff,
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
    learned = np.take_along_axis(queries @ codes.T, lookups.candidates, 1)
    return projection.logits(lookups.logits, learned, queries)


class _Adam:
    """A parameter and its way down (Kingma and Ba, 2015)."""

    def __init__(self, value: NDArray[Any]) -> None:
        self.value: Floats = value.astype(np.float32)
        self._mean = np.zeros_like(self.value)
        self._square = np.zeros_like(self.value)

    def step(
        self, gradient: Floats, rate: float, done: int, rows: QuantizedVectors = _EVERY
    ) -> None:
        """Move the rows, all by default, in the ``done``-th step; ``gradient`` is overwritten.

        Most of a fit is spent here: all is done in place, in two buffers beside the parameter's.
        """
        mean, square = self._mean[rows], self._square[rows]
        change = gradient - mean
        change *= 0.1
        mean += change
        gradient *= gradient
        gradient -= square
        gradient *= 0.001
        square += gradient
        rate *= float(np.sqrt(1 - 0.999**done) / (1 - 0.9**done))
        np.multiply(mean, rate, out=change)
        np.sqrt(square, out=gradient)
        gradient += 1e-8
        change /= gradient
        self.value[rows] -= change
        if not isinstance(rows, slice):  # then these are copies
            self._mean[rows], self._square[rows] = mean, square


class _Bags:
    """The words and pairs of words of queries, as rows of a sparse matrix."""

    def __init__(self, texts: Sequence[Words]) -> None:
        hashed = [_hashes(words) for words in texts]
        counts = Counter(itertools.chain.from_iterable(hashed))
        usual = sorted(counts, key=lambda gram: (-counts[gram], gram))[:_GRAMS]
        self.grams = np.array(sorted(usual), np.uint32)
        often = np.array([counts[gram] for gram in self.grams.tolist()], np.float32)
        self.weights = np.log(1 + len(texts) / often).astype(np.float32)
        place = {gram: i for i, gram in enumerate(self.grams.tolist())}
        self._rows = [
            np.array([place[gram] for gram in text if gram in place], np.intp) for text in hashed
        ]
        few = 0 < len(texts) <= _BATCH  # so that they are one batch, in another order each time
        self._whole = self._dense(np.arange(len(texts)))[1] if few else None

    def __getitem__(self, batch: Places) -> tuple[QuantizedVectors, Floats]:
        """Return the columns that the rows of a batch have, and the dense rows: [b, columns]."""
        return self._dense(batch) if self._whole is None else (_EVERY, self._whole[batch])

    def _dense(self, batch: Places) -> tuple[Places, Floats]:
        rows = [self._rows[i] for i in batch]
        columns, inside = np.unique(np.concatenate(rows), return_inverse=True)
        bag = np.zeros((len(batch), len(columns)), np.float32)
        bag[np.repeat(np.arange(len(batch)), [len(row) for row in rows]), inside] = 1
        bag *= self.weights[columns]
        bag /= np.maximum(np.sqrt((bag * bag).sum(axis=1, keepdims=True)), 1e-6)
        return columns, bag


def _descend(
    lookups: Lookups, null: float, steps: int, seed: int, step: Callable[[int], object]
) -> Iterator[Projection]:
    """Yield the projection at each of the checks on the way down."""
    rng = np.random.default_rng(seed)
    n, last = lookups.candidates.shape
    d, rank = lookups.meanings.shape[1], _RANK
    bags = _Bags(lookups.queries.words)
    spread = rank**-0.5
    words = _Adam(rng.normal(0, spread, (len(bags.grams), rank)))
    meanings = _Adam(rng.normal(0, spread, (d, rank)))
    key = _Adam(np.zeros((d, rank)))
    residuals = _Adam(np.zeros((len(lookups.keys), rank + 1)))
    no_match = _Adam(np.zeros(rank + 1))
    slope = _Adam(np.zeros(1))  # its logarithm
    decay, unscored = _DECAY / n, _UNSCORED[0] * n / (n + _UNSCORED[1])
    masks = np.isneginf(lookups.logits)
    zero_shot = np.where(masks, 0, lookups.logits)
    order = np.empty(0, np.intp)
    checks = {round((check + 1) * steps / _CHECKS) for check in range(_CHECKS)}
    for done in range(1, steps + 1):
        if not len(order):
            order = rng.permutation(n)
        batch, order = order[:_BATCH], order[_BATCH:]
        columns, bag = bags[batch]
        meaning, candidates = lookups.queries.meanings[batch], lookups.candidates[batch]
        each, right = np.arange(len(batch)), lookups.right[batch]

        # Forward. Half of the queries do without the zero-shot score, so that what is learned does
        # not lean on it, and some keys without their residuals, so that A and B learn to do.
        given = zero_shot[batch] * _kept(rng, (len(batch), 1), unscored)
        kept = _kept(rng, (len(batch), rank), _DROPPED) / np.float32(1 - _DROPPED)
        with_residual = _kept(rng, (len(lookups.keys), 1), _UNKEYED)
        hidden = _beside((bag @ words.value[columns] + meaning @ meanings.value) * kept, 1)
        codes = with_residual * residuals.value
        codes[:, :rank] += lookups.meanings @ key.value
        scale = np.exp(slope.value)
        logits = (hidden @ codes.T)[each[:, None], candidates]
        logits += scale * given
        logits -= (hidden @ no_match.value)[:, None]
        logits[masks[batch]] = -np.inf

        # Backward, from the gradient of the logits and of the null key's.
        error = softmax(_beside(logits, null))
        error[each, right] -= 1
        error /= len(batch)
        of_logits, of_null = error[:, :last], error[:, last]
        of_products = np.zeros((len(batch), len(lookups.keys)), np.float32)
        np.add.at(of_products, (each[:, None], candidates), of_logits)
        of_codes = of_products.T @ hidden
        of_hidden = of_products @ codes + of_null[:, None] * no_match.value
        of_projected = of_hidden[:, :rank] * kept
        rate = _RATE * (1 - (done - 1) / steps)
        slope.step(scale * (of_logits * given).sum(), _QUICK * rate, done)
        no_match.step(of_null @ hidden + decay * no_match.value, rate, done)
        residuals.step(with_residual * of_codes + decay * residuals.value, rate, done)
        key.step(lookups.meanings.T @ of_codes[:, :rank] + decay * key.value, rate, done)
        meanings.step(meaning.T @ of_projected, rate, done)
        words.step(bag.T @ of_projected, rate, done, columns)
        step(1)
        if done in checks:
            yield Projection(
                bags.grams,
                bags.weights,
                np.vstack([meanings.value, words.value]),
                key.value.copy(),
                dict(zip(lookups.keys, residuals.value.copy(), strict=True)),
                no_match.value.copy(),
                float(np.exp(slope.value[0])),
            )


def _kept(rng: "np.random.Generator", shape: tuple[int, int], dropped: float) -> Floats:
    return (rng.random(shape, np.float32) >= dropped).astype(np.float32)
