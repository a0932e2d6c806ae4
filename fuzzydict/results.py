"""What a lookup makes of the values: `Attention`, the weights of the keys and the blended value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.model.embedders import Embedder

__all__ = ["Attention", "weigh"]

Floats = NDArray[np.float32]

_LEAST = float(np.finfo(np.float32).tiny)  # stands in for a cutoff of 0, whose logarithm is none


def weigh(logits: Floats, cutoff: float, temperature: float = 1.0) -> tuple[Floats, float]:
    """Return the weights of the keys, [n], and the null key's, which sum to one.

        softmax([logits, null] / temperature)

    ``logits`` [n] are calibrated, -inf for a key that a guard forbids; ``cutoff`` is from 0 to 1
    and ``temperature`` above 0. At temperature 1 and above, null is 0 and the weights at 1 are the
    calibrated probabilities. Below 1 it moves, in a straight line, to the logit of a key whose
    probability is the cutoff, log(cutoff · Σ exp([logits, 0])): towards 0 all weight goes to the
    key that a hard lookup finds, or to the null key where it finds none. O(n).

    >>> logits = np.log(np.array([6, 3], np.float32))  # probabilities of 0.6, 0.3; 0.1 for none
    >>> for cutoff, temperature in [(0.5, 1.0), (0.5, 0.01), (0.7, 0.01)]:
    ...     weights, no_match = weigh(logits, cutoff, temperature)
    ...     print(weights.round(2).tolist(), round(no_match, 2))
    [0.6..., 0.3...] 0.1
    [1.0, 0.0] 0.0
    [0.0, 0.0] 1.0
    """
    null = 0.0
    if temperature < 1:
        total = float(np.logaddexp.reduce(np.append(logits, 0).astype(np.float64)))
        null = (1 - temperature) * (total + float(np.log(max(cutoff, _LEAST))))
    weights = softmax(np.append(logits.astype(np.float64), null) / temperature)
    return weights[:-1].astype(np.float32), float(weights[-1])


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Attention:
    """The answer of a soft lookup: how much each key was meant, and what the values make together.

    Immutable, with

    - ``weights``: key → weight above 0, the largest first;
    - ``no_match``: the weight of the null key, that none was meant; all weights sum to one;
    - ``keys``: those of ``weights``; ``best``: the first, None where there is none.

    ``value``, ``vote()``, ``vector`` and ``nearest()`` make one answer of the values, each for
    another kind of them. The values are those of the moment of the lookup.

    >>> from fuzzydict import FuzzyDict
    >>> speed = FuzzyDict({"walk": 5, "run": 12}).attend("runs")
    >>> speed.best, 0 < speed.value < 12
    ('run', True)
    """

    weights: Mapping[Any, float]
    _values: Sequence[Any]  # those of the keys of weights
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

    @property
    def keys(self) -> list[Any]:
        """The keys, the one of the largest weight first."""
        return list(self.weights)

    @property
    def best(self) -> Any:
        """The key of the largest weight, None where no key has any."""
        return next(iter(self.weights), None)

    @property
    def value(self) -> Any:
        """The sum Σ weight · value: a float, or an array of the shape of the values.

        Numbers are those of Python and NumPy, truth values too (the sum is then the weight of
        those that are true); lists and tuples of numbers count as arrays. The null key's value is
        zero, so that the sum shrinks towards zero with the weight of the null key; divide by
        ``1 - no_match`` for the mean of the keys' values. 0.0 where no key has any weight.

        ``TypeError`` where the values are not all numbers, nor all arrays of numbers of one shape.
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
        """Return the weights of equal values added up: value → weight, the largest first.

        With ``no_match`` they sum to one. ``TypeError`` for values that are not hashable.
        """
        votes: dict[Any, float] = {}
        for value, weight in zip(self._values, self.weights.values(), strict=True):
            votes[value] = votes.get(value, 0.0) + weight
        return dict(sorted(votes.items(), key=lambda vote: -vote[1]))

    @property
    def vector(self) -> Floats:
        """The sum Σ weight · embedding of the value: many texts in one vector, float32 [d].

        Zeros where no key has any weight. ``TypeError`` where a value is no text. One call of the
        embedder.
        """
        return self._blend(self._embedded())

    def nearest(self) -> Any:
        """Return the value whose embedding has the largest cosine with `vector`.

        The one of the larger weight where two are equal, None where no key has any weight.
        ``TypeError`` where a value is no text. One call of the embedder.
        """
        if not self._values:
            return None
        rows = self._embedded()  # (n, d), of unit length
        return self._values[int((rows @ self._blend(rows)).argmax())]

    def _blend(self, rows: Floats) -> Floats:
        return np.fromiter(self.weights.values(), np.float32) @ rows

    def _embedded(self) -> Floats:
        for value in self._values:
            if not isinstance(value, str):
                raise TypeError(
                    f"only texts are embedded, not {value!r}: .value blends numbers, .vote() adds "
                    "the weights of equal values"
                )
        return self._embedder.encode(self._values or [""])[: len(self._values)]


def _numbers(value: object) -> NDArray[Any] | None:
    """Return a number or an array of numbers as an array, None for all else."""
    from decimal import Decimal

    try:
        array = np.asarray(value)
    except ValueError:  # lists of several lengths
        return None
    if array.dtype == object and all(isinstance(item, Real | Decimal) for item in array.flat):
        array = array.astype(float)
    return array if array.dtype.kind in "biufc" else None
