"""The score: out of spelling and meaning, how probably a key is the one that was meant.

Each pair of a query's word and a key's word gets a probability that they stand for the same
thing; the words are then aligned, and the alignment, the whole spellings and the meanings of the
phrases make the logit of the key. Both steps are small networks, fitted when the model is built.
"""

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
    "WithoutVectors",
    "WordInfo",
    "WordMeaning",
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

    def look_up(self, words: Sequence[str], /) -> WordInfo:
        """Return what is known of the words."""
        ...

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases that the vocabulary knows begin and end among the words."""
        ...


class WithoutVectors:
    """A vocabulary's rarity of words alone, for embedders that know whole texts only."""

    def __init__(self, meaning: WordMeaning) -> None:
        self._meaning = meaning

    def look_up(self, words: Sequence[str], /) -> WordInfo:
        """Return what is known of the words, with vectors of zeros that nobody trusts."""
        info = self._meaning.look_up(words)
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
    info = meaning.look_up([*queries, *keys])
    vectors, weights, trust, density = info
    result = np.zeros((n, m, len(WORD_FEATURES)), np.float32)
    result[..., 0:3] = similarities(queries, keys).transpose(1, 2, 0)
    trusted = np.outer(trust[:n], trust[n:])
    cosines = (vectors[:n] @ vectors[n:].T) * trusted
    result[..., 6] = cosines
    result[..., 7] = np.maximum(cosines - 0.4, 0)
    result[..., 8] = trust[:n, None]
    result[..., 9] = trust[n:]
    lengths = np.fromiter(map(len, [*queries, *keys]), np.float32, n + m)
    long, short = (
        np.maximum.outer(lengths[:n], lengths[n:]),
        np.minimum.outer(lengths[:n], lengths[n:]),
    )
    result[..., 10] = np.minimum(short, 12) / 8
    result[..., 11] = (long - short) / long
    result[..., 12] = weights[:n, None]
    result[..., 13] = weights[n:]
    for i, query in enumerate(queries):
        forms, spelled = {query, *bases(query)}, variant(query)
        initial = {form[:1] for form in forms}
        for j, key in enumerate(keys):
            if key == query:
                result[i, j, [3, 4, 5, 18]] = 1
            elif key[:1] in initial:
                result[i, j, 4] = not forms.isdisjoint((key, *bases(key)))
                result[i, j, 18] = spelled == variant(key)
                if len(query) < len(key):
                    result[i, j, 5] = abbreviation(query, key)
                elif len(key) < len(query):
                    result[i, j, 5] = abbreviation(key, query)
        if query.isdigit():
            result[i, :, 14] = 1
    result[..., 15] = cosines - trusted * (density[:n, None] + density[n:]) / 2
    result[..., 16] = density[:n, None]
    result[..., 17] = density[n:]
    return result, info


PHRASE_FEATURES = (
    "query covered", "key covered", "less covered", "best word", "worst word of query",
    "worst word of key", "query told apart", "key told apart", "best word told apart",
    "uncovered in query", "uncovered in key", "trust",
    "cosine", "cosine over 0.4", "cosine over 0.7", "subsequence", "edits",
    "jaro-winkler", "same letters", "contracted", "abbreviation", "same words", "one word asked",
    "one word held", "more words asked", "more words held", "length", "words sorted",
)  # fmt: skip
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
    letters, others = compact(query), [compact(key) for key in keys]
    result = np.zeros((len(keys), len(PHRASE_FEATURES)), np.float32)
    result[:, :_ALIGNED] = _align(query, keys, words, meaning, usage)
    rest = result[:, _ALIGNED:]
    rest[:, 0] = cosines
    rest[:, 1] = np.maximum(cosines - 0.4, 0)
    rest[:, 2] = np.maximum(cosines - 0.7, 0)
    rest[:, 3:6] = similarities([letters], others)[:, 0].T
    ordered, bag = sorted(query), set(query)
    for row, key, other in zip(rest, keys, others, strict=True):
        short, long = (letters, other) if len(letters) < len(other) else (other, letters)
        row[6:] = (
            letters == other,
            contracted(letters, key) or contracted(other, query),
            abbreviation(short, long),
            bag == set(key),
            len(query) == 1,
            len(key) == 1,
            max(len(query) - len(key), 0) / 3,
            max(len(key) - len(query), 0) / 3,
            min(len(letters), len(other), 16) / 8,
            ordered == sorted(key),
        )
    return result


