"""Labelled lookups: what a ranker finds for queries whose keys are known."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.ranking import calibration
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.candidates import Candidates
from fuzzydict.ranking.guards import GuardSet
from fuzzydict.ranking.projected import meaning_features
from fuzzydict.ranking.projection import Texts
from fuzzydict.ranking.ranker import CANDIDATES, Ranker
from fuzzydict.text.tokens import words

__all__ = [
    "Lookups",
    "calibrate",
    "find_guard_exemptions",
    "labelled_lookups",
    "queries_and_keys",
]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Pairs = Sequence[tuple[str, str | None]]  # a query and its key, or None for no key

_ALL = 256  # keys up to which all of them are candidates of each pair
_BATCH = 256  # pairs that are ranked at once
_SHOWN = 2  # pairs that exempt a word from the guards


class Lookups(NamedTuple):
    """Labelled lookups: which keys each may mean, by what logit, and which one it does."""

    queries: Texts  # N
    keys: Sequence[str]  # K
    meanings: Floats  # (K, d) of the keys
    candidates: Places  # (N, C) places in keys
    logits: Floats  # (N, C) zero-shot, -inf for vetoed keys; the null key's is 0
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


def labelled_lookups(
    ranker: Ranker, pairs: Pairs, step: Callable[[int], object] = lambda steps: None
) -> Lookups:
    """Return labelled pairs with the zero-shot scores of their candidates, to learn from.

    There must be some pairs. A few hundred keys are all candidates of each query.
    """
    ranker = ranker.with_prior(None)  # which is no part of what is learned
    n = len(ranker.table) if len(ranker) <= _ALL else CANDIDATES
    found: list[Candidates] = []
    split = [words(query) for query, _ in pairs]
    meanings = []
    for start in range(0, len(pairs), _BATCH):
        part = pairs[start : start + _BATCH]
        queries = [query for query, _ in part]
        known = ranker.entries.encode(queries)
        meanings.append(ranker.embedder.encode(queries) if known is None else known)
        scored = ranker.score(queries, n, required=[key for _, key in part], meanings=known)
        found += [ranker.final.apply_guards(each) for each in scored]
        step(len(part))
    features = meaning_features(ranker.embedder, np.vstack(meanings), split)
    keys = list(dict.fromkeys(key for candidates in found for key in candidates.keys))
    of_keys = meaning_features(
        ranker.embedder, ranker.entries.meanings(keys), list(map(words, keys))
    )
    scored_keys = [(each.keys, each.logits) for each in found]
    right = [key for _, key in pairs]
    return Lookups.of(Texts(split, features), keys, of_keys, scored_keys, right)


def queries_and_keys(pairs: Pairs) -> tuple[list[str], set[str]]:
    """Return the queries and the keys of labelled pairs.

    >>> queries_and_keys([("colour", "color"), ("parliament", None)])
    (['colour', 'parliament'], {'color'})
    """
    return [query for query, _ in pairs], {key for _, key in pairs if key is not None}


def calibrate(ranker: Ranker, pairs: Pairs) -> Calibration:
    """Return the calibration that makes labelled pairs most probable.

    For an embedder of whole texts the scale of its cosines is chosen too.
    """
    scales = [Scale()]
    if not ranker.table.own:
        scales = [Scale(slope, shift) for slope in (1.0, 0.7, 1.4) for shift in (0, -0.15, 0.15)]
    # An exact key is right whatever the scores.
    labelled = [(query, key) for query, key in pairs if query not in ranker]
    queries = [query for query, _ in labelled]
    meanings = ranker.entries.encode(queries)
    best = Calibration(), np.inf
    for scale in scales:
        scored = ranker.score(
            queries, CANDIDATES, calibration=Calibration(scale=scale), meanings=meanings
        )
        lookups: list[tuple[Floats, int | None]] = []
        for (_, key), each in zip(labelled, scored, strict=True):
            keys, logits, _ = ranker.final.apply_guards(each)
            if key is None or key in keys:  # a key that is no candidate cannot be scored
                lookups.append((logits, None if key is None else keys.index(key)))
        fitted, left = calibration.fit(lookups)
        # Few pairs must not move the scale far: 1 nat for 0.7 or 1.4, and for 0.15.
        left += 9 * np.log(scale.slope) ** 2 + 44 * scale.offset**2
        if left < best[1]:
            best = fitted._replace(scale=scale), left
    return best[0]


def find_guard_exemptions(guards: GuardSet, pairs: Pairs) -> dict[str, frozenset[str]]:
    """Return for each key the words of queries that mean it although a guard forbids it.

    A word counts if two pairs show it; one alone may be a slip.
    """
    seen: dict[str, Counter[str]] = {}
    for query, key in pairs:
        text = words(query)
        if key is not None and guards.veto(text, key_words := words(key)):
            alone = {word for word in text if guards.veto((word,), key_words)}
            seen.setdefault(key, Counter()).update(alone or set(text))
    exemptions = {
        key: frozenset(word for word, times in counts.items() if times >= _SHOWN)
        for key, counts in seen.items()
    }
    return {key: found for key, found in exemptions.items() if found}
