"""The score: out of spelling and meaning, how probably a key is the one that was meant.

Each pair of a query's word and a key's word gets a probability that they stand for the same
thing; the words are then aligned, and the alignment, the whole spellings and the meanings of the
phrases make the logit of the key. Both steps are small networks, fitted when the model is built.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fuzzydict import compiled
from fuzzydict.model.networks import MLP, ScorerNetworks
from fuzzydict.model.vocabulary import Vocabulary, WithoutVectors
from fuzzydict.model.vocabulary import WordArrays as WordFeatures
from fuzzydict.text.spelling import abbreviation, contracted, similarities_of_pairs
from fuzzydict.text.tokens import bases, compact, variant

__all__ = [
    "MLP",
    "Scorer",
    "ScoringRequest",
    "SpellingScorer",
    "Vocabulary",
    "WithoutVectors",
    "WordAlignment",
    "WordFeatures",
    "every_pair",
    "phrase_features",
    "word_features",
]

Floats = NDArray[np.float32]
Words = tuple[str, ...]

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

_MAX_WORDS = 24  # words of a text that are aligned
_AT_ONCE = 4096  # keys of a query whose features are in memory together
_TOGETHER = 1 << 17  # pairs of words of queries and of keys that are in a table together


class Usage(Protocol):
    """How usual a word is among the keys of the dictionary itself."""

    def __call__(self, words: Sequence[str], /) -> Floats:
        """Return how much each word tells the keys apart: 1 for one of no or few keys, to 0."""
        ...


WORD_FEATURES = (
    "subsequence", "edits", "jaro-winkler", "same", "same base", "abbreviation",
    "cosine", "cosine over 0.4", "trust of query", "trust of key",
    "length", "difference of lengths", "rarity of query", "rarity of key", "number",
    "cosine over density", "density of query", "density of key",
    "same variant",
)  # fmt: skip


def word_features(
    queries: Sequence[str], keys: Sequence[str], pairs: Pairs, meaning: Vocabulary
) -> tuple[Floats, WordFeatures, WordFeatures]:
    """Return what is known of pairs of words: float32 [len(pairs[0]), F]; and of the words of the
    queries and of the keys.

    ``pairs`` are the places of the one among the queries, and of the other among the keys.
    """
    first, second = pairs
    ones = [queries[i] for i in first.tolist()]
    others = [keys[j] for j in second.tolist()]
    # A query may be mistyped; a key is written as it was meant.
    asked, held = meaning.look_up(queries), meaning.look_up(keys, guess=False)
    of_one, of_other = _sides(asked, queries)[:, first], _sides(held, keys)[:, second]
    trusted = of_one[0] * of_other[0]
    cosines = (asked.vectors @ held.vectors.T)[first, second] * trusted
    result = np.zeros((len(WORD_FEATURES), len(ones)), np.float32)
    result[0:3] = similarities_of_pairs(ones, others)
    result[6] = cosines
    result[7] = np.maximum(cosines - 0.4, 0)
    result[[8, 12, 16]] = of_one[:3]
    result[[9, 13, 17]] = of_other[:3]
    long, short = np.maximum(of_one[3], of_other[3]), np.minimum(of_one[3], of_other[3])
    result[10] = np.minimum(short, 12) / 8
    result[11] = (long - short) / np.maximum(long, 1)
    result[14] = np.array([query.isdigit() for query in queries], np.float32)[first]
    result[15] = cosines - trusted * (of_one[2] + of_other[2]) / 2
    starts = [_initials(query) for query in queries]
    alike = [p for p, i in enumerate(first.tolist()) if others[p][:1] in starts[i]]
    for p in alike:
        query, key = ones[p], others[p]
        if key == query:
            result[[3, 4, 5, 18], p] = 1
            continue
        (forms, spelled), (key_forms, key_spelled) = _forms(query), _forms(key)
        result[4, p] = not forms.isdisjoint(key_forms)
        result[18, p] = spelled == key_spelled
        if len(query) < len(key):
            result[5, p] = abbreviation(query, key)
        elif len(key) < len(query) and of_one[1, p] < 1:
            result[5, p] = _short_form(key, query)
    return result.T, asked, held


def _phrases(words: Words, spans: Sequence[tuple[int, int]]) -> list[str]:
    return [" ".join(words[start:end]) for start, end in spans]


def every_pair(queries: int, keys: int) -> Pairs:
    """Return the pairs of each of so many with each of so many others."""
    first, second = np.indices((queries, keys)).reshape(2, -1)
    return first, second


def _sides(info: WordFeatures, words: Sequence[str]) -> Floats:
    """Return trust, rarity, density and length of words: [4, len(words)]."""
    lengths = np.fromiter(map(len, words), np.float32, len(words))
    return np.array([info.trust, info.rarity, info.density, lengths])


@functools.lru_cache(maxsize=1 << 14)
def _forms(word: str) -> tuple[frozenset[str], str]:
    """Return the word and what it may be inflected from, and its one spelling."""
    return frozenset((word, *bases(word))), variant(word)


@functools.lru_cache(maxsize=1 << 14)
def _initials(word: str) -> str:
    """Return the letters with which the word, or what it may be inflected from, begins."""
    return "".join({form[:1] for form in _forms(word)[0]})


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


class ScoringRequest(NamedTuple):
    """A query and the keys that it may mean, by their words."""

    query: Words
    keys: Sequence[Words]
    cosines: Floats  # (len(keys),) of the phrases' vectors, as far as they are to be trusted


def phrase_features(
    questions: Sequence[ScoringRequest], words: MLP, meaning: Vocabulary, usage: Usage
) -> Floats:
    """Return what is known of each query and each of its keys: float32 [keys of all, F].

    ``words`` judges pairs of words. Linear in the number of keys and the words of each.
    """
    queries = [_written(question.query[:_MAX_WORDS]) for question in questions]
    keys = [_written(key[:_MAX_WORDS]) for question in questions for key in question.keys]
    owners = np.repeat(np.arange(len(queries)), [len(question.keys) for question in questions])
    asked = [queries[i] for i in owners.tolist()]
    covered = _cover(queries, keys, owners, words, meaning)
    known = covered.is_known()
    result = np.empty((len(PHRASE_FEATURES), len(keys)), np.float32)
    result[:_ALIGNED] = _align(covered, usage)
    rest = result[_ALIGNED:]
    rest[0] = cosines = np.concatenate([question.cosines for question in questions])
    rest[1] = np.maximum(cosines - 0.4, 0)
    rest[2] = np.maximum(cosines - 0.7, 0)
    rest[3:6] = similarities_of_pairs([one.letters for one in asked], [key.letters for key in keys])
    rest[6:10], rest[15] = 0, 0
    for c, (one, key) in enumerate(zip(asked, keys, strict=True)):
        if one.letters[:1] == key.letters[:1]:
            rest[7:9, c] = _shortened(one, key, bool(known[c]))
        if one.bag == key.bag:
            rest[9, c], rest[15, c] = 1, one.ordered == key.ordered
        if one.letters == key.letters:
            rest[6, c] = 1
    lengths = [(len(one.letters), len(key.letters)) for one, key in zip(asked, keys, strict=True)]
    rest[14] = np.minimum(np.min(lengths, axis=1), 16) / 8
    ours, theirs = covered.asked.lengths[owners], covered.held.lengths
    rest[10] = ours == 1
    rest[11] = theirs == 1
    rest[12] = np.maximum(ours - theirs, 0) / 3
    rest[13] = np.maximum(theirs - ours, 0) / 3
    return result.T


def _shortened(query: "_Written", key: "_Written", known: bool) -> tuple[float, float]:
    """Return how well one contracts the words of the other, and abbreviates its letters, if they
    begin alike."""
    asked, held = query.letters, key.letters
    if len(asked) < len(held):
        return contracted(asked, key.words), abbreviation(asked, held)
    return (contracted(held, query.words), _short_form(held, asked)) if known else (0.0, 0.0)


def _short_form(key: str, query: str) -> float:
    """Return how well the key abbreviates a query that has words, as people name what is long.

    A few letters of it in order are too few: "copy" is no short form of "colophony".
    """
    likeness = abbreviation(key, query)
    return likeness if likeness >= _SHORT else 0.0


class _Written(NamedTuple):
    """What the words of a text say on their own."""

    words: Words
    letters: str
    ordered: list[str]  # the words
    bag: frozenset[str]  # of the words
    joined: dict[str, int]  # two words written as one → the place of the first


@functools.lru_cache(maxsize=1 << 14)
def _written(words: Words) -> _Written:
    joined = {words[i] + words[i + 1]: i for i in range(len(words) - 1)}
    return _Written(words, compact(words), sorted(words), frozenset(words), joined)


class _Terms(NamedTuple):
    """The words of texts, and the phrases of the vocabulary that are in them."""

    names: list[str]
    places: NDArray[np.intp]  # (texts, longest) of words and then of phrases; len(names) for none
    lengths: NDArray[np.intp]  # (texts,) words of each
    phrases: list[tuple[int, int, int, int]]  # a text, a column of places, from word to word

    @classmethod
    def of(cls, texts: Sequence[_Written], meaning: Vocabulary) -> "_Terms":
        """Look the phrases up."""
        lengths = np.fromiter((len(text.words) for text in texts), np.intp, len(texts))
        longest = int(lengths.max(initial=0))
        phrases = [
            (t, longest + column, start, end)
            for t, text in enumerate(texts)
            if len(text.words) > 1
            for column, (start, end) in enumerate(meaning.phrases(text.words))
        ]
        called = [" ".join(texts[t].words[start:end]) for t, _, start, end in phrases]
        words = list(itertools.chain.from_iterable(text.words for text in texts))
        names = dict.fromkeys([*words, *called])
        ids = dict(zip(names, range(len(names)), strict=True))
        width = max((column for _, column, _, _ in phrases), default=longest - 1) + 1
        places = np.full((len(texts), width), len(names), np.intp)
        places[np.arange(width) < lengths[:, None]] = [ids[word] for word in words]
        for name, (t, column, _, _) in zip(called, phrases, strict=True):
            places[t, column] = ids[name]
        return cls(list(names), places, lengths, phrases)

    @property
    def words(self) -> NDArray[np.intp]:
        """The places of the words alone: [texts, longest]."""
        return self.places[:, : int(self.lengths.max(initial=0))]

    def fold(self, covered: Floats, rows: Sequence[slice | int]) -> Floats:
        """Let a phrase cover its words, in ``rows`` for each text; return the words' columns."""
        for text, column, start, end in self.phrases:
            part = covered[rows[text]]
            words = part[..., start:end]
            np.maximum(words, part[..., column, None], out=words)
        return covered[:, : self.words.shape[1]]


