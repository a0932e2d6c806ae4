"""What the scorer knows about a query and a key: features of pairs of words and of whole texts.

Written for reading, one query and one key at a time. The native implementation computes the same
numbers for whole batches, and a test compares the two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.model.vocabulary import Vocabulary
from fuzzydict.text.abbreviation import abbreviation, contraction
from fuzzydict.text.inflection import bases, spelling_variant
from fuzzydict.text.numbers import named_numbers, numbers, same_number
from fuzzydict.text.slips import edits, slip
from fuzzydict.text.tokens import compact, is_number
from fuzzydict.text.word_order import head_place

__all__ = [
    "MAX_WORDS",
    "Coverage",
    "TextFeatures",
    "WordFeatures",
    "are_forms",
    "coverage",
    "pair_features",
    "text_features",
]

Floats = NDArray[np.float32]
Words = tuple[str, ...]

MAX_WORDS = 24  # words of a text that are aligned with those of another
_MIN_SHORT_FORM = 0.8  # similarity from which on a key counts as a short form of the query


class WordFeatures(NamedTuple):
    """What the vocabulary knows about one word or phrase."""

    text: str
    vector: Floats  # (d,) of unit length, or zeros
    weight: float  # 0 for the most frequent words to 1 for rare ones
    confidence: float  # 1 for known words, less for words placed by their spelling
    density: float  # mean cosine to the nearest words
    name: float  # 1 for a name, else less
    redundancy: float  # 1 for a word that adds nothing to others


@dataclass(frozen=True)
class TextFeatures:
    """A query or a key with the features of its words and of the phrases in it."""

    words: Words  # at most MAX_WORDS
    terms: Sequence[WordFeatures]  # one for each word, then one for each phrase
    phrases: Sequence[tuple[int, int]]  # first and last word + 1 of each phrase

    @classmethod
    def of(cls, words: Words, vocabulary: Vocabulary, *, is_query: bool) -> "TextFeatures":
        """Look up the words and phrases of a text. Only words of a query may be misspelled."""
        words = words[:MAX_WORDS]
        phrases = vocabulary.phrases(words)
        names = [*words, *(" ".join(words[start:end]) for start, end in phrases)]
        arrays = vocabulary.look_up(names, guess=is_query)
        terms = [
            WordFeatures(name, vector, *map(float, shares))
            for name, vector, *shares in zip(names, *arrays, strict=True)
        ]
        return cls(words, terms, phrases)

    @cached_property
    def letters(self) -> str:
        """The words without spaces."""
        return compact(self.words)

    @property
    def is_known(self) -> bool:
        """Are all words in the vocabulary? A word outside of it has weight 1."""
        return all(term.weight < 1 for term in self.terms[: len(self.words)])


def similarities(query: str, key: str) -> tuple[float, float, float]:
    """Return LCS, edit (OSA) and Jaro-Winkler similarity of two texts, 0 to 1 each."""
    from rapidfuzz.distance import OSA, Indel, JaroWinkler

    return (
        Indel.normalized_similarity(query, key),
        OSA.normalized_similarity(query, key),
        JaroWinkler.normalized_similarity(query, key),
    )


def pair_features(query: WordFeatures, key: WordFeatures) -> Floats:
    """Return the `PAIR_FEATURES` of a word or phrase of the query and one of the key: [24]."""
    one, other = query.text, key.text
    confidence = query.confidence * key.confidence
    cosine = float(query.vector @ key.vector) * confidence
    shorter, longer = sorted((len(one), len(other)))
    same_word = same_base = same_variant = is_short = 0.0
    if other[:1] in {form[:1] for form in (one, *bases(one))}:
        same_word = float(one == other)
        same_base = float(not {one, *bases(one)}.isdisjoint((other, *bases(other))))
        same_variant = float(spelling_variant(one) == spelling_variant(other))
        is_short = same_word or _short_form(one, other, query.weight < 1)
    n_edits = edits(one, other)
    return np.array(
        [
            *similarities(one, other),
            same_word,
            same_base,
            is_short,
            cosine,
            max(cosine - 0.4, 0.0),
            query.confidence,
            key.confidence,
            min(shorter, 12) / 8,
            (longer - shorter) / longer,
            query.weight,
            key.weight,
            is_number(one),
            cosine - confidence * (query.density + key.density) / 2,
            query.density,
            key.density,
            same_variant,
            min(n_edits, 4) / 4,
            slip(one, other) if n_edits == 1 else 0.0,
            query.name,
            key.name,
            _part(one, other),
        ],
        np.float32,
    )


def _part(one: str, other: str) -> float:
    """Return 1 if one is the head of the other, a phrase, -1 if it is another word of it, or 0."""
    word, phrase = sorted((one, other), key=len)
    *before, head = phrase.split(" ")
    if not before or " " in word:
        return 0.0
    return 1.0 if word == head else -float(word in before)


def _short_form(query: str, key: str, is_known: bool) -> float:
    """Return how well the shorter text abbreviates the longer one, 0 to 1.

    People abbreviate what is long: a key is a short form of a query only if the query consists of
    known words, and a few letters in order are not enough ("copy" is no short form of "colophony").
    """
    if len(query) < len(key):
        return abbreviation(query, key)
    similarity = abbreviation(key, query) if is_known else 0.0
    return similarity if similarity >= _MIN_SHORT_FORM else 0.0


@dataclass(frozen=True)
class Coverage:
    """How probably each word of a query and of a key has a counterpart on the other side."""

    query: Floats  # (words of query,)
    key: Floats  # (words of key,)


def coverage(
    query: TextFeatures, key: TextFeatures, probability: Callable[[Floats], float]
) -> Coverage:
    """Align the words of a query and a key: each takes its best counterpart.

    ``probability`` maps `pair_features` to the probability that two words mean the same. A phrase
    of the vocabulary covers its words, and so do two words that the other side writes as one
    ("host name", "hostname"). The same number covers itself, however it is written.
    """
    table = np.zeros((len(query.terms), len(key.terms)))
    for i, one in enumerate(query.terms):
        for k, other in enumerate(key.terms):
            table[i, k] = probability(pair_features(one, other))
    of_query = _spread_phrases(table.max(axis=1, initial=0), query)
    of_key = _spread_phrases(table.max(axis=0, initial=0), key)
    _join_words(query.words, of_query, key.words, of_key)
    _join_words(key.words, of_key, query.words, of_query)
    _match_numbers(query.words, of_query, key.words, of_key)
    return Coverage(of_query, of_key)


def _spread_phrases(covered: Floats, text: TextFeatures) -> Floats:
    """Let each phrase cover its words; return the words alone."""
    n = len(text.words)
    for share, (start, end) in zip(covered[n:], text.phrases, strict=True):
        covered[start:end] = np.maximum(covered[start:end], share)
    return covered[:n]


def _join_words(apart: Words, of_apart: Floats, joined: Words, of_joined: Floats) -> None:
    """Cover two neighbouring words whose letters are one word of the other side."""
    starts = {apart[i] + apart[i + 1]: i for i in range(len(apart) - 1)}
    for place, word in enumerate(joined):
        if word in starts:
            of_apart[starts[word] : starts[word] + 2] = 1
            of_joined[place] = 1


def _match_numbers(query: Words, of_query: Floats, key: Words, of_key: Floats) -> None:
    """Cover the same numbers, with their units: "1 kg" and "1000 g", "3" and "III"."""
    numbers_of_key = numbers(key) + named_numbers(key)
    for one in numbers(query) + named_numbers(query):
        for other in numbers_of_key:
            if same_number(one, other):
                of_query[one.places] = 1
                of_key[other.places] = 1


def text_features(
    query: TextFeatures,
    key: TextFeatures,
    covered: Coverage,
    cosine: float,
    idf: Callable[[str], float],
    is_used: Callable[[str], bool],
) -> Floats:
    """Return `TEXT_FEATURES` of a query and a key: float32 [41].

    ``cosine`` is that of the two meanings, reduced where words of the query are unknown; ``idf``
    returns how well a word tells the keys of this dictionary apart, 0 to 1, and ``is_used`` whether
    any of them has it.
    """
    of_query = _weights(query, idf)  # (3, words)
    of_key = _weights(key, idf)
    total_query, total_key = of_query.sum(axis=1), of_key.sum(axis=1)
    found_query, found_key = of_query @ covered.query, of_key @ covered.key
    weight, idf_weight, content = range(3)
    share_query = found_query / np.maximum(total_query, 1e-6)
    share_key = found_key / np.maximum(total_key, 1e-6)
    only_query = of_query[content] * (1 - covered.query)
    only_key = of_key[content] * (1 - covered.key)
    one, other = query.letters, key.letters
    n_edits = edits(one, other)
    contracted = abbreviated = 0.0
    if one[:1] == other[:1]:
        contracted = _contraction(query, key)
        abbreviated = _short_form(one, other, query.is_known)
    same_words = set(query.words) == set(key.words)
    return np.array(
        [
            share_query[weight],
            share_key[weight],
            min(share_query[weight], share_key[weight]),
            covered.query.max(initial=0),
            1 - (of_query[content] * (1 - covered.query)).max(initial=0),
            1 - (of_key[content] * (1 - covered.key)).max(initial=0),
            share_query[idf_weight],
            share_key[idf_weight],
            (of_query[idf_weight] * covered.query).max(initial=0),
            (total_query[content] - found_query[content]) / 2,
            (total_key[content] - found_key[content]) / 2,
            _confidence(query),
            cosine,
            max(cosine - 0.4, 0.0),
            max(cosine - 0.7, 0.0),
            *similarities(one, other),
            one == other or _variants(query.words) == _variants(key.words),
            contracted,
            abbreviated,
            same_words,
            len(query.words) == 1,
            len(key.words) == 1,
            max(len(query.words) - len(key.words), 0) / 3,
            max(len(key.words) - len(query.words), 0) / 3,
            min(len(one), len(other), 16) / 8,
            same_words and sorted(query.words) == sorted(key.words),
            min(n_edits, 6) / 6,
            *_unmatched(query, only_query),
            *_unmatched(key, only_key),
            _confidence(key),
            1 - max((only_query * [is_used(word) for word in query.words]), default=0.0),
            1 - max((only_key * [1 - idf(word) for word in key.words]), default=0.0),
            slip(one, other) if n_edits == 1 else 0.0,
            1 - min(only_query.max(initial=0), only_key.max(initial=0)),
            are_forms(query.words, key.words),
        ],
        np.float32,
    )


def are_forms(one: Words, other: Words) -> bool:
    """Are the words of two texts forms of each other, one by one: "color" and "colors"?"""
    return len(one) == len(other) and all(
        not {word, *bases(word)}.isdisjoint((rival, *bases(rival)))
        for word, rival in zip(one, other, strict=True)
    )


def _variants(words: Words) -> list[str]:
    return list(map(spelling_variant, words))


def _weights(text: TextFeatures, idf: Callable[[str], float]) -> Floats:
    """Return for each word its weight, its weight times IDF, and whether it has content: [3, n]."""
    terms = text.terms[: len(text.words)]
    weights = np.array([term.weight for term in terms])
    idfs = np.array([idf(term.text) for term in terms])
    return np.stack([weights, weights * idfs, np.minimum(2 * weights, 1)])


def _confidence(text: TextFeatures) -> float:
    """Return the share of the words that are known, by their weight."""
    terms = text.terms[: len(text.words)]
    known = sum(term.weight * term.confidence for term in terms)
    return known / max(sum(term.weight for term in terms), 1e-6)


def _unmatched(text: TextFeatures, uncovered: Floats) -> tuple[float, float, float]:
    """Return how far the head, what adds something, and the names of a text have counterparts.

    ``uncovered`` is the content of each word that has none: [words].
    """
    terms = text.terms[: len(text.words)]
    adds = [share * (1 - term.redundancy) for share, term in zip(uncovered, terms, strict=True)]
    names = [share * term.name for share, term in zip(uncovered, terms, strict=True)]
    head = uncovered[head_place(text.words)] if terms else 0.0
    return 1 - float(head), 1 - max(adds, default=0.0), 1 - max(names, default=0.0)


def _contraction(query: TextFeatures, key: TextFeatures) -> float:
    """Return how well the letters of the shorter text contract the words of the longer one."""
    if len(query.letters) < len(key.letters):
        return contraction(query.letters, key.words)
    return contraction(key.letters, query.words) if query.is_known else 0.0