def _align(
    query: Words, keys: Sequence[Words], network: Network, meaning: WordMeaning, usage: Usage
) -> Floats:
    """Return how far query and keys cover each other, word by word: [len(keys), 12]."""
    covered = _cover(query, keys, network, meaning)
    n, held = len(query), covered.held
    # A last place, of no weight, stands for what is beyond the end of a key.
    rarity = np.append(covered.info.rarity, np.float32(0))
    apart = rarity * np.append(usage(covered.terms), np.float32(0))
    content = np.minimum(2 * rarity, 1)
    lost_query, lost_key = 1 - covered.query, 1 - covered.keys
    of_query = _share(rarity[:n, None], covered.query, 0)
    of_key = _share(rarity[held], covered.keys, 1)
    return np.stack(
        [
            of_query,
            of_key,
            np.minimum(of_query, of_key),
            covered.query.max(axis=0),
            1 - (content[:n, None] * lost_query).max(axis=0),
            1 - (content[held] * lost_key).max(axis=1, initial=0),
            _share(apart[:n, None], covered.query, 0),
            _share(apart[held], covered.keys, 1),
            (apart[:n, None] * covered.query).max(axis=0),
            (content[:n] @ lost_query) / 2,
            (content[held] * lost_key).sum(axis=1) / 2,
            np.full(len(keys), _share(rarity[:n], covered.info.trust[:n], 0)),
        ],
        axis=1,
    )


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
    spans = [meaning.phrases(text) for text in (query, *keys)]
    phrases = [
        [" ".join(text[start:end]) for start, end in places]
        for text, places in zip((query, *keys), spans, strict=True)
    ]
    asked = [*query, *phrases[0]]
    places: dict[str, int] = {}
    for key, more in zip(keys, phrases[1:], strict=True):
        for term in (*key, *more):
            places.setdefault(term, len(places))
    features, info = word_features(asked, list(places), meaning)
    pairs = np.zeros((len(asked), len(places) + 1), np.float32)  # the last column is of no term
    pairs[:, :-1] = 1 / (1 + np.exp(-network(features)))
    longest = max(map(len, keys), default=0)
    most = longest + max(map(len, phrases[1:]), default=0)
    index = np.full((len(keys), most), len(places), np.intp)  # words, then phrases
    for row, key, more in zip(index, keys, phrases[1:], strict=True):
        row[: len(key)] = [places[word] for word in key]
        row[longest : longest + len(more)] = [places[phrase] for phrase in more]
    found = pairs[:, index]  # (W and phrases, C, L and phrases)
    of_query, of_keys = found.max(axis=2, initial=0), found.max(axis=0)
    for row, (start, end) in zip(of_query[len(query) :], spans[0], strict=True):
        np.maximum(of_query[start:end], row, out=of_query[start:end])
    for row, inside in zip(of_keys, spans[1:], strict=True):
        for probability, (start, end) in zip(row[longest:], inside, strict=False):
            np.maximum(row[start:end], probability, out=row[start:end])
    of_query, of_keys = of_query[: len(query)], of_keys[:, :longest]
    _join(query, keys, of_query, of_keys)
    return _Cover(of_query, of_keys, len(asked) + index[:, :longest], [*asked, *places], info)


def _share(weights: Floats, values: Floats, axis: int) -> Floats:
    """Return the weighted mean along the axis; 0 where the weights are."""
    mean: Floats = (weights * values).sum(axis) / np.maximum(weights.sum(axis), 1e-6)
    return mean


def _join(query: Words, keys: Sequence[Words], covered_query: Floats, covered_key: Floats) -> None:
    """Let two words that the other side writes as one stand for it ("host name", "hostname")."""
    pairs = {query[i] + query[i + 1]: i for i in range(len(query) - 1)}
    singles = {word: i for i, word in enumerate(query)}
    for c, key in enumerate(keys):
        for j, word in enumerate(key):
            if word in pairs:
                covered_query[pairs[word] : pairs[word] + 2, c] = 1
                covered_key[c, j] = 1
            if j + 1 < len(key) and (joined := word + key[j + 1]) in singles:
                covered_query[singles[joined], c] = 1
                covered_key[c, j : j + 2] = 1


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