class _Cover(NamedTuple):
    """How probably each word has a counterpart on the other side, for C keys."""

    query: Floats  # (C, W) words asked; 0 beyond the end of a shorter query
    keys: Floats  # (C, L) words held; 0 beyond the end of a shorter key
    owners: NDArray[np.intp]  # (C,) the query of each key
    asked: _Terms  # of all queries
    held: _Terms  # of all keys
    of_asked: WordFeatures  # what is known of the names in asked
    of_held: WordFeatures  # and in held

    def is_known(self) -> NDArray[np.bool_]:
        """Say for each key whether all words of its query are of the vocabulary: [C]."""
        unknown = np.append(self.of_asked.rarity >= 1, False)
        places = self.asked.words[self.owners]
        known: NDArray[np.bool_] = ~np.logical_or.reduce(unknown[places], axis=1)
        return known


def _cover(
    queries: Sequence[_Written],
    keys: Sequence[_Written],
    owners: NDArray[np.intp],
    network: MLP,
    meaning: Vocabulary,
) -> _Cover:
    """Let each word stand for its best counterpart.

    A phrase of the vocabulary stands for its counterpart as a word does, and covers its words.
    """
    asked, held = _Terms.of(queries, meaning), _Terms.of(keys, meaning)
    # A last place on each side is of no term: it stands for what is beyond the end of a text.
    table = np.zeros((len(asked.names) + 1, len(held.names) + 1), np.float32)
    met = asked.places[owners][:, :, None], held.places[:, None, :]  # (C, W, 1), (C, 1, L)
    table[met] = 1
    first, second = np.nonzero(table[:-1, :-1])
    pairs = first, second
    features, of_asked, of_held = word_features(asked.names, held.names, pairs, meaning)
    table[-1], table[:, -1] = 0, 0
    table[pairs] = 1 / (1 + np.exp(-network(features)))
    found = table[met]  # (C, W, L), phrases included
    ends = np.searchsorted(owners, np.arange(len(queries) + 1)).tolist()
    of_query = asked.fold(found.max(axis=2, initial=0), [*map(slice, ends, ends[1:])])
    of_keys = held.fold(found.max(axis=1, initial=0), range(len(keys)))
    _join(queries, keys, owners, of_query, of_keys)
    return _Cover(of_query, of_keys, owners, asked, held, of_asked, of_held)


