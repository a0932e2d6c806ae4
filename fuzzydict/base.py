"""Reads that know what was meant, and teaching: those of every mapping, wherever its items are.

`FuzzyMapping` asks a matcher for the keys that a query may mean, and the mapping for their values.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeGuard, TypeVar, overload

from fuzzydict.log import LOG
from fuzzydict.model.embedders import Embedder, networks_for
from fuzzydict.options import check_count, check_positive, check_probability
from fuzzydict.progress import Progress, progress_bars
from fuzzydict.ranking.guards import Guard, GuardSet
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.ranker import Ranker
from fuzzydict.text.tokens import plain

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from fuzzydict.learning.fit import FitReport
    from fuzzydict.learning.lookups import Lookups
    from fuzzydict.ranking.explanation import Explanation
    from fuzzydict.results import Attention

__all__ = ["CLOSEST", "MISSING", "FuzzyMapping", "Match", "NoMatchError", "Ranking"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_TOGETHER = 256  # queries that are searched together
CLOSEST = 3  # keys that an error names
_ROUNDING = 1e-5  # scores of queries in a batch may differ by less
MISSING: Any = object()

Ranking = Sequence[tuple[str, float]]  # keys with their scores, best first


if TYPE_CHECKING:  # a NamedTuple cannot be generic before Python 3.11
    K_co = TypeVarWithDefault("K_co", covariant=True, default=Any)
    V_co = TypeVarWithDefault("V_co", covariant=True, default=Any)

    class Match(NamedTuple, Generic[K_co, V_co]):
        """A key that matches a query, its value, and the probability that the key was meant."""

        key: K_co
        value: V_co
        score: float

else:

    class Match(NamedTuple):
        """A key that matches a query, its value, and the probability that the key was meant."""

        key: Any
        value: Any
        score: float


class NoMatchError(KeyError):
    """No key is close enough to the query. ``matches`` has up to three closest keys, best first.

    Keys, values and scores are those at the time of the lookup, whatever happens to the dictionary
    later; the error holds no reference to it. ``args[0]`` is the query, as it is in the `KeyError`
    of a dict.
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


