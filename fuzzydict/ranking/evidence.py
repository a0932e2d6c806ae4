"""What the score of each candidate is made of, for explanations."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import WordEmbedder, load, networks_for
from fuzzydict.model.vocabulary import Vocabulary, WithoutVectors
from fuzzydict.ranking.alignment import WordAlignment, align
from fuzzydict.ranking.calibration import Calibration
from fuzzydict.ranking.candidates import Candidates, ScoredEntries
from fuzzydict.ranking.examples import contributions
from fuzzydict.ranking.ranker import Ranker
from fuzzydict.ranking.table import ALIAS
from fuzzydict.ranking.vetoes import Vetoes
from fuzzydict.text.spelling import similarities
from fuzzydict.text.tokens import compact, words

__all__ = ["ScoreBreakdown", "score_breakdowns"]

Floats = NDArray[np.float32]

_EXPLAINED = 3  # keys of which the examples are compared with the query


class ScoreBreakdown(NamedTuple):
    """What the score of one key is made of; the probabilities are those among all candidates."""

    key: str
    score: float  # the final probability, 0 if a guard vetoes the key
    letters: float  # edit similarity of query and key, 0 to 1
    cosine: float  # of their meanings as the scorer uses it, -1 to 1: less for unknown words
    by_spelling: float  # the probability by spelling alone
    by_meaning: float  # the probability by spelling and meaning
    by_learning: float  # the probability by these and what was learned, before the guards
    guards: tuple[str, ...]  # names of the guards that veto the key
    words: tuple[WordAlignment, ...]  # what words of the query correspond to in the key
    correction: str | None  # the corrected query through which the key was reached, if any
    # Examples of a fit that add most to the logit of one of the best keys, and what they add.
    examples: tuple[tuple[str, float], ...] = ()


def score_breakdowns(ranker: Ranker, query: str) -> tuple[list[ScoreBreakdown], str | None]:
    """Return what the scores of the candidates are made of, best first.

    Vetoed keys are among them, where they would be without the guards. Also returns the corrected
    query, if any, because of which no key may be meant. The work of five rankings.
    """
    meanings = ranker.entries.encode([query])
    (scored,) = ranker.score([query], meanings=meanings)
    (found,) = ranker.candidates([query], meanings=meanings)
    (learned,) = ranker.candidates([query], guards=False, meanings=meanings)
    through = _corrections_through(ranker, scored)
    if not found.keys:
        return [], through.get(None)
    keys = found.keys
    by_spelling = _base_probabilities(ranker, query, keys, meanings, meaning=False)
    by_meaning = _base_probabilities(ranker, query, keys, meanings, meaning=True)
    split = [words(key) for key in keys]
    letters = similarities(compact(words(query)), [compact(key) for key in split])[1].tolist()
    cosines = ranker.entries.cosines(scored.vector, keys, ranker.learned.calibration).tolist()
    networks, vocabulary = networks_for(ranker.embedder), _vocabulary(ranker)
    vetoes = Vetoes(ranker.guards, ranker.learned, ranker.table)
    scores, by_learning = found.probabilities(), learned.probabilities()
    place = {key: i for i, key in enumerate(learned.keys)}
    breakdowns = [
        ScoreBreakdown(
            key=key,
            score=scores[i],
            letters=letters[i],
            cosine=cosines[i],
            by_spelling=by_spelling[key],
            by_meaning=by_meaning[key],
            by_learning=by_learning[place[key]],
            guards=vetoes.names(query, key) if np.isneginf(found.logits[i]) else (),
            words=tuple(align(words(query), split[i], networks, vocabulary)),
            correction=through.get(key),
        )
        for i, key in enumerate(keys)
    ]
    rank = {learned.keys[at]: position for position, at in enumerate(learned.order())}
    breakdowns.sort(key=lambda each: rank[each.key])
    if (projection := ranker.learned.projection) is not None:
        for i, each in enumerate(breakdowns[:_EXPLAINED]):
            examples = contributions(projection, ranker.embedder, query, each.key)
            breakdowns[i] = each._replace(examples=examples)
    return breakdowns, through.get(None)


def _vocabulary(ranker: Ranker) -> Vocabulary:
    embedder = ranker.embedder
    if isinstance(embedder, WordEmbedder):
        return embedder
    return WithoutVectors(load(program_model()))


def _base_probabilities(
    ranker: Ranker, query: str, keys: Sequence[str], meanings: Floats | None, *, meaning: bool
) -> dict[str, float]:
    """Return the probabilities of keys without guards and without anything that was learned."""
    (scored,) = ranker.score(
        [query],
        len(ranker.table),
        keys,
        calibration=Calibration(),
        guards=False,
        meaning=meaning,
        meanings=meanings,
    )
    own = [i for i, flags in enumerate(scored.flags) if not flags & ALIAS]
    texts = [ranker.table.text(scored.places[i]) for i in own]
    shares = Candidates(texts, scored.logits[own]).probabilities()
    return dict(zip(texts, shares, strict=True))


def _corrections_through(ranker: Ranker, scored: ScoredEntries) -> dict[str | None, str]:
    """Return for keys, or None, the correction that is more similar to the query than they are."""
    query, corrections = scored.query, ranker.learned.corrections
    if query in corrections and query not in ranker:
        key = corrections[query]
        if key is None or key in ranker:
            return {key: query}
    best: dict[str | None, tuple[float, str]] = {None: (0.0, "")}
    for logit, text, is_alias in ranker.final.guarded_entries(scored):
        key = corrections[text] if is_alias else text
        best[key] = max(best.get(key, (-np.inf, "")), (logit, text if is_alias else ""))
    return {key: text for key, (_, text) in best.items() if text}