def _join(
    queries: Sequence[_Written],
    keys: Sequence[_Written],
    owners: NDArray[np.intp],
    of_query: Floats,
    of_keys: Floats,
) -> None:
    """Let two words that the other side writes as one stand for it ("host name", "hostname")."""
    for c, (owner, key) in enumerate(zip(owners.tolist(), keys, strict=True)):
        query = queries[owner]
        if query.joined and not key.bag.isdisjoint(query.joined):
            _stand_for(query, key, of_query[c], of_keys[c])
        if key.joined and not query.bag.isdisjoint(key.joined):
            _stand_for(key, query, of_keys[c], of_query[c])


def _stand_for(apart: _Written, one: _Written, of_apart: Floats, of_one: Floats) -> None:
    for place, word in enumerate(one.words):
        start = apart.joined.get(word)
        if start is not None:
            of_apart[start : start + 2] = 1
            of_one[place] = 1


def _align(covered: _Cover, usage: Usage) -> Floats:
    """Return how far queries and keys cover each other, word by word: [12, C]."""
    owners, asked, held = covered.owners, covered.asked, covered.held
    query, keys = covered.query, covered.keys
    apart = usage([*asked.names, *held.names])
    split = len(asked.names)
    of_query = _weights(covered.of_asked, apart[:split])[:, asked.words]  # (3, queries, W)
    of_keys = _weights(covered.of_held, apart[split:])[:, held.words]  # (3, C, L)
    all_query, all_keys = of_query.sum(axis=2)[:, owners], of_keys.sum(axis=2)  # (3, C)
    trusted = (of_query[0] * np.append(covered.of_asked.trust, 0)[asked.words]).sum(axis=1)
    of_query = of_query[:, owners]
    shares_query, shares_keys = of_query * query, of_keys * keys
    found_query, found_keys = shares_query.sum(axis=2), shares_keys.sum(axis=2)
    result = np.empty((_ALIGNED, len(keys)), np.float32)
    query_share = found_query / np.maximum(all_query, 1e-6)
    keys_share = found_keys / np.maximum(all_keys, 1e-6)
    result[0] = query_share[0]
    result[1] = keys_share[0]
    result[2] = np.minimum(query_share[0], keys_share[0])
    result[3] = query.max(axis=1, initial=0)
    result[4] = 1 - (of_query[2] - shares_query[2]).max(axis=1, initial=0)
    result[5] = 1 - (of_keys[2] - shares_keys[2]).max(axis=1, initial=0)
    result[6] = query_share[1]
    result[7] = keys_share[1]
    result[8] = shares_query[1].max(axis=1, initial=0)
    result[9] = (all_query[2] - found_query[2]) / 2
    result[10] = (all_keys[2] - found_keys[2]) / 2
    result[11] = trusted[owners] / np.maximum(all_query[0], 1e-6)
    return result