class FuzzyMapping(Generic[K, V]):
    """The reads and the teaching of a fuzzy mapping, which has the items and the matcher.

    A mapping defines how it reads its items, in `_exact_value`, `_values` and `_is_key`, and, where
    many keys are looked up faster together, in `_among`.
    """

    __slots__ = ()
    _cutoff: float | None
    _guards: tuple[Guard, ...]
    _learned: LearnedState
    _lock: AbstractContextManager[Any]  # under which the matcher may be used

    def _exact_value(self, key: object, default: Any = MISSING) -> Any:
        """Return the value of the very key."""
        raise NotImplementedError

    def _is_key(self, key: object, /) -> bool:
        """Is it a key itself?"""
        raise NotImplementedError

    def _values(self, keys: Collection[Any]) -> list[Any]:
        """Return the values of the very keys, absent where there is none."""
        raise NotImplementedError

    def _among(self, keys: Iterable[Any]) -> Collection[Any]:
        """Return those that are keys themselves."""
        return {key for key in keys if self._is_key(key)}

    def _keys(self) -> Iterable[Any]:
        """Return the keys."""
        raise NotImplementedError

    def _ranker_for(self, queries: Sequence[str], required: Collection[str] = ()) -> Ranker:
        """Return a ranker that has the candidates of some queries, and the required keys."""
        return self._synced_ranker()

    def _lookups(
        self,
        pairs: Sequence[tuple[str, str | None]],
        learned: LearnedState,
        step: Callable[[int], object],
    ) -> "Lookups":
        """Return labelled pairs with their candidates, scored with this learned state."""
        from fuzzydict.learning.lookups import labelled_lookups

        ranker = self._synced_ranker()
        before = ranker.learned
        with self._changes():
            try:
                ranker.entries.set_learned(learned)
                return labelled_lookups(ranker, pairs, step)
            finally:
                ranker.entries.set_learned(before)

    def _synced_ranker(self) -> Ranker:
        """Return the matcher, which knows of the keys that came and went; under the lock."""
        raise NotImplementedError

    def _set_learned(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        """Replace the learned state by what ``change`` returns for it; return False for None.

        No other change happens in between, so that ``change`` sees the newest state.
        """
        raise NotImplementedError

    # Reads: fuzzy, and in agreement.

    def __missing__(self, query: Any, /) -> V:
        found, ranking = self._find(query)
        if found is not None:
            value = self._exact_value(found[0])
            if value is not MISSING:
                return value  # type: ignore[no-any-return, unused-ignore]
        values = self._values([key for key, _ in ranking])
        raise NoMatchError(query, functools.partial(_matches, ranking, values))

    def __contains__(self, query: object, /) -> bool:
        """Is there a key that answers the query?"""
        return self._is_key(query) or self._find(query)[0] is not None

    @overload
    def get(self, query: object, default: None = None, /) -> V | None: ...
    @overload
    def get(self, query: object, default: T, /) -> V | T: ...

    def get(self, query: object, default: Any = None, /) -> Any:
        """Return the value that ``d[query]`` answers, or ``default`` where it answers nothing."""
        value = self._exact_value(query)
        if value is MISSING:
            found, _ = self._find(query)
            value = default if found is None else self._exact_value(found[0], default)
        return value

    def match(self, query: object, *, cutoff: float | None = None) -> Match[K, V] | None:
        """Return the key that answers the query, with its value and score, or None.

        An exact key scores 1. ``cutoff`` stands in for the dictionary's own.

        >>> from fuzzydict import FuzzyDict
        >>> FuzzyDict({"color": "red"}).match("color")
        Match(key='color', value='red', score=1.0)
        """
        least = self._cutoff if cutoff is None else check_probability(cutoff, "cutoff")
        key: Any = query
        value, score = self._exact_value(key), 1.0
        if value is MISSING:
            found, _ = self._find(query, least)
            if found is None:
                return None
            key, score = found
            value = self._exact_value(key)
        return None if value is MISSING else Match(key, value, score)

    def matches(
        self, query: object, n: int = 5, *, cutoff: float | None = None
    ) -> list[Match[K, V]]:
        """Return up to ``n`` keys with a score of at least ``cutoff``, best first.

        The first one is that of `match`, and a smaller ``n`` returns the beginning of the same
        list. ``cutoff`` is the dictionary's own unless given; keys that a guard forbids are left
        out with 0.0 too. ``ValueError`` for an ``n`` below 1.
        """
        n = check_count(n, "n")
        least = self._cutoff if cutoff is None else check_probability(cutoff, "cutoff")
        exact = self._exact_value(query)
        result: list[Match[Any, Any]] = [] if exact is MISSING else [Match(query, exact, 1.0)]
        if self._is_text(query) and least != 1.0 and len(result) < n:
            with self._lock:
                least = self.cutoff if least is None else least
                ranked = self._synced_ranker().rank(query, n)
            near = [each for each in ranked if each[1] >= least and each[0] != query]
            result += _matches(near, self._values([key for key, _ in near]))
        return result[:n]

    def explain(self, query: object, n: int = 5) -> "Explanation":
        """Return why the query finds its key, or none, and what the ``n`` likeliest keys score by.

        At most 16 keys. Printed, it is a table; see `fuzzydict.ranking.explanation.Explanation`.
        ``ValueError`` for an ``n`` below 1. The work of five inexact reads.

        >>> from fuzzydict import FuzzyDict
        >>> FuzzyDict({"color": "red"}).explain("colour").verdict
        'found'
        """
        from fuzzydict.ranking.evidence import score_breakdowns
        from fuzzydict.ranking.explanation import explanation

        n = check_count(n, "n")
        with self._lock:
            answer = next(iter(self.matches(query, 1)), None)
            evidence, against = (
                score_breakdowns(self._ranker_for([query]), query)
                if self._is_fuzzy(query)
                else ([], None)
            )
            return explanation(query, answer, evidence, against, self.cutoff, n)

    def get_many(
        self, queries: Iterable[object], default: Any = None, /, *, progress: bool | None = None
    ) -> list[Any]:
        """Return `get` of each query, in one go.

        ``queries`` are any iterable, also a NumPy array, a pandas or polars column, or a pyarrow
        array. ``TypeError`` for a single string. Queries are searched and scored together, and the
        same one once: a score may differ from that of `match` in its sixth digit. Long work shows
        a progress bar after two seconds, in terminals and notebooks; with ``progress`` True
        anywhere, False nowhere.
        """
        queries = _listed(queries)
        with progress_bars(progress):
            found = self._find_many(queries)
        return [
            default if found[query].value is MISSING else found[query].value for query in queries
        ]

    def match_many(
        self,
        queries: Iterable[object],
        *,
        cutoff: float | None = None,
        progress: bool | None = None,
    ) -> list[Match[K, V] | None]:
        """Return `match` of each query, in one go; see `get_many`."""
        queries = _listed(queries)
        with progress_bars(progress):
            found = self._find_many(queries, cutoff)
        return [None if found[query].value is MISSING else found[query] for query in queries]

    def _find_many(self, queries: list[Any], cutoff: float | None = None) -> dict[Any, Match]:
        """Return for each query the key that answers it; its value is absent where none does."""
        least = self._cutoff if cutoff is None else check_probability(cutoff, "cutoff")
        asked = list(dict.fromkeys(queries))
        found = {
            query: Match(query, value, 1.0)
            for query, value in zip(asked, self._values(asked), strict=True)
        }
        texts = [
            query
            for query, match in found.items()
            if match.value is MISSING and self._is_text(query) and least != 1.0
        ]
        if not texts:
            return found
        least = self.cutoff if least is None else least
        best = {}
        with Progress("lookups", len(texts)) as step:
            for start in range(0, len(texts), _TOGETHER):
                part = texts[start : start + _TOGETHER]
                with self._lock:
                    rankings = self._synced_ranker().rank_many(part, 2, step)
                for query, found_together in zip(part, rankings, strict=True):
                    ranking: Ranking = found_together
                    if ranking and _is_unclear(ranking, least):
                        ranking = self._ranking(query)
                    if ranking and ranking[0][1] >= least:
                        best[query] = ranking[0]
        keys = dict.fromkeys(key for key, _ in best.values())
        values = dict(zip(keys, self._values(keys), strict=True))
        for query, (key, score) in best.items():
            found[query] = Match(key, values[key], score)
        if LOG.is_on():
            for query in texts:
                LOG.tell(query, best.get(query))
        return found

    @overload
    def attend(
        self,
        query: str | bytes,
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
    ) -> "Attention": ...
    @overload
    def attend(  # type: ignore[overload-overlap]
        self,
        query: Iterable[Any],
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
    ) -> "list[Attention]": ...
    @overload
    def attend(
        self,
        query: object,
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
    ) -> "Attention": ...

    def attend(
        self,
        query: Any,
        *,
        temperature: float | None = None,
        n: int | None = None,
        mask: Iterable[Any] | Callable[[Any], bool] | None = None,
    ) -> "Attention | list[Attention]":
        """Return how much each key is meant, and what their values make together.

        The soft lookup, of which ``d[query]`` is the limit at ``temperature`` zero. At 1, the
        default, the weights are the calibrated probabilities; above it they are more alike. The
        ``n`` nearest keys are attended to, and by default the 16 likeliest of the 64 nearest; the
        others have no weight. ``mask`` is the keys that may be, or a function that is true of them.

        Text, bytes and whatever is not iterable are one query. Any other iterable, such as a list,
        a tuple or a pandas column, is many queries and gives a list of answers, by one matrix
        product. So for a key that is a tuple, pass ``[key]``.

        ``ValueError`` for a temperature that is not above zero, an ``n`` below 1, and a mask that
        names what is no key. O(len(self) · d) and n scores a query.

        >>> from fuzzydict import FuzzyDict
        >>> car = FuzzyDict({"top speed": 9, "horse power": 8, "color": 1})
        >>> car.attend("performance").best != "color"
        True
        """
        temperature = 1.0 if temperature is None else check_positive(temperature, "temperature")
        n = None if n is None else check_count(n, "n")
        among = None if mask is None else self._allowed(mask)
        if _is_one(query):
            return self._attend([query], temperature, n, among)[0]
        return self._attend(_listed(query), temperature, n, among)

    def _attend(
        self, queries: list[Any], temperature: float, n: int | None, among: dict[Any, None] | None
    ) -> "list[Attention]":
        from fuzzydict.results import Attention, weigh

        texts = [query for query in queries if self._is_fuzzy(query)]
        with self._lock:
            matcher, least = self._synced_ranker(), self.cutoff
            keys = None if among is None else {key: None for key in among if key in matcher}
            found = iter(matcher.candidates(texts, n, keys) if texts else ())
        result = []
        for query in queries:
            weights, no_match = {}, 1.0
            if self._is_fuzzy(query):
                candidates = next(found)
                cutoff = 0.0 if query in candidates.keys else least  # an exact key wins
                shares, no_match = weigh(candidates.logits, cutoff, temperature)
                ranked = candidates.order()
                weights = {candidates.keys[i]: float(shares[i]) for i in ranked if shares[i] > 0}
            elif self._is_key(query) and (among is None or query in among):
                weights, no_match = {query: 1.0}, 0.0
            values = self._values(weights)
            gone = {key for key, value in zip(weights, values, strict=True) if value is MISSING}
            weights = {key: weight for key, weight in weights.items() if key not in gone}
            values = [value for value in values if value is not MISSING]
            result.append(Attention(weights, values, no_match, matcher.embedder))
        return result

    def _allowed(self, mask: Iterable[Any] | Callable[[Any], bool]) -> dict[Any, None]:
        if callable(mask):
            return {key: None for key in self._keys() if mask(key)}
        keys = dict.fromkeys(mask)
        there = self._among(keys)
        for key in keys:
            if key not in there:
                raise ValueError(f"the mask names {key!r}, which is no key")
        return keys

    @property
    def cutoff(self) -> float:
        """The lowest score of a match, 0 to 1; None sets the default of the embedder."""
        cutoff = self._cutoff
        return networks_for(self.embedder).cutoff if cutoff is None else cutoff

    @cutoff.setter
    def cutoff(self, cutoff: float | None) -> None:
        with self._lock:
            self._cutoff = None if cutoff is None else check_probability(cutoff, "cutoff")  # type: ignore[misc]

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors, by its ``encode``; the first use loads a named model."""
        raise NotImplementedError

    # Teaching: what the user knows of the right answers.

    def calibrate(self, pairs: Iterable[tuple[str, K | None]]) -> None:
        """Bring the scores to labelled pairs of a query and the key that it means.

        None in the place of the key says that the query means no key. From then on the scores of
        this dictionary and its copies are the probabilities that make the pairs most likely; a few
        pairs move them little. Most useful with an embedder of your own. ``ValueError`` for
        pairs that are none, or name what is no key; and after a `fit`, which calibrates too.
        """
        from fuzzydict.learning.lookups import calibrate

        labelled = self._labelled(pairs)
        with self._lock:
            _require_unfitted(self._learned)
            if labelled:
                matcher = self._synced_ranker()
                calibration = calibrate(self._ranker_for(*_texts(labelled)), labelled)

                def change(now: LearnedState) -> LearnedState:
                    _require_unfitted(matcher.learned, now)
                    return now._replace(calibration=calibration)

                self._set_learned(change)

    def fit(
        self,
        pairs: Iterable[tuple[str, K | None]],
        validation: Iterable[tuple[str, K | None]] | None = None,
        *,
        seed: int = 0,
        progress: bool | None = None,
    ) -> "FitReport":
        """Learn from labelled pairs of a query and the key that it means, or None for no key.

        Learns the low-rank parts of W_Q and W_K and the null key that make the pairs most probable
        (see `fuzzydict.learning.fit`). Held-out pairs, ``validation`` or else a part of the
        pairs, decide how long to learn and whether to learn at all. If the held-out loss does not
        get smaller, the dictionary stays exactly as it was, and the report says so.
        So it does for no pairs, and for a single one, of which nothing can be held out: `learn` it.

        Keys that are added later are found by the same projections; what was learned of a key
        alone goes with it. Words that two pairs show to mean a key lift the guards that forbid
        it. A second fit replaces the first; `unfit` goes back. ``ValueError`` for pairs that name
        what is no key, name two answers of one query, or ask an exact key for another.

        A fit depends on the calibration: if that changes while it runs, the fit starts over.

        Shows progress bars, as `get_many` does. O(pairs) lookups, and 15 passes.

        >>> from fuzzydict import FuzzyDict
        >>> d = FuzzyDict(balance=1, transfer=2)
        >>> d.fit([("how much is left", "balance")]).fitted
        False
        """
        from fuzzydict.learning.fit import empty_report, fit
        from fuzzydict.learning.lookups import find_guard_exemptions

        pairs = list(pairs)
        labelled = self._labelled([*pairs, *(() if validation is None else validation)])
        held_out = None if validation is None else range(len(pairs), len(labelled))
        while True:
            with self._lock, progress_bars(progress):
                matcher, cutoff = self._synced_ranker(), self.cutoff
                before = matcher.learned
                if not labelled or not len(matcher):
                    return empty_report(len(labelled))
                exemptions = find_guard_exemptions(GuardSet(self._guards), labelled)
                unfitted = before._replace(projection=None, guard_exemptions=exemptions)
                with Progress("lookups", len(labelled)) as step:
                    lookups = self._lookups(labelled, unfitted, step)
            with progress_bars(progress), Progress("fit", None) as step:
                fitted, report = fit(lookups, held_out, cutoff=cutoff, seed=seed, step=step)
            result = before._replace(projection=fitted, guard_exemptions=exemptions)
            if fitted is None or self._set_learned(functools.partial(_with_fit, result)):
                return report

    def unfit(self) -> None:
        """Forget what `fit` learned. Corrections and the calibration stay."""
        self._set_learned(
            lambda now: now._replace(
                projection=None, guard_exemptions=LearnedState().guard_exemptions
            )
        )

    def learn(self, query: str, key: K | None) -> None:
        """Correct one lookup: from here on the query means the key, or no key where it is None.

        Whatever means the query means that key too, as far as the score tells; other corrections
        keep their answers. One correction a query: a later one replaces it, `unlearn` drops it.
        It sleeps while its key is gone. ``ValueError`` for what is no key, and for a query that is
        another key, because an exact key always wins. O(corrections).

        >>> from fuzzydict import FuzzyDict
        >>> account = FuzzyDict({"check-balance": 1, "transfer": 2})
        >>> account.learn("what have I got", "check-balance")
        >>> account["what have I got?"]
        1
        """
        (pair,) = self._labelled([(query, key)])
        with self._lock:
            corrections = {**self._learned.corrections, pair[0]: pair[1]}
            self._set_learned(lambda now: now._replace(corrections=corrections))

    def unlearn(self, query: str) -> None:
        """Drop the correction of a query; `KeyError` where there is none."""
        with self._lock:
            corrections = dict(self._learned.corrections)
            del corrections[query]
            self._set_learned(lambda now: now._replace(corrections=corrections))

    @property
    def corrections(self) -> dict[str, Any]:
        """What `learn` was told: query → key, None for no key."""
        return dict(self._learned.corrections)

    def _labelled(self, pairs: Iterable[tuple[str, K | None]]) -> list[tuple[str, str | None]]:
        """Return the pairs, checked."""
        result: list[tuple[str, str | None]] = []
        answers: dict[str, str | None] = {}
        pairs = list(pairs)
        there = self._among({text for pair in pairs for text in pair if isinstance(text, str)})
        for query, key in pairs:
            if not isinstance(query, str) or not (key is None or isinstance(key, str)):
                raise ValueError(f"a pair is a query and its key or None, not {(query, key)!r}")
            if key is not None and key not in there:
                raise ValueError(f"the pair of {query!r} names {key!r}, which is no key")
            if key != query and query in there:
                raise ValueError(f"{query!r} is a key itself, and so cannot mean {key!r}")
            if answers.setdefault(query, key) != key:
                raise ValueError(f"pairs contradict: {query!r} is {answers[query]!r} and {key!r}")
            result.append((plain(query), key))
        return result

    def _is_fuzzy(self, query: object) -> TypeGuard[str]:
        return self._is_text(query) and self._cutoff != 1.0

    def _is_text(self, query: object) -> TypeGuard[str]:
        """May the query mean a key other than itself?"""
        return isinstance(query, str)

    def _find(
        self, query: object, cutoff: float | None = None
    ) -> tuple[tuple[str, float] | None, Ranking]:
        """Return the key that matches an inexact query with its score, or None, and the ranking.

        Every read of one query goes through it.
        """
        least = self._cutoff if cutoff is None else cutoff
        if least == 1.0 or not self._is_text(query):
            hash(query)
            self._count(False)
            return None, ()
        ranking = self._ranking(query)
        if least is None:
            least = self.cutoff
        found = ranking[0] if ranking and ranking[0][1] >= least else None
        self._count(found is not None)
        if LOG.is_on():
            LOG.tell(query, found)
        return found, ranking

    def _count(self, found: bool) -> None:
        """Count an inexact read, if reads are counted."""

    def _changes(self) -> AbstractContextManager[Any]:
        """Mark the matcher as being changed, for a process that is forked meanwhile."""
        return nullcontext()

    def _ranking(self, query: str) -> Ranking:
        """Return the closest keys of the shortlist, whatever the cutoff."""
        return self._synced_ranker().rank_many([query], CLOSEST)[0]


def _matches(ranking: Ranking, values: Iterable[Any]) -> list[Match]:
    """Return keys with values and scores, without keys that were removed meanwhile."""
    return [
        Match(key, value, score)
        for (key, score), value in zip(ranking, values, strict=True)
        if value is not MISSING
    ]


def _is_one(query: object) -> bool:
    """Is it one query, and not several?"""
    return isinstance(query, (str, bytes, bytearray)) or not isinstance(query, Iterable)


def _listed(queries: Iterable[Any]) -> list[Any]:
    """Return queries as a list, those of Arrow as Python objects."""
    if _is_one(queries):
        raise TypeError(
            f"expected an iterable of queries, got {queries!r}: pass [query], or use get or match"
        )
    convert = getattr(queries, "to_pylist", None)
    return list(queries if convert is None else convert())


def _is_unclear(ranking: Ranking, cutoff: float) -> bool:
    """Could rounding decide whether the best key matches, or which key is the best?"""
    best, *others = (score for _, score in ranking)
    return abs(best - cutoff) < _ROUNDING or (
        best > cutoff and any(best - other < _ROUNDING for other in others)
    )


def _texts(pairs: Iterable[tuple[str, str | None]]) -> tuple[list[str], set[str]]:
    """Return the queries and the keys of labelled pairs."""
    return [query for query, _ in pairs], {key for _, key in pairs if key is not None}


def _require_unfitted(*states: LearnedState) -> None:
    if any(state.projection is not None for state in states):
        raise ValueError("a fitted dictionary is calibrated by its fit: unfit() it before")


def _with_fit(result: LearnedState, now: LearnedState) -> LearnedState | None:
    """Return the state with the result of a fit; None if that has another calibration."""
    if now.calibration != result.calibration:
        return None
    return now._replace(projection=result.projection, guard_exemptions=result.guard_exemptions)
