"""`FuzzyMapping`: the lookups that all fuzzy mappings share, wherever their items are.

Reading order: `fuzzydict.primitives` (what a mapping provides), this module, then
`fuzzydict.attending` (soft lookups) and `fuzzydict.teaching` (learning from labelled queries).
"""

import functools
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from fuzzydict.attending import Attending, as_queries
from fuzzydict.dataframes import as_column
from fuzzydict.equal_values import LEAST_SHARE, combined, probable
from fuzzydict.log import LOG
from fuzzydict.matches import Match, NoMatchError, Ranking
from fuzzydict.model.embedders import EmbedderError
from fuzzydict.options import check_count, check_prior, check_probability
from fuzzydict.primitives import MISSING
from fuzzydict.progress import Progress, progress_bars
from fuzzydict.ranking.ranker import SHORTLIST
from fuzzydict.teaching import Teaching

if TYPE_CHECKING:
    from fuzzydict.ranking.explanation import Explanation

__all__ = ["CLOSEST", "FuzzyMapping"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

CLOSEST = 3  # keys that an error names
_BATCH = 256  # queries that are searched together
_KEY = operator.itemgetter(0)  # of a key and its score
_ROUNDING = 1e-5  # scores computed in a batch differ by less


class FuzzyMapping(Attending[K, V], Teaching[K, V]):
    """The lookups of a fuzzy mapping, which all use the same ranking."""

    __slots__ = ()

    def __missing__(self, query: Any, /) -> V:
        best, ranking = self._find(query)
        if best is not None:
            value = self._exact_value(best[0])
            if value is not MISSING:
                return value  # type: ignore[no-any-return, unused-ignore]
        ranking = (self._suggestions(query) if self._strict else ranking)[:CLOSEST]
        values = self._values(list(map(_KEY, ranking)))
        matches = functools.partial(_matches, ranking, values)
        raise NoMatchError(query, matches, strict=self._strict)

    def _suggestions(self, query: object) -> Ranking:
        """Return the closest keys of a query that a strict dictionary has missed."""
        if not self._is_text(query):
            return ()
        try:
            return self._combined(self._ranking(query))
        except EmbedderError:  # a miss is a miss, even if an embedding service is down
            return ()

    def __contains__(self, query: object, /) -> bool:
        """Return True if ``d[query]`` finds a key."""
        return self._is_key(query) or self._find(query)[0] is not None

    @overload
    def get(self, query: object, default: None = None, /) -> V | None: ...
    @overload
    def get(self, query: object, default: T, /) -> V | T: ...

    def get(self, query: object, default: Any = None, /) -> Any:
        """Return ``d[query]``, or ``default`` if no key matches."""
        value = self._exact_value(query)
        if value is MISSING:
            best, _ = self._find(query)
            value = default if best is None else self._exact_value(best[0], default)
        return value

    def match(
        self, query: object, *, cutoff: float | None = None, prior: float | None = None
    ) -> Match[K, V] | None:
        """Return the key that ``d[query]`` finds, with its value and score, or None.

        An exact key has the score 1. ``cutoff`` and ``prior`` replace those of the dictionary.

        >>> from fuzzydict import FuzzyDict
        >>> FuzzyDict({"color": "red"}).match("color")
        Match(key='color', value='red', score=1.0)
        """
        cutoff = self._cutoff if cutoff is None else check_probability(cutoff, "cutoff")
        key: Any = query
        value, score = self._exact_value(key), 1.0
        if value is MISSING:
            best, _ = self._find(query, cutoff, prior)
            if best is None:
                return None
            key, score = best
            value = self._exact_value(key)
        return None if value is MISSING else Match(key, value, score)

    def matches(
        self,
        query: object,
        n: int = 5,
        *,
        cutoff: float | None = None,
        prior: float | None = None,
    ) -> list[Match[K, V]]:
        """Return up to ``n`` keys with a score of at least ``cutoff``, best first.

        The first one is that of `match`; a smaller ``n`` returns a prefix of the same list. Keys
        that a guard forbids are left out, with a ``cutoff`` of 0.0 too.

        Args:
            query: The query.
            n: At least 1, else ``ValueError``.
            cutoff: Replaces the cutoff of the dictionary.
            prior: Replaces the prior of the dictionary: the share of queries that have a key.
        """
        n = check_count(n, "n")
        cutoff = self._cutoff if cutoff is None else check_probability(cutoff, "cutoff")
        exact = self._exact_value(query)
        result: list[Match[Any, Any]] = [] if exact is MISSING else [Match(query, exact, 1.0)]
        if self._is_text(query) and cutoff != 1.0 and len(result) < n:
            with self._lock:
                cutoff = self.cutoff if cutoff is None else cutoff
                ranking = self._ranker_with(prior).rank(query, max(n, SHORTLIST))
            ranking = self._combined(ranking)
            ranking = [each for each in ranking if each[1] >= cutoff and each[0] != query]
            result += _matches(ranking, self._values([key for key, _ in ranking]))
        return result[:n]

    def explain(self, query: object, n: int = 5) -> "Explanation":
        """Explain why the query finds its key or none, with the scores of the ``n`` best keys.

        ``print`` shows it as a table; see `fuzzydict.ranking.explanation.Explanation`. At most 16
        keys are shown. ``ValueError`` for an ``n`` below 1. As slow as five inexact lookups.

        >>> from fuzzydict import FuzzyDict
        >>> FuzzyDict({"color": "red"}).explain("colour").verdict
        'found'
        """
        from fuzzydict.ranking.evidence import score_breakdowns
        from fuzzydict.ranking.explanation import explanation

        n = check_count(n, "n")
        with self._lock:
            answer = next(iter(self.matches(query, 1)), None)
            breakdowns, against = (
                score_breakdowns(self._ranker_for([query]), query)
                if self._is_fuzzy(query)
                else ([], None)
            )
            return explanation(query, answer, breakdowns, against, self.cutoff, n)

    def get_many(
        self, queries: Iterable[object], default: Any = None, /, *, progress: bool | None = None
    ) -> Any:
        """Return the result of `get` for each query, in one batch.

        A column of pandas, polars or PyArrow gives such a column, with the index and the name of
        the queries; everything else gives a list. Equal queries are looked up once.

        Args:
            queries: Any iterable, also a NumPy array, a pandas or polars column, or a pyarrow
                array. ``TypeError`` for a single string.
            default: The result for a query that matches no key.
            progress: True shows a progress bar after two seconds, False none; by default it is
                shown in terminals and notebooks.
        """
        texts = as_queries(queries)
        with progress_bars(progress):
            matches = self._find_many(texts)
        values = (matches[query].value for query in texts)
        return as_column([default if value is MISSING else value for value in values], queries)

    def match_many(
        self,
        queries: Iterable[object],
        *,
        cutoff: float | None = None,
        prior: float | None = None,
        progress: bool | None = None,
    ) -> list[Match[K, V] | None]:
        """Return the result of `match` for each query, in one batch; see `get_many`."""
        queries = as_queries(queries)
        with progress_bars(progress):
            matches = self._find_many(queries, cutoff, prior)
        return [None if matches[query].value is MISSING else matches[query] for query in queries]

    def _find(
        self, query: object, cutoff: float | None = None, prior: float | None = None
    ) -> tuple[tuple[str, float] | None, Ranking]:
        """Return the best key of an inexact query with its score, or None, and the ranking.

        All lookups of a single query use it.
        """
        cutoff = self._cutoff if cutoff is None else cutoff
        if cutoff == 1.0 or not self._is_text(query):
            hash(query)
            self._count(False)
            return None, ()
        ranking = self._combined(self._ranking_with(query, prior))
        if cutoff is None:
            cutoff = self.cutoff
        best = ranking[0] if ranking and ranking[0][1] >= cutoff else None
        self._count(best is not None)
        if LOG.is_on():
            LOG.write(query, best)
        return best, ranking

    def _ranking(self, query: str) -> Ranking:
        """Return the closest keys, whatever the cutoff."""
        return probable(self._synced_ranker().rank_many([query], SHORTLIST)[0], CLOSEST)

    def _ranking_with(self, query: str, prior: float | None) -> Ranking:
        if prior is None:
            return self._ranking(query)
        with self._lock:
            return probable(self._ranker_with(prior).rank_many([query], SHORTLIST)[0], CLOSEST)

    def _combined(self, ranking: Ranking) -> Ranking:
        """Let the best key of equal values have the probability of all of them."""
        if len(ranking) < 2 or ranking[1][1] < LEAST_SHARE:
            return ranking
        return combined(ranking, self._values, self._are_values_equal)

    def _are_values_equal(self) -> bool:
        """Are all values equal, as in a mapping that stands for a set?"""
        return False

    def _ranker_with(self, prior: float | None) -> Any:
        """Return the ranker, with another prior if it is given."""
        ranker = self._synced_ranker()
        return ranker if prior is None else ranker.with_prior(check_prior(prior))

    def _find_many(
        self, queries: list[Any], cutoff: float | None = None, prior: float | None = None
    ) -> dict[Any, Match]:
        """Return query → match. Its value is MISSING if no key matches."""
        cutoff = self._cutoff if cutoff is None else check_probability(cutoff, "cutoff")
        unique = list(dict.fromkeys(queries))
        matches = {
            query: Match(query, value, 1.0)
            for query, value in zip(unique, self._values(unique), strict=True)
        }
        texts = [
            query
            for query, match in matches.items()
            if match.value is MISSING and self._is_text(query) and cutoff != 1.0
        ]
        if not texts:
            return matches
        best = self._best_of_many(texts, self.cutoff if cutoff is None else cutoff, prior)
        keys = dict.fromkeys(key for key, _ in best.values())
        values = dict(zip(keys, self._values(keys), strict=True))
        for query, (key, score) in best.items():
            matches[query] = Match(key, values[key], score)
        if LOG.is_on():
            for query in texts:
                LOG.write(query, best.get(query))
        return matches

    def _best_of_many(
        self, texts: list[str], cutoff: float, prior: float | None
    ) -> dict[str, tuple[str, float]]:
        """Return query → best key and its score, for the queries that match one."""
        best = {}
        with Progress("lookups", len(texts)) as step:
            for start in range(0, len(texts), _BATCH):
                batch = texts[start : start + _BATCH]
                with self._lock:
                    rankings = self._ranker_with(prior).rank_many(batch, SHORTLIST, step)
                for query, ranked in zip(batch, rankings, strict=True):
                    ranking: Ranking = self._combined(ranked)
                    if ranking and _is_unclear(ranking, cutoff):
                        ranking = self._combined(self._ranking_with(query, prior))
                    if ranking and ranking[0][1] >= cutoff:
                        best[query] = ranking[0]
        return best

    def _count(self, found: bool) -> None:
        """Count an inexact lookup, if lookups are counted."""


def _matches(ranking: Ranking, values: Iterable[Any]) -> list[Match]:
    """Return keys with values and scores, without keys that were removed meanwhile."""
    return [
        Match(key, value, score)
        for (key, score), value in zip(ranking, values, strict=True)
        if value is not MISSING
    ]


def _is_unclear(ranking: Ranking, cutoff: float) -> bool:
    """Return True if rounding could decide whether the best key matches, or which one is best."""
    best, *others = (score for _, score in ranking)
    return abs(best - cutoff) < _ROUNDING or (
        best > cutoff and any(best - other < _ROUNDING for other in others)
    )