def _weights(info: WordFeatures, apart: Floats) -> Floats:
    """Return how much each term counts, how much it tells keys apart, and whether it has any
    content: [3, terms + 1], the last of no weight."""
    weights = np.zeros((3, len(apart) + 1), np.float32)
    weights[0, :-1] = info.rarity
    weights[1, :-1] = info.rarity * apart
    weights[2, :-1] = np.minimum(2 * info.rarity, 1)
    return weights


class WordAlignment(NamedTuple):
    """A word or phrase of a query and its best counterpart in a key."""

    asked: str
    held: str
    probability: float  # that they stand for the same thing
    weight: float  # how much the word asked counts: 1 for a rare one, 0 for the most usual


@dataclass(frozen=True)
class Scorer:
    """The fitted score: logits of keys, of which the null key has 0, and the default cutoff."""

    words: MLP
    phrases: MLP
    cutoff: float

    def logits(
        self, questions: Sequence[ScoringRequest], meaning: Vocabulary, usage: Usage
    ) -> list[Floats]:
        """Return the logit of each key of each question: float32 [len(keys)].

        Many are judged together, in pieces that bound the memory.
        """
        asked = [question for question in questions if len(question.keys)]
        if not asked:
            return [_NONE] * len(questions)
        if compiled.loops is not None:
            vocabulary = _vocabulary(meaning, compiled.loops)
            found = vocabulary.logits(asked, self.words, self.phrases, meaning, usage)
        else:
            found = np.concatenate(
                [
                    self.phrases(phrase_features(piece, self.words, meaning, usage))
                    for piece in _pieces(asked)
                ]
            )
        if len(questions) == 1:
            return [found]
        ends = list(itertools.accumulate(len(question.keys) for question in questions))
        return np.split(found, ends[:-1])

    def pairs(self, query: Words, key: Words, meaning: Vocabulary) -> list[WordAlignment]:
        """Return the best counterpart in the key of each word of the query, in their order.

        A phrase of the vocabulary takes the place of its words where it has a better one, and so
        do two words that the other side writes as one.
        """
        query, key = query[:_MAX_WORDS], key[:_MAX_WORDS]
        spans = [(i, i + 1) for i in range(len(query))] + meaning.phrases(query)
        asked, held = _phrases(query, spans), [*key, *_phrases(key, meaning.phrases(key))]
        if not asked or not held:
            return []
        pairs = every_pair(len(asked), len(held))
        features, info, _ = word_features(asked, held, pairs, meaning)
        shares = (1 / (1 + np.exp(-self.words(features)))).reshape(len(asked), len(held))
        found = [
            (span, WordAlignment(word, held[int(row.argmax())], float(row.max()), float(weight)))
            for span, word, row, weight in zip(spans, asked, shares, info.rarity, strict=False)
        ]
        for (i, one), (j, other) in itertools.product(enumerate(query), enumerate(key)):
            if query[i + 1 : i + 2] and one + query[i + 1] == other:
                found.append(((i, i + 2), WordAlignment(f"{one} {query[i + 1]}", other, 1.0, 1.0)))
            if key[j + 1 : j + 2] and other + key[j + 1] == one:
                found.append(((i, i + 1), WordAlignment(one, f"{other} {key[j + 1]}", 1.0, 1.0)))
        found.sort(key=lambda each: (-each[1].probability, each[0]))
        taken: dict[int, WordAlignment] = {}
        for (start, end), pair in found:
            if taken.keys().isdisjoint(range(start, end)):
                taken.update(dict.fromkeys(range(start, end), pair))
        return list(dict.fromkeys(map(taken.__getitem__, sorted(taken))))

    def to_arrays(self) -> dict[str, Floats]:
        """Return the parameters as arrays, to be stored with the model."""
        return ScorerNetworks(self.words, self.phrases, self.cutoff).to_arrays()

    @classmethod
    def of(cls, networks: ScorerNetworks) -> "Scorer":
        """Return the score with these networks."""
        return cls(*networks)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Scorer":
        """Return the score of which `to_arrays` made the arrays."""
        return cls(*ScorerNetworks.from_arrays(arrays))


