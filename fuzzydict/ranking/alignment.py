"""Which words of a query correspond to which words of a key, for explanations."""

import math
from itertools import product
from typing import NamedTuple

from fuzzydict.model.networks import ScorerNetworks
from fuzzydict.model.vocabulary import Vocabulary
from fuzzydict.ranking.features import TextFeatures, Words, pair_features

__all__ = ["WordAlignment", "align"]


class WordAlignment(NamedTuple):
    """A word or phrase of a query and its best counterpart in a key."""

    query: str
    key: str
    probability: float  # that they mean the same
    weight: float  # of the query's word: 0 for the most frequent words to 1 for rare ones


def align(
    query: Words, key: Words, networks: ScorerNetworks, vocabulary: Vocabulary
) -> list[WordAlignment]:
    """Return the best counterpart of each word of the query, in the order of the words.

    A phrase of the vocabulary replaces its words where it has a better counterpart, and so do two
    words that the other side writes as one. O(words of the query · words of the key).
    """
    one = TextFeatures.of(query, vocabulary, is_query=True)
    other = TextFeatures.of(key, vocabulary, is_query=False)
    if not one.terms or not other.terms:
        return []
    spans = [*((i, i + 1) for i in range(len(one.words))), *one.phrases]
    found = []
    for span, term in zip(spans, one.terms, strict=True):
        shares = [
            1 / (1 + math.exp(-float(networks.pairs(pair_features(term, counterpart)))))
            for counterpart in other.terms
        ]
        best = max(range(len(shares)), key=shares.__getitem__)
        pair = WordAlignment(term.text, other.terms[best].text, shares[best], term.weight)
        found.append((span, pair))
    for i, j in product(range(len(one.words)), range(len(other.words))):
        pair_of_query, pair_of_key = one.words[i : i + 2], other.words[j : j + 2]
        if len(pair_of_query) == 2 and "".join(pair_of_query) == other.words[j]:
            joined = WordAlignment(" ".join(pair_of_query), other.words[j], 1.0, 1.0)
            found.append(((i, i + 2), joined))
        if len(pair_of_key) == 2 and "".join(pair_of_key) == one.words[i]:
            joined = WordAlignment(one.words[i], " ".join(pair_of_key), 1.0, 1.0)
            found.append(((i, i + 1), joined))
    found.sort(key=lambda each: (-each[1].probability, each[0]))
    taken: dict[int, WordAlignment] = {}
    for (start, end), pair in found:
        if taken.keys().isdisjoint(range(start, end)):
            taken.update(dict.fromkeys(range(start, end), pair))
    return list(dict.fromkeys(taken[place] for place in sorted(taken)))
