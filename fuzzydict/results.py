"""The result of a soft lookup: `Attention`, a weight for each key and ways to blend the values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.model.embedders import Embedder

__all__ = ["Attention", "attention_weights", "null_logit", "weigh"]

Floats = NDArray[np.float32]

_TINY = float(np.finfo(np.float32).tiny)  # replaces a cutoff of 0, which has no logarithm


_SHOWN = 10  # keys in a notebook
_SHARPNESS = 5.9  # of relatedness: a difference in cosine of 0.17 is a factor of e in weight


def attention_weights(
    logits: Floats, cosines: Floats, cutoff: float, temperature: float = 1.0
) -> tuple[Floats, float]:
    """Return weights of keys that sum to one, and the probability that none of them is meant.

    A key has the probability that it is meant. The rest, the probability of no match, is shared
    among the keys by how related they are: by softmax over ``cosines``, [n]. Keys of the logit
    -inf have no weight. O(n).

    >>> logits, cosines = np.array([-3.0, -3.0]), np.array([0.4, 0.1])
    >>> weights, no_match = attention_weights(logits, cosines, cutoff=0.5)
    >>> [round(weight, 2) for weight in weights.tolist()], round(no_match, 2)
    ([0.82, 0.18], 0.91)
    """
    weights, no_match = weigh(logits, cutoff, temperature)
    allowed = np.isfinite(logits)
    if not allowed.any():
        return weights, no_match
    related = np.where(allowed, _SHARPNESS / temperature * cosines, -np.inf)
    return weights + np.float32(no_match) * softmax(related).astype(np.float32), no_match


def weigh(logits: Floats, cutoff: float, temperature: float = 1.0) -> tuple[Floats, float]:
    """Return the weights of the keys, [n], and of the null key, which sum to one.

        softmax([logits, null] / temperature)

    null is `null_logit`. At temperature 1 the weights are the calibrated probabilities. Towards 0
    all weight goes to the key that a hard lookup finds, or to the null key if it finds none. O(n).

    Args:
        logits: [n], calibrated; -inf for a key that a guard forbids.
        cutoff: 0 to 1.
        temperature: Above 0.

    >>> logits = np.log(np.array([6, 3], np.float32))  # probabilities of 0.6, 0.3; 0.1 for none
    >>> for cutoff, temperature in [(0.5, 1.0), (0.5, 0.01), (0.7, 0.01)]:
    ...     weights, no_match = weigh(logits, cutoff, temperature)
    ...     print(weights.round(2).tolist(), round(no_match, 2))
    [0.6..., 0.3...] 0.1
    [1.0, 0.0] 0.0
    [0.0, 0.0] 1.0
    """
    null = null_logit(logits, cutoff, temperature)
    weights = softmax(np.append(logits.astype(np.float64), null) / temperature)
    return weights[:-1].astype(np.float32), float(weights[-1])


def null_logit(logits: Floats, cutoff: float, temperature: float) -> float:
    """Return the logit of the null key beside logits of keys, [n].

    It is 0 at temperature 1 and above. Below 1, it moves linearly to the logit of a key whose
    probability is the cutoff, log(cutoff · Σ exp([logits, 0])). O(n).

    >>> [round(null_logit(np.zeros(1, np.float32), 0.9, t), 2) for t in (2.0, 0.5, 0.01)]
    [0.0, 0.29, 0.58]
    """
    if temperature >= 1:
        return 0.0
    total = float(np.logaddexp.reduce(np.append(logits, 0).astype(np.float64)))
    return (1 - temperature) * (total + float(np.log(max(cutoff, _TINY))))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Attention:
    """The result of a soft lookup: a weight for each key, and ways to blend the values.

    ``value``, ``vote()``, ``vector`` and ``nearest()`` blend different kinds of values, as they
    were at the time of the lookup. Immutable.

    Attributes:
        weights: Key → weight above 0, the largest first. They sum to one, unless no key may have a
            weight; if the null key takes part, to ``1 - no_match``.
        no_match: The probability, at temperature 1, that no key was meant.

    >>> from fuzzydict import FuzzyDict
    >>> speed = FuzzyDict({"walk": 5, "run": 12}).attend("runs")
    >>> speed.best, 0 < speed.value < 12
    ('run', True)
    """

    weights: Mapping[Any, float]
    _values: Sequence[Any]  # of the keys of weights
    no_match: float
    _embedder: Embedder

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Attention, (dict(self.weights), self._values, self.no_match, self._embedder)

    def __repr__(self) -> str:
        shown = [f"{key!r}: {weight:.2f}" for key, weight in list(self.weights.items())[:5]]
        more = [f"… {len(self.weights) - 5} more"] if len(self.weights) > 5 else []
        return f"<Attention {', '.join([*shown, *more, f'no match: {self.no_match:.2f}'])}>"

    def _repr_html_(self) -> str:
        """Return a table of the largest weights for a notebook."""
        from fuzzydict.notebook import table

        rows = [
            ([repr(key), repr(value)], weight)
            for (key, weight), value in zip(self.weights.items(), self._values, strict=True)
        ]
        others = sum(weight for _, weight in rows[_SHOWN:])
        more = [([f"{len(rows) - _SHOWN} other keys", ""], others)] if rows[_SHOWN:] else []
        null = (["(no match)", ""], self.no_match)
        return table(["key", "value", "weight"], [*rows[:_SHOWN], *more, null])

    @property
    def keys(self) -> list[Any]:
        """The keys, the one with the largest weight first."""
        return list(self.weights)

    @property
    def best(self) -> Any:
        """The key with the largest weight, None if no key has any."""
        return next(iter(self.weights), None)

    @property
    def value(self) -> Any:
        """The sum Σ weight · value: a float, or an array of the shape of the values.

        Values are Python or NumPy numbers, Booleans (the sum is then the weight of True), or
        arrays, lists or tuples of numbers. The value of the null key, if it takes part, is zero.
        0.0 if no key has any weight.

        Raises:
            TypeError: The values are neither all numbers, nor all arrays of one shape.
        """
        arrays = [_numbers(value) for value in self._values]
        shapes = {None if array is None else array.shape for array in arrays}
        if len(shapes) > 1 or None in shapes:
            kinds = sorted({type(value).__name__ for value in self._values})
            if None not in shapes:
                kinds = [f"the shapes {', '.join(sorted(map(str, shapes)))}"]
            raise TypeError(
                f"values of {', '.join(kinds)} have no weighted sum: .vote() adds the "
                "weights of equal values, .vector blends texts, .best names one key"
            )
        if not arrays:
            return 0.0
        blend = np.tensordot(np.fromiter(self.weights.values(), float), np.array(arrays), 1)
        return blend if blend.ndim else blend.item()

    def vote(self) -> dict[Any, float]:
        """Return value → sum of its weights, the largest first.

        ``TypeError`` for values that are not hashable.
        """
        votes: dict[Any, float] = {}
        for value, weight in zip(self._values, self.weights.values(), strict=True):
            votes[value] = votes.get(value, 0.0) + weight
        return dict(sorted(votes.items(), key=lambda vote: -vote[1]))

    @property
    def vector(self) -> Floats:
        """The sum Σ weight · embedding of the value, for values that are texts: float32 [d].

        Zeros if no key has any weight. ``TypeError`` if a value is not text. One call of the
        embedder.
        """
        return self._blend(self._embedded())

    def nearest(self) -> Any:
        """Return the value whose embedding has the largest cosine with `vector`.

        The one with the larger weight if two are equal, None if no key has any weight.
        ``TypeError`` if a value is not text. One call of the embedder.
        """
        if not self._values:
            return None
        vectors = self._embedded()  # (n, d), of unit length
        return self._values[int((vectors @ self._blend(vectors)).argmax())]

    def _blend(self, vectors: Floats) -> Floats:
        return np.fromiter(self.weights.values(), np.float32) @ vectors

    def _embedded(self) -> Floats:
        for value in self._values:
            if not isinstance(value, str):
                raise TypeError(
                    f"only texts are embedded, not {value!r}: .value blends numbers, .vote() adds "
                    "the weights of equal values"
                )
        return self._embedder.encode(self._values or [""])[: len(self._values)]


def _numbers(value: object) -> NDArray[Any] | None:
    """Return a number or an array of numbers as an array, None for anything else."""
    from decimal import Decimal

    try:
        array = np.asarray(value)
    except ValueError:  # lists of several lengths
        return None
    if array.dtype == object and all(isinstance(item, Real | Decimal) for item in array.flat):
        array = array.astype(float)
    return array if array.dtype.kind in "biufc" else None
