"""What a lookup makes of the values: `Attention`, the weights of the keys and the blended value."""

from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.embedders import Embedder

__all__ = ["Attention", "weigh"]

Floats = NDArray[np.float32]


def weigh(logits: Floats, cutoff: float, temperature: float = 1.0) -> tuple[Floats, float]:
    """Return the weights of the keys, [n], and the null key's, which sum to one.

    softmax(logits / temperature), where the null key stands beside the keys. At temperature 1 its
    logit is 0 and the weights are the calibrated probabilities; towards 0 it is that of a
    probability equal to the ``cutoff``, so that all weight goes to the key that a hard lookup
    finds, or to the null key where it finds none.
    """
    null = 0.0
    if temperature < 1:
        total = float(np.logaddexp.reduce(np.append(logits, 0).astype(np.float64)))
        null = (1 - temperature) * (total + float(np.log(max(cutoff, 1e-9))))
    weights = softmax(np.append(logits.astype(np.float64), null) / temperature)
    return weights[:-1].astype(np.float32), float(weights[-1])


class Attention:
    """The answer of a soft lookup: how much each key was meant, and what the values make together.

    - ``weights``: key → weight, the largest first, keys of no weight left out;
    - ``silence``: the weight of the null key, that none was meant; with the weights it sums to one;
    - ``keys``: those of ``weights``; ``best``: the first, None where there is none.

    >>> from fuzzydict import FuzzyDict
    >>> speed = FuzzyDict({"walk": 5, "run": 12}).attend("jog")
    >>> speed.best, 0 < speed.value < 12
    ('run', True)
    """

    __slots__ = ("_embedder", "_values", "silence", "weights")

    def __init__(
        self, weights: dict[Any, float], values: list[Any], silence: float, embedder: Embedder
    ) -> None:
        self.weights = MappingProxyType(weights)
        self.silence = silence
        self._values = values  # those of the keys of weights
        self._embedder = embedder

    def __repr__(self) -> str:
        shown = [f"{key!r}: {weight:.2f}" for key, weight in list(self.weights.items())[:5]]
        more = [f"… {len(self.weights) - 5} more"] if len(self.weights) > 5 else []
        return f"<Attention {', '.join([*shown, *more, f'silence: {self.silence:.2f}'])}>"

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
        """The sum of the values, each times its weight: a number, or an array of their shape.

        The null key's value is zero. ``TypeError`` where the values are not all numbers, nor all
        arrays of numbers of one shape.
        """
        arrays = [_numbers(value) for value in self._values]
        shapes = {None if array is None else array.shape for array in arrays}
        if len(shapes) > 1 or None in shapes:
            kinds = sorted({type(value).__name__ for value in self._values})
            raise TypeError(
                f"values of {', '.join(kinds)} have no weighted sum; .vote() adds the weights of "
                "equal values, .vector blends texts, .best names one key"
            )
        if not arrays:
            return 0.0
        blend = np.tensordot(np.fromiter(self.weights.values(), float), np.array(arrays), 1)
        return blend if blend.ndim else blend.item()

    def vote(self) -> dict[Any, float]:
        """Return the weights of equal values added up: value → weight, the largest first.

        ``TypeError`` for values that are not hashable.
        """
        votes: dict[Any, float] = {}
        for value, weight in zip(self._values, self.weights.values(), strict=True):
            votes[value] = votes.get(value, 0.0) + weight
        return dict(sorted(votes.items(), key=lambda vote: -vote[1]))

    @property
    def vector(self) -> Floats:
        """The sum of the embedded values, each times its weight: many texts in one vector, [d].

        ``TypeError`` where a value is no text. One call of the embedder.
        """
        return np.fromiter(self.weights.values(), np.float32) @ self._embedded()

    def nearest(self) -> Any:
        """Return the value whose vector has the largest cosine with `vector`; None without keys."""
        if not self._values:
            return None
        rows = self._embedded()
        return self._values[int((rows @ self.vector).argmax())]

    def _embedded(self) -> Floats:
        for value in self._values:
            if not isinstance(value, str):
                raise TypeError(f"only texts are embedded, not {value!r}; .value blends numbers")
        return self._embedder.encode(self._values or [""])[: len(self._values)]


def _numbers(value: object) -> NDArray[Any] | None:
    """Return a number or an array of numbers as an array, None for all else."""
    try:
        array = np.asarray(float(value) if isinstance(value, Decimal | Fraction) else value)
    except ValueError:  # lists of several lengths
        return None
    return array if array.dtype.kind in "biufc" else None
