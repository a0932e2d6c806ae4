"""The soft lookup: `attend`, a weight for every key and one value blended from theirs."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from fuzzydict.options import check_count, check_positive
from fuzzydict.primitives import MISSING, Primitives

if TYPE_CHECKING:
    from fuzzydict.ranking.candidates import Candidates
    from fuzzydict.results import Attention

__all__ = ["Attending", "as_queries"]

K = TypeVar("K")
V = TypeVar("V")


class Attending(Primitives[K, V]):
    """The soft lookup of every fuzzy mapping."""

    __slots__ = ()

    @overload
    def attend(
        self,
        query: str | bytes,
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
        null_key: bool = ...,
    ) -> "Attention": ...
    @overload
    def attend(  # type: ignore[overload-overlap]
        self,
        query: Iterable[Any],
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
        null_key: bool = ...,
    ) -> "list[Attention]": ...
    @overload
    def attend(
        self,
        query: object,
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
        null_key: bool = ...,
    ) -> "Attention": ...

    def attend(
        self,
        query: Any,
        *,
        temperature: float | None = None,
        n: int | None = None,
        mask: Iterable[Any] | Callable[[Any], bool] | None = None,
        null_key: bool = False,
    ) -> "Attention | list[Attention]":
        """Return a weight for each key, and the values blended by these weights.

        The weights sum to one. A key has the probability that it is meant. The probability that
        none is meant is reported as ``no_match``, and shared among the keys by how related they
        are to the query: softmax of the cosines of their meanings. ``d[query]`` is the limit of
        this soft lookup at ``temperature`` zero. O(len(self) · d) and n scores for each query.

        Args:
            query: Text, bytes or anything else that is not iterable is one query. Any other
                iterable, such as a list, a tuple or a pandas column, is many queries, which are
                answered by one matrix product. So pass a key that is a tuple as ``[key]``.
            temperature: At 1, the default, probabilities are the calibrated ones; a higher one
                makes the weights more equal.
            n: How many of the nearest keys get a weight; by default the best 16 of the nearest 64.
            mask: The keys that may get a weight, or a function that returns True for them.
            null_key: Let the null key take part, whose value is zero: the weight of each key is the
                probability that it is meant, and that of the null key is ``no_match``.

        Returns:
            An `Attention` for one query, a list of them for many.

        Raises:
            ValueError: ``temperature`` is not positive, ``n`` is below 1, or ``mask`` names a key
                that does not exist.

        >>> from fuzzydict import FuzzyDict
        >>> car = FuzzyDict({"top speed": 9, "horse power": 8, "color": 1})
        >>> car.attend("performance").best != "color"
        True
        """
        temperature = 1.0 if temperature is None else check_positive(temperature, "temperature")
        n = None if n is None else check_count(n, "n")
        among = None if mask is None else self._masked_keys(mask)
        if _is_one(query):
            return self._attend([query], temperature, n, among, null_key)[0]
        return self._attend(as_queries(query), temperature, n, among, null_key)

    def _masked_keys(self, mask: Iterable[Any] | Callable[[Any], bool]) -> dict[Any, None]:
        """Return the keys that a mask allows, in their order."""
        if callable(mask):
            return {key: None for key in self._keys() if mask(key)}
        keys = dict.fromkeys(mask)
        existing = self._among(keys)
        for key in keys:
            if key not in existing:
                raise ValueError(f"the mask names {key!r}, which is no key")
        return keys

    def _attend(
        self,
        queries: list[Any],
        temperature: float,
        n: int | None,
        among: dict[Any, None] | None,
        null_key: bool,
    ) -> "list[Attention]":
        from fuzzydict.results import Attention

        texts = [query for query in queries if self._is_fuzzy(query)]
        with self._lock:
            ranker, cutoff = self._synced_ranker(), self.cutoff
            keys = None if among is None else {key: None for key in among if key in ranker}
            found = ranker.candidates(texts, n, keys, cosines=not null_key) if texts else []
        candidates = iter(found)
        result = []
        for query in queries:
            weights: dict[Any, float] = {}
            no_match = 1.0
            if self._is_fuzzy(query):
                weights, no_match = _weights(next(candidates), query, cutoff, temperature)
            elif self._is_key(query) and (among is None or query in among):
                weights, no_match = {query: 1.0}, 0.0
            values = dict(zip(weights, self._values(weights), strict=True))
            values = {key: value for key, value in values.items() if value is not MISSING}
            weights = {key: weights[key] for key in values}
            result.append(Attention(weights, list(values.values()), no_match, ranker.embedder))
        return result


def _weights(
    candidates: "Candidates", query: str, cutoff: float, temperature: float
) -> tuple[dict[Any, float], float]:
    """Return key → weight, largest first, and the probability of no match."""
    from fuzzydict.results import attention_weights, weigh

    if query in candidates.keys:
        cutoff = 0.0  # an exact key always wins
    logits, cosines = candidates.logits, candidates.cosines
    if cosines is None:
        weights, no_match = weigh(logits, cutoff, temperature)
    else:
        weights, no_match = attention_weights(logits, cosines, cutoff, temperature)
    order = sorted(candidates.order(), key=lambda i: -float(weights[i]))
    return {candidates.keys[i]: float(weights[i]) for i in order if weights[i] > 0}, no_match


def as_queries(queries: Iterable[Any]) -> list[Any]:
    """Return queries as a list, those of Arrow as Python objects."""
    if _is_one(queries):
        raise TypeError(
            f"expected an iterable of queries, got {queries!r}: pass [query], or use get or match"
        )
    convert = getattr(queries, "to_pylist", None)
    return list(queries if convert is None else convert())


def _is_one(query: object) -> bool:
    """Return True for a single query, False for an iterable of queries."""
    return isinstance(query, (str, bytes, bytearray)) or not isinstance(query, Iterable)
