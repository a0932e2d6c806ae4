"""Labelled lookups: what a ranker finds for queries whose keys are known."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.ranking import calibration
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.candidates import Candidates
from fuzzydict.ranking.guards import GuardSet
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projected import meaning_features
from fuzzydict.ranking.projection import Texts
from fuzzydict.ranking.ranker import CANDIDATES, Ranker
from fuzzydict.text.tokens import words

__all__ = [
    "Lookups",
    "calibrate",
    "find_guard_exemptions",
    "find_lifted_guards",
    "labelled_lookups",
    "queries_and_keys",
    "with_guards_of",
]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Pairs = Sequence[tuple[str, str | None]]  # a query and its key, or None for no key

_ALL = 256  # keys up to which all of them are candidates of each pair
_BATCH = 256  # pairs that are ranked at once
_SHOWN = 2  # pairs that exempt a word from the guards
_LIFTED = 0.01  # share of the pairs that contradict a guard which is then lifted,
_LEAST_KEYS = 3  # for so many keys
# What distinguishes numbers, units and letters holds whatever the pairs say.
_MAY_BE_LIFTED = frozenset({"opposites", "negations_differ", "order_differs", "names_differ"})


class Lookups(NamedTuple):
    """Labelled lookups: which keys they mean; of some, which keys they may mean, by what logit."""

    texts: Sequence[str]  # N queries
    queries: Texts  # N, what a projection sees of them
    keys: Sequence[str]  # K
    key_words: Sequence[tuple[str, ...]]  # K
    meanings: Floats  # (K, d) of the keys
    right: Places  # (N,) place in keys, -1 for the null key
    scored: Places  # (M,) places in texts
    candidates: Places  # (M, C) places in keys
    logits: Floats  # (M, C) zero-shot, -inf for vetoed keys; the null key's is 0

    @classmethod
    def of(
        cls,
        pairs: Pairs,
        queries: Texts,
        keys: Sequence[str],
        meanings: Floats,
        scored: Sequence[int],
        found: Sequence[tuple[Sequence[str], Floats]],
    ) -> "Lookups":
        """Return the pairs, of which those ``scored`` found these keys with these logits."""
        place = {key: i for i, key in enumerate(keys)}
        most = max((len(named) for named, _ in found), default=0)
        candidates = np.zeros((len(found), most), np.intp)
        logits = np.full((len(found), most), -np.inf, np.float32)
        for i, (named, given) in enumerate(found):
            candidates[i, : len(named)] = [place[name] for name in named]
            logits[i, : len(named)] = given
        right = [-1 if key is None else place[key] for _, key in pairs]
        return cls(
            [query for query, _ in pairs],
            queries,
            keys,
            list(map(words, keys)),
            meanings,
            np.array(right, np.intp),
            np.array(scored, np.intp),
            candidates,
            logits,
        )


def labelled_lookups(
    ranker: Ranker,
    pairs: Pairs,
    step: Callable[[int], object] = lambda steps: None,
    scored: Sequence[int] | None = None,
) -> Lookups:
    """Return labelled pairs, with the zero-shot scores of candidates for those ``scored``.

    There must be some pairs. A few hundred keys are all candidates of each query. All pairs are
    scored if ``scored``, their places in order, is None.
    """
    ranker = ranker.with_prior(None)  # which is no part of what is learned
    n = len(ranker.table) if len(ranker) <= _ALL else CANDIDATES
    places = range(len(pairs)) if scored is None else scored
    chosen = frozenset(places)
    found: list[Candidates] = []
    meanings = []
    for start in range(0, len(pairs), _BATCH):
        part = range(start, min(start + _BATCH, len(pairs)))
        known = ranker.embedder.encode([pairs[place][0] for place in part])
        meanings.append(known)
        some = [place for place in part if place in chosen]
        each = ranker.score(
            [pairs[place][0] for place in some],
            n,
            required=[pairs[place][1] for place in some],
            meanings=None if ranker.table.own else known[[place - start for place in some]],
        )
        found += map(ranker.final.apply_guards, each)
        step(len(part))
    split = [words(query) for query, _ in pairs]
    features = meaning_features(ranker.embedder, np.vstack(meanings), split)
    named = [[key for _, key in pairs if key is not None], *(each.keys for each in found)]
    keys = list(dict.fromkeys(itertools.chain.from_iterable(named)))
    of_keys = meaning_features(
        ranker.embedder, ranker.entries.meanings(keys), list(map(words, keys))
    )
    scored_keys = [(each.keys, each.logits) for each in found]
    return Lookups.of(pairs, Texts(split, features), keys, of_keys, places, scored_keys)


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


def find_lifted_guards(guards: GuardSet, pairs: Pairs) -> dict[str, frozenset[str]]:
    """Return for each key with examples the guards that the pairs contradict.

    In sentences, "not" and opposites often belong to something else than to what a key names: such
    a guard forbids many right keys. Where pairs of at least three keys show that, and one in a
    hundred, it does not apply to keys that have examples: these tell more.
    """
    contradicted: dict[str, list[str]] = {}
    for query, key in pairs:
        for name in () if key is None else guards.names(words(query), words(key)):
            if name in _MAY_BE_LIFTED:
                contradicted.setdefault(name, []).append(str(key))
    lifted = frozenset(
        name
        for name, keys in contradicted.items()
        if len(set(keys)) >= _LEAST_KEYS and len(keys) >= _LIFTED * len(pairs)
    )
    return {key: lifted for _, key in pairs if key is not None} if lifted else {}


def with_guards_of(learned: LearnedState, guards: GuardSet, pairs: Pairs) -> LearnedState:
    """Return the state without a projection, with what pairs tell of guards."""
    return learned._replace(
        projection=None,
        guard_exemptions=find_guard_exemptions(guards, pairs),
        lifted_guards=find_lifted_guards(guards, pairs),
    )
