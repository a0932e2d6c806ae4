"""Teaching a fuzzy mapping: `learn`, `fit` and `calibrate`."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from fuzzydict.primitives import Primitives
from fuzzydict.progress import Progress, progress_bars
from fuzzydict.ranking.guards import GuardSet
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.text.tokens import plain

if TYPE_CHECKING:
    from fuzzydict.learning.fit import FitReport
    from fuzzydict.learning.lookups import Lookups

__all__ = ["Teaching"]

K = TypeVar("K")
V = TypeVar("V")


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
    ) -> "FitReport":
        """Learn from labelled pairs of a query and its key, or None for no key.

        The examples become further keys: a softmax regression learns low-rank parts of W_Q and W_K
        and the null key (see `fuzzydict.learning.fit`). One example per key is enough. Lookups that
        are held out decide how much that counts beside the score of the key's name. If their loss
        does not decrease, the dictionary stays exactly as it was, and the report says so. The same
        holds for fewer than two pairs, of which none can be held out: use `learn`.

        Keys added later are found by the same projections; what was learned about a single key is
        removed with it. If two pairs show that a word means a key, guards no longer forbid that
        key for that word; guards that the pairs of several keys contradict (opposites, negations,
        word order, names) no longer apply to keys with examples. A second fit replaces the first.
        O(pairs · keys) for each of up to 180 steps, and a lookup of up to 1500 pairs; if the
        calibration changes meanwhile, the fit starts over.

        Args:
            pairs: Queries with their keys.
            validation: Pairs to hold out; by default those of ``pairs`` in turn, or some of many.
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
        from fuzzydict.learning.fit import empty_report, fit, to_score
        from fuzzydict.learning.lookups import with_guards_of
        from fuzzydict.ranking.projected import gram_weight

        pairs = list(pairs)
        labelled = self._labelled([*pairs, *(() if validation is None else validation)])
        held_out = None if validation is None else range(len(pairs), len(labelled))
        while True:
            with self._lock, progress_bars(progress):
                ranker, cutoff = self._synced_ranker(), self.cutoff
                before = ranker.learned
                if not labelled or not len(ranker):
                    return empty_report(len(labelled))
                unfitted = with_guards_of(before, GuardSet(self._guards), labelled)
                with Progress("lookups", len(labelled)) as step:
                    scored = to_score(len(labelled), held_out, seed)
                    lookups = self._lookups(labelled, unfitted, step, scored)
            with progress_bars(progress), Progress("fit", None) as step:
                fitted, report = fit(
                    lookups,
                    held_out,
                    gram_weight=gram_weight(ranker.embedder),
                    cutoff=cutoff,
                    seed=seed,
                    step=step,
                )
            result = unfitted._replace(projection=fitted)
            if fitted is None or self._set_learned(functools.partial(_with_fit, result)):
                return report

    def unfit(self) -> None:
        """Undo `fit`. Corrections and the calibration stay."""
        self._set_learned(
            lambda now: LearnedState(calibration=now.calibration, corrections=now.corrections)
        )

    def calibrate(self, pairs: Iterable[tuple[str, K | None]]) -> None:
        """Calibrate the scores to labelled pairs of a query and its key, or None for no key.

        The scores of this dictionary and its copies become the probabilities that fit the pairs
        best; a few pairs change them little. Most useful with an embedder of your own.

        Raises:
            ValueError: A pair is invalid (see `fit`), or the dictionary is fitted: a fit
                calibrates too.
        """
        from fuzzydict.learning.lookups import calibrate, queries_and_keys

        labelled = self._labelled(pairs)
        with self._lock:
            _require_unfitted(self._learned)
            if labelled:
                ranker = self._synced_ranker()
                calibration = calibrate(self._ranker_for(*queries_and_keys(labelled)), labelled)

                def change(now: LearnedState) -> LearnedState:
                    _require_unfitted(ranker.learned, now)
                    return now._replace(calibration=calibration)

                self._set_learned(change)

    def _lookups(
        self,
        pairs: Sequence[tuple[str, str | None]],
        learned: LearnedState,
        step: Callable[[int], object],
        scored: Sequence[int],
    ) -> "Lookups":
        """Return labelled pairs with their candidates, scored with this learned state."""
        from fuzzydict.learning.lookups import labelled_lookups

        ranker = self._synced_ranker()
        before = ranker.learned
        with self._changes():
            try:
                ranker.entries.set_learned(learned)
                return labelled_lookups(ranker, pairs, step, scored)
            finally:
                ranker.entries.set_learned(before)

    def _labelled(self, pairs: Iterable[tuple[str, K | None]]) -> list[tuple[str, str | None]]:
        """Return the pairs, validated."""
        result: list[tuple[str, str | None]] = []
        labels: dict[str, str | None] = {}
        pairs = list(pairs)
        existing = self._among({text for pair in pairs for text in pair if isinstance(text, str)})
        for query, key in pairs:
            if not isinstance(query, str) or not (key is None or isinstance(key, str)):
                raise ValueError(f"a pair is a query and its key or None, not {(query, key)!r}")
            if key is not None and key not in existing:
                raise ValueError(f"the pair of {query!r} names {key!r}, which is no key")
            if key != query and query in existing:
                raise ValueError(f"{query!r} is a key itself, and so cannot mean {key!r}")
            if labels.setdefault(query, key) != key:
                raise ValueError(f"pairs contradict: {query!r} is {labels[query]!r} and {key!r}")
            result.append((plain(query), key))
        return result


def _require_unfitted(*states: LearnedState) -> None:
    if any(state.projection is not None for state in states):
        raise ValueError("a fitted dictionary is calibrated by its fit: unfit() it before")


def _with_fit(result: LearnedState, now: LearnedState) -> LearnedState | None:
    """Return the state with the result of a fit; None if its calibration is a different one."""
    if now.calibration != result.calibration:
        return None
    return result._replace(corrections=now.corrections)
