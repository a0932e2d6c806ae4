"""Teaching a fuzzy mapping: `learn`, `fit` and `calibrate`."""

import functools
from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from fuzzydict.learning import projection
from fuzzydict.learning.projection import FitReport
from fuzzydict.primitives import Primitives
from fuzzydict.progress import Progress, progress_bars
from fuzzydict.ranking.ranker import LearnedState
from fuzzydict.text.tokens import plain

__all__ = ["Teaching"]

K = TypeVar("K")
V = TypeVar("V")

_FIT_CANDIDATES = 256  # a fit scores all keys of a dictionary of up to this size for each query


class Teaching(Primitives[K, V]):
    """The methods by which every fuzzy mapping learns from labelled queries."""

    __slots__ = ()

    def learn(self, query: str, key: K | None) -> None:
        """Correct one lookup: map the query to the key, or to no key if that is None.

        Similar queries find the key too, as far as their scores allow. A query has one correction:
        a later one replaces it, `unlearn` removes it. A correction is inactive while its key does
        not exist. O(corrections).

        Raises:
            ValueError: The key does not exist, or the query is itself another key, because an
                exact key always wins.

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
        """Remove the correction of a query. Raises `KeyError` if it has none."""
        with self._lock:
            corrections = dict(self._learned.corrections)
            del corrections[query]
            self._set_learned(lambda now: now._replace(corrections=corrections))

    @property
    def corrections(self) -> dict[str, Any]:
        """A copy of the corrections made by `learn`: query → key, None for no key."""
        return dict(self._learned.corrections)

    def fit(
        self,
        pairs: Iterable[tuple[str, K | None]],
        validation: Iterable[tuple[str, K | None]] | None = None,
        *,
        seed: int = 0,
        progress: bool | None = None,
    ) -> FitReport:
        """Learn from labelled pairs of a query and its key, or None for no key.

        Learns low-rank parts of W_Q and W_K and the null key that make the pairs most probable
        (see `fuzzydict.learning.projection`). If the loss of held-out pairs does not decrease, the
        dictionary stays exactly as it was, and the report says so. The same holds for fewer than
        two pairs, of which none can be held out: use `learn`.

        Keys added later are found by the same projections; what was learned about a single key is
        removed with it. If two pairs show that a word means a key, guards no longer forbid that
        key for that word. A second fit replaces the first. O(pairs) lookups and 15 passes; if the
        calibration changes meanwhile, the fit starts over.

        Args:
            pairs: Queries with their keys.
            validation: Held-out pairs, which decide when to stop; by default a part of ``pairs``.
            seed: Seed of the random numbers.
            progress: Whether to show progress bars; see `get_many`.

        Raises:
            ValueError: A pair names a key that does not exist, pairs contradict each other, or a
                query is itself another key.

        >>> from fuzzydict import FuzzyDict
        >>> d = FuzzyDict(balance=1, transfer=2)
        >>> d.fit([("how much is left", "balance")]).fitted
        False
        """
        pairs = list(pairs)
        labelled = self._labelled([*pairs, *(() if validation is None else validation)])
        held_out = None if validation is None else range(len(pairs), len(labelled))
        queries = [query for query, _ in labelled]
        while True:
            with self._lock, progress_bars(progress):
                ranker = self._ranker_for(
                    queries, n=_FIT_CANDIDATES, required=_named_keys(labelled)
                )
                cutoff, before = self.cutoff, ranker.learned
                if not labelled or not len(ranker):
                    return projection.nothing(len(labelled))
                with self._changes():
                    try:
                        exemptions = ranker.find_guard_exemptions(labelled)
                        ranker.set_learned(
                            before._replace(projection=None, guard_exemptions=exemptions)
                        )
                        with Progress("lookups", len(labelled)) as step:
                            lookups = ranker.lookups(labelled, step)
                    finally:
                        ranker.set_learned(before)
            with progress_bars(progress), Progress("fit", None) as step:
                fitted, report = projection.fit(
                    lookups, held_out, cutoff=cutoff, seed=seed, step=step
                )
            result = before._replace(projection=fitted, guard_exemptions=exemptions)
            if fitted is None or self._set_learned(functools.partial(_with_fit, result)):
                return report

    def unfit(self) -> None:
        """Undo `fit`. Corrections and the calibration stay."""
        self._set_learned(
            lambda now: now._replace(
                projection=None, guard_exemptions=LearnedState().guard_exemptions
            )
        )

    def calibrate(self, pairs: Iterable[tuple[str, K | None]]) -> None:
        """Calibrate the scores to labelled pairs of a query and its key, or None for no key.

        The scores of this dictionary and its copies become the probabilities that fit the pairs
        best; a few pairs change them little. Most useful with an embedder of your own.

        Raises:
            ValueError: A pair is invalid (see `fit`), or the dictionary is fitted: a fit
                calibrates too.
        """
        labelled = self._labelled(pairs)
        with self._lock:
            _require_unfitted(self._learned)
            if labelled:
                ranker = self._ranker_for(
                    [query for query, _ in labelled], required=_named_keys(labelled)
                )
                calibration = ranker.calibrate(labelled)

                def change(now: LearnedState) -> LearnedState:
                    _require_unfitted(ranker.learned, now)
                    return now._replace(calibration=calibration)

                self._set_learned(change)

    def _labelled(self, pairs: Iterable[tuple[str, K | None]]) -> list[tuple[str, str | None]]:
        """Return the pairs, validated."""
        result: list[tuple[str, str | None]] = []
        labels: dict[str, str | None] = {}
        pairs = list(pairs)
        existing = self._among({text for pair in pairs for text in pair if isinstance(text, str)})
        for query, key in pairs:
            if not isinstance(query, str) or not (key is None or isinstance(key, str)):
                raise ValueError(f"expected a pair of a query and a key or None: {(query, key)!r}")
            if key is not None and key not in existing:
                raise ValueError(f"the pair of {query!r} names {key!r}, which is not a key")
            if key != query and query in existing:
                raise ValueError(f"{query!r} is a key itself, so it cannot mean {key!r}")
            if labels.setdefault(query, key) != key:
                raise ValueError(
                    f"pairs contradict each other: {query!r} means {labels[query]!r} and {key!r}"
                )
            result.append((plain(query), key))
        return result


def _named_keys(pairs: Iterable[tuple[str, str | None]]) -> Collection[str]:
    return {key for _, key in pairs if key is not None}


def _require_unfitted(*states: LearnedState) -> None:
    if any(state.projection is not None for state in states):
        raise ValueError("a fit calibrates the dictionary already: call unfit() first")


def _with_fit(result: LearnedState, now: LearnedState) -> LearnedState | None:
    """Return the state with the result of a fit; None if its calibration is a different one."""
    if now.calibration != result.calibration:
        return None
    return now._replace(projection=result.projection, guard_exemptions=result.guard_exemptions)
