"""The score: out of spelling and meaning, how probably a key is the one that was meant.

Each pair of a query's word and a key's word gets a probability that they stand for the same
thing; the words are then aligned, and the alignment, the whole spellings and the meanings of the
phrases make the logit of the key. Both steps are small networks, fitted when the model is built.
"""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fuzzydict.spelling import abbreviation, contracted, similarities
from fuzzydict.text import bases, compact, variant

__all__ = [
    "Network",
    "Score",
    "SpellingAlone",
    "WithoutVectors",
    "WordInfo",
    "WordMeaning",
    "WordPair",
    "phrase_features",
    "word_features",
]

Floats = NDArray[np.float32]
Words = tuple[str, ...]

_MAX_WORDS = 24  # words of a text that are aligned


class WordInfo(NamedTuple):
    """What a vocabulary knows of n words."""

    vectors: Floats  # (n, d) of unit length or zero
    rarity: Floats  # (n,) 0 for the most usual words, 1 for rare ones
    trust: Floats  # (n,) 1 for known words, less for those placed by their spelling
    density: Floats  # (n,) mean cosine to the nearest words: how crowded the place is


class WordMeaning(Protocol):
    """What the score asks of a vocabulary."""

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> WordInfo:
        """Return what is known of the words; those that are not, by what they look like."""
        ...

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases that the vocabulary knows begin and end among the words."""
        ...


class WithoutVectors:
    """A vocabulary's rarity of words alone, for embedders that know whole texts only."""

    def __init__(self, meaning: WordMeaning) -> None:
        self._meaning = meaning

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> WordInfo:
        """Return what is known of the words, with vectors of zeros that nobody trusts."""
        info = self._meaning.look_up(words, guess=guess)
        return info._replace(vectors=np.zeros_like(info.vectors), trust=np.zeros_like(info.trust))

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return no phrases: they are known by their vectors alone."""
        return []


class Usage(Protocol):
    """How usual a word is among the keys of the dictionary itself."""

    def __call__(self, words: Sequence[str], /) -> Floats:
        """Return how much each word tells the keys apart: 1 for one of no or few keys, to 0."""
        ...


@dataclass(frozen=True)
class Network:
    """Two layers: x → w2 · tanh(w1 x + b1) + b2, a logit; x is of the order of one."""

    w1: Floats  # (F, H)
    b1: Floats  # (H,)
    w2: Floats  # (H,)
    b2: float

    def __call__(self, features: Floats) -> Floats:
        """Return the logits of features [..., F]: float32 [...]."""
        hidden = np.tanh(features @ self.w1 + self.b1)
        logits: Floats = hidden @ self.w2 + self.b2
        return logits


WORD_FEATURES = (
    "subsequence", "edits", "jaro-winkler", "same", "same base", "abbreviation",
    "cosine", "cosine over 0.4", "trust of query", "trust of key",
    "length", "difference of lengths", "rarity of query", "rarity of key", "number",
    "cosine over density", "density of query", "density of key",
    "same variant",
)  # fmt: skip


def word_features(
    queries: Sequence[str], keys: Sequence[str], meaning: WordMeaning
) -> tuple[Floats, WordInfo]:
    """Return what is known of each pair of words: float32 [len(queries), len(keys), F]; and of the
    words of the query and then of the keys."""
    n, m = len(queries), len(keys)
    # A query may be mistyped; a key is written as it was meant.
    looked_up = meaning.look_up(queries), meaning.look_up(keys, guess=False)
    info = WordInfo(*map(np.concatenate, zip(*looked_up, strict=True)))
    vectors, rarity, trust, density = info
    result = np.zeros((n, m, len(WORD_FEATURES)), np.float32)
    result[..., 0:3] = similarities(queries, keys).transpose(1, 2, 0)
    trusted = np.multiply.outer(trust[:n], trust[n:])
    result[..., 6] = cosines = (vectors[:n] @ vectors[n:].T) * trusted
    result[..., 7] = np.maximum(cosines - 0.4, 0)
    sides = np.stack([trust, rarity, density], axis=1)
    result[..., [8, 12, 16]] = sides[:n, None]
    result[..., [9, 13, 17]] = sides[n:]
    result[..., 15] = cosines - trusted * (density[:n, None] + density[n:]) / 2
    lengths = np.fromiter(map(len, [*queries, *keys]), np.float32, n + m)
    long = np.maximum.outer(lengths[:n], lengths[n:])
    short = np.minimum.outer(lengths[:n], lengths[n:])
    result[..., 10] = np.minimum(short, 12) / 8
    result[..., 11] = (long - short) / long
    known = rarity[:n] < 1
    beginning: dict[str, list[int]] = {}
    for j, key in enumerate(keys):
        beginning.setdefault(key[:1], []).append(j)
    for i, query in enumerate(queries):
        if query.isdigit():
            result[i, :, 14] = 1
        forms, spelled = _forms(query)
        for j in itertools.chain(
            *(beginning.get(first, ()) for first in {form[:1] for form in forms})
        ):
            key = keys[j]
            if key == query:
                result[i, j, [3, 4, 5, 18]] = 1
                continue
            key_forms, key_spelled = _forms(key)
            result[i, j, 4] = not forms.isdisjoint(key_forms)
            result[i, j, 18] = spelled == key_spelled
            if len(query) < len(key):
                result[i, j, 5] = abbreviation(query, key)
            elif len(key) < len(query) and known[i]:
                result[i, j, 5] = _short_form(key, query)
    return result, info


@functools.lru_cache(maxsize=1 << 14)
def _forms(word: str) -> tuple[frozenset[str], str]:
    """Return the word and what it may be inflected from, and its one spelling."""
    return frozenset((word, *bases(word))), variant(word)


PHRASE_FEATURES = (
    "query covered", "key covered", "less covered", "best word", "worst word of query",
    "worst word of key", "query told apart", "key told apart", "best word told apart",
    "uncovered in query", "uncovered in key", "trust",
    "cosine", "cosine over 0.4", "cosine over 0.7", "subsequence", "edits",
    "jaro-winkler", "same letters", "contracted", "abbreviation", "same words", "one word asked",
    "one word held", "more words asked", "more words held", "length", "words sorted",
)  # fmt: skip
_SHORT = 0.8  # the least likeness of a key that is a short form of the query
_ALIGNED = 12  # of them come from the alignment


def phrase_features(
    query: Words,
    keys: Sequence[Words],
    cosines: Floats,
    words: Network,
    meaning: WordMeaning,
    usage: Usage,
) -> Floats:
    """Return what is known of a query and each key: float32 [len(keys), F].

    ``cosines`` [len(keys)] are those of the phrases' vectors, as far as they are to be trusted;
    ``words`` judges pairs of words.
    Linear in the number of keys and the words of each.
    """
    query, keys = query[:_MAX_WORDS], [key[:_MAX_WORDS] for key in keys]
    letters, ordered, bag = _written(query)
    written = [_written(key) for key in keys]
    others = [other for other, _, _ in written]
    result = np.zeros((len(keys), len(PHRASE_FEATURES)), np.float32)
    result[:, :_ALIGNED] = _align(query, keys, words, meaning, usage)
    rest = result[:, _ALIGNED:]
    rest[:, 0] = cosines
    rest[:, 1] = np.maximum(cosines - 0.4, 0)
    rest[:, 2] = np.maximum(cosines - 0.7, 0)
    rest[:, 3:6] = similarities([letters], others)[:, 0].T
    n = len(query)
    known = bool((meaning.look_up(query).rarity < 1).all())
    rest[:, 6:] = [
        (
            letters == other,
            *_shortened(letters, query, other, key, known),
            bag == key_bag,
            n == 1,
            len(key) == 1,
            max(n - len(key), 0) / 3,
            max(len(key) - n, 0) / 3,
            min(len(letters), len(other), 16) / 8,
            ordered == sorted_key,
        )
        for key, (other, sorted_key, key_bag) in zip(keys, written, strict=True)
    ]
    return result


def _shortened(
    letters: str, query: Words, other: str, key: Words, known: bool
) -> tuple[float, float]:
    """Return how well one contracts the words of the other, and abbreviates its letters."""
    if letters[:1] != other[:1]:
        return 0.0, 0.0
    if len(letters) < len(other):
        return contracted(letters, key), abbreviation(letters, other)
    return (contracted(other, query), _short_form(other, letters)) if known else (0.0, 0.0)


def _short_form(key: str, query: str) -> float:
    """Return how well the key abbreviates a query that has words, as people name what is long.

    A few letters of it in order are too few: "copy" is no short form of "colophony".
    """
    likeness = abbreviation(key, query)
    return likeness if likeness >= _SHORT else 0.0


@functools.lru_cache(maxsize=8192)
def _written(words: Words) -> tuple[str, list[str], frozenset[str]]:
    """Return the letters of a text, its words in order, and as a set."""
    return compact(words), sorted(words), frozenset(words)


def _align(
    query: Words, keys: Sequence[Words], network: Network, meaning: WordMeaning, usage: Usage
) -> Floats:
    """Return how far query and keys cover each other, word by word: [len(keys), 12]."""
    covered = _cover(query, keys, network, meaning)
    n, held, rarity = len(query), covered.held, covered.info.rarity
    # How much a word counts, how much it tells keys apart, and whether it has any content. A last
    # place, of no weight, stands for what is beyond the end of a key.
    weights = np.zeros((3, len(rarity) + 1), np.float32)
    weights[0, :-1] = rarity
    weights[1, :-1] = rarity * usage(covered.terms)
    weights[2, :-1] = np.minimum(2 * rarity, 1)
    of_query, of_keys = weights[:, :n], weights[:, held]  # (3, W), (3, C, L)
    found_query, found_keys = of_query @ covered.query, (of_keys * covered.keys).sum(axis=2)
    all_query, all_keys = of_query.sum(axis=1)[:, None], of_keys.sum(axis=2)
    query_share = found_query / np.maximum(all_query, 1e-6)  # (3, C)
    keys_share = found_keys / np.maximum(all_keys, 1e-6)
    result = np.empty((len(keys), _ALIGNED), np.float32)
    result[:, 0] = query_share[0]
    result[:, 1] = keys_share[0]
    result[:, 2] = np.minimum(query_share[0], keys_share[0])
    result[:, 3] = covered.query.max(axis=0)
    result[:, 4] = 1 - (of_query[2][:, None] * (1 - covered.query)).max(axis=0)
    result[:, 5] = 1 - (of_keys[2] * (1 - covered.keys)).max(axis=1, initial=0)
    result[:, 6] = query_share[1]
    result[:, 7] = keys_share[1]
    result[:, 8] = (of_query[1][:, None] * covered.query).max(axis=0)
    result[:, 9] = (all_query[2] - found_query[2]) / 2
    result[:, 10] = (all_keys[2] - found_keys[2]) / 2
    result[:, 11] = of_query[0] @ covered.info.trust[:n] / max(float(all_query[0, 0]), 1e-6)
    return result


class _Cover(NamedTuple):
    """How probably each word has a counterpart on the other side: W words asked, C keys."""

    query: Floats  # (W, C)
    keys: Floats  # (C, L) L words of the longest key; 0 beyond the end of a shorter one
    held: NDArray[np.intp]  # (C, L) the place in terms of each; len(terms) beyond the end
    terms: list[str]  # all words and phrases, those of the query first
    info: WordInfo  # what is known of the terms


def _cover(query: Words, keys: Sequence[Words], network: Network, meaning: WordMeaning) -> _Cover:
    """Let each word stand for its best counterpart.

    A phrase of the vocabulary stands for its counterpart as a word does, and covers its words.
    """
    spans = meaning.phrases(query)
    inside = [(c, found) for c, key in enumerate(keys) if (found := meaning.phrases(key))]
    asked = [*query, *_phrases(query, spans)]
    terms = dict.fromkeys(
        itertools.chain(*keys, *(_phrases(keys[c], found) for c, found in inside))
    )
    places = dict(zip(terms, range(len(terms)), strict=True))
    features, info = word_features(asked, list(terms), meaning)
    pairs = np.zeros((len(asked), len(terms) + 1), np.float32)  # the last column is of no term
    pairs[:, :-1] = 1 / (1 + np.exp(-network(features)))

    lengths = np.fromiter(map(len, keys), np.intp, len(keys))
    longest = int(lengths.max(initial=0))
    held = np.full((len(keys), longest), len(terms), np.intp)
    held[np.arange(longest) < lengths[:, None]] = [places[word] for key in keys for word in key]
    found_words = pairs[:, held]  # (W and phrases, C, L)
    of_query, of_keys = found_words.max(axis=2, initial=0), found_words.max(axis=0)
    for c, found in inside:
        for (start, end), phrase in zip(found, _phrases(keys[c], found), strict=True):
            column = pairs[:, places[phrase]]
            np.maximum(of_query[:, c], column, out=of_query[:, c])
            np.maximum(of_keys[c, start:end], column.max(), out=of_keys[c, start:end])
    for row, (start, end) in zip(of_query[len(query) :], spans, strict=True):
        np.maximum(of_query[start:end], row, out=of_query[start:end])
    of_query = of_query[: len(query)]
    _join(query, keys, of_query, of_keys)
    return _Cover(of_query, of_keys, len(asked) + held, [*asked, *terms], info)


def _phrases(words: Words, spans: Sequence[tuple[int, int]]) -> list[str]:
    return [" ".join(words[start:end]) for start, end in spans]


def _join(query: Words, keys: Sequence[Words], covered_query: Floats, covered_key: Floats) -> None:
    """Let two words that the other side writes as one stand for it ("host name", "hostname")."""
    pairs = {query[i] + query[i + 1]: i for i in range(len(query) - 1)}
    for c, key in enumerate(keys):
        if pairs:
            for j, word in enumerate(key):
                if word in pairs:
                    covered_query[pairs[word] : pairs[word] + 2, c] = 1
                    covered_key[c, j] = 1
        letters = _written(key)[0] if len(key) > 1 else ""
        for i, word in enumerate(query):
            if word in letters:
                for j in range(len(key) - 1):
                    if key[j] + key[j + 1] == word:
                        covered_query[i, c] = 1
                        covered_key[c, j : j + 2] = 1


class WordPair(NamedTuple):
    """A word or phrase of a query and its best counterpart in a key."""

    asked: str
    held: str
    probability: float  # that they stand for the same thing
    weight: float  # how much the word asked counts: 1 for a rare one, 0 for the most usual


@dataclass(frozen=True)
class Score:
    """The fitted score: logits of keys, of which the null key has 0, and the default cutoff."""

    words: Network
    phrases: Network
    cutoff: float

    def logits(
        self,
        query: Words,
        keys: Sequence[Words],
        cosines: Floats,
        meaning: WordMeaning,
        usage: Usage,
    ) -> Floats:
        """Return the logit of each key: float32 [len(keys)]."""
        return self.phrases(phrase_features(query, keys, cosines, self.words, meaning, usage))

    def pairs(self, query: Words, key: Words, meaning: WordMeaning) -> list[WordPair]:
        """Return the best counterpart in the key of each word of the query, in their order.

        A phrase of the vocabulary takes the place of its words where it has a better one, and so
        do two words that the other side writes as one.
        """
        query, key = query[:_MAX_WORDS], key[:_MAX_WORDS]
        spans = [(i, i + 1) for i in range(len(query))] + meaning.phrases(query)
        asked, held = _phrases(query, spans), [*key, *_phrases(key, meaning.phrases(key))]
        if not asked or not held:
            return []
        features, info = word_features(asked, held, meaning)
        shares = 1 / (1 + np.exp(-self.words(features)))  # (asked, held)
        found = [
            (span, WordPair(word, held[int(row.argmax())], float(row.max()), float(weight)))
            for span, word, row, weight in zip(spans, asked, shares, info.rarity, strict=False)
        ]
        for (i, one), (j, other) in itertools.product(enumerate(query), enumerate(key)):
            if query[i + 1 : i + 2] and one + query[i + 1] == other:
                found.append(((i, i + 2), WordPair(f"{one} {query[i + 1]}", other, 1.0, 1.0)))
            if key[j + 1 : j + 2] and other + key[j + 1] == one:
                found.append(((i, i + 1), WordPair(one, f"{other} {key[j + 1]}", 1.0, 1.0)))
        found.sort(key=lambda each: (-each[1].probability, each[0]))
        taken: dict[int, WordPair] = {}
        for (start, end), pair in found:
            if taken.keys().isdisjoint(range(start, end)):
                taken.update(dict.fromkeys(range(start, end), pair))
        return list(dict.fromkeys(map(taken.__getitem__, sorted(taken))))

    def to_arrays(self) -> dict[str, Floats]:
        """Return the parameters as arrays, to be stored with the model."""
        return {
            f"score.{part}.{name}": np.atleast_1d(np.asarray(getattr(network, name), np.float32))
            for part, network in (("words", self.words), ("phrases", self.phrases))
            for name in ("w1", "b1", "w2", "b2")
        } | {"score.cutoff": np.array([self.cutoff], np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Score":
        """Return the score of which `to_arrays` made the arrays."""

        def network(part: str) -> Network:
            w1, b1, w2, b2 = (arrays[f"score.{part}.{name}"] for name in ("w1", "b1", "w2", "b2"))
            return Network(w1, b1, w2, float(b2[0]))

        return cls(network("words"), network("phrases"), float(arrays["score.cutoff"][0]))


class SpellingAlone(Score):
    """A score that is told of no meaning, as if the embedder knew no word."""

    def logits(
        self,
        query: Words,
        keys: Sequence[Words],
        cosines: Floats,
        meaning: WordMeaning,
        usage: Usage,
    ) -> Floats:
        """Return the logit of each key by how it is written: float32 [len(keys)]."""
        unknown = np.zeros_like(cosines)
        return super().logits(query, keys, unknown, WithoutVectors(meaning), usage)