class SpellingScorer(Scorer):
    """A score that is told of no meaning, as if the embedder knew no word."""

    def logits(
        self, questions: Sequence[ScoringRequest], meaning: Vocabulary, usage: Usage
    ) -> list[Floats]:
        """Return the logits by how texts are written: float32 [len(keys)] of each question."""
        blind = [
            question._replace(cosines=np.zeros_like(question.cosines)) for question in questions
        ]
        return super().logits(blind, WithoutVectors(meaning), usage)


_NONE: Floats = np.empty(0, np.float32)
_LANGUAGE = SimpleNamespace(
    written=_written, forms=_forms, initials=_initials, contracted=contracted
)
_VOCABULARIES: WeakKeyDictionary[Vocabulary, compiled.Vocabulary] = WeakKeyDictionary()


def _vocabulary(meaning: Vocabulary, loops: compiled.Loops) -> compiled.Vocabulary:
    """Return what the compiled score keeps of the words that this vocabulary knows."""
    found = _VOCABULARIES.get(meaning)
    return found or _VOCABULARIES.setdefault(meaning, loops.Vocabulary(_LANGUAGE))


def _pieces(questions: Sequence[ScoringRequest]) -> Iterator[list[ScoringRequest]]:
    """Yield questions that have keys in pieces of so many words asked times words held, or of one
    alone; that of too many keys in parts."""
    piece: list[ScoringRequest] = []
    asked = held = 0
    for question in questions:
        for start in range(0, len(question.keys), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            cut = ScoringRequest(question.query, question.keys[part], question.cosines[part])
            ours = min(len(cut.query), _MAX_WORDS)
            theirs = sum(min(len(key), _MAX_WORDS) for key in cut.keys)
            if piece and (asked + ours) * (held + theirs) > _TOGETHER:
                yield piece
                piece, asked, held = [], 0, 0
            piece.append(cut)
            asked, held = asked + ours, held + theirs
    yield piece
