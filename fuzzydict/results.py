"""Results of lookups: `Match`, `NoMatchError`, and the `Attention` of a soft lookup."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.model.embedders import Embedder

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

__all__ = ["Attention", "Match", "NoMatchError", "Ranking", "weigh"]

Floats = NDArray[np.float32]
Ranking = Sequence[tuple[str, float]]  # keys with their scores, best first

_TINY = float(np.finfo(np.float32).tiny)  # replaces a cutoff of 0, which has no logarithm


if TYPE_CHECKING:  # a NamedTuple cannot be generic before Python 3.11
    K_co = TypeVarWithDefault("K_co", covariant=True, default=Any)
    V_co = TypeVarWithDefault("V_co", covariant=True, default=Any)

    class Match(NamedTuple, Generic[K_co, V_co]):
        """A key that matches a query, its value, and the probability that it was meant."""

        key: K_co
        value: V_co
        score: float

else:

    class Match(NamedTuple):
        """A key that matches a query, its value, and the probability that it was meant."""

        key: Any
        value: Any
        score: float


class NoMatchError(KeyError):
    """Raised when no key matches the query well enough.

    ``matches`` has up to three closest keys, best first, with the values and scores of the time of
    the lookup. ``query`` is also ``args[0]``, as in the `KeyError` of a dict. The error does not
    refer to the dictionary.
    """

    def __init__(
        self,
        query: object,
        matches: Iterable[Match[Any, Any]] | Callable[[], Iterable[Match[Any, Any]]] = (),
    ) -> None:
        super().__init__(query)
        self.query = query
        self._matches = matches

    @property
    def matches(self) -> tuple[Match, ...]:
        """The closest keys with their values and scores, best first."""
        if not isinstance(self._matches, tuple):
            matches = self._matches() if callable(self._matches) else self._matches
            self._matches = tuple(matches)
        return self._matches

    def __str__(self) -> str:
        closest = ", ".join(f"{match.key!r} {match.score:.2f}" for match in self.matches)
        return f"{self.query!r}" + (f" (closest: {closest})" if closest else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.query, self.matches)


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
    ...     weights, silence = weigh(logits, cutoff, temperature)
    ...     print(weights.round(2).tolist(), round(silence, 2))
    [0.6..., 0.3...] 0.1
    [1.0, 0.0] 0.0
    [0.0, 0.0] 1.0
    """
    null = 0.0
    if temperature < 1:
        total = float(np.logaddexp.reduce(np.append(logits, 0).astype(np.float64)))
        null = (1 - temperature) * (total + float(np.log(max(cutoff, _TINY))))
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
        return f"<Attention {', '.join([*shown, *more, f'silence: {self.no_match:.2f}'])}>"

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
        zero, so that the sum shrinks towards zero with the silence; divide by ``1 - silence`` for
        the mean of the keys' values. 0.0 where no key has any weight.

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
    try:
        array = np.asarray(value)
    except ValueError:  # lists of several lengths
        return None
    if array.dtype == object and all(isinstance(item, Real | Decimal) for item in array.flat):
        array = array.astype(float)
    return array if array.dtype.kind in "biufc" else None
