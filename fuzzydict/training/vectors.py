"""Word vectors: Word2Vec on texts, combined with a graph of senses and a sentence transformer.

The vectors of the models "default" and "open" are a concatenation of five:

- *similar*: skip-gram with a narrow window over random walks on the graph;
- *spread*: the distribution of such walks in the limit, factorised (no sampling);
- *narrow*: skip-gram with a narrow window over Brown, the glosses and the walks together ("open"
  and "wordnet" do without Brown, which is for non-commercial use);
- *wide*: skip-gram over whole paragraphs and glosses, which captures topics;
- *taught*: a sentence transformer's, for modern words (Hinton et al., 2015; not in "wordnet").

They are reduced to 104 dimensions, and opposites are pushed apart.
"""

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.text.inflection import bases
from fuzzydict.training import corpora, teacher
from fuzzydict.training.bars import bar
from fuzzydict.training.corpora import Sentence
from fuzzydict.training.graph import (
    Graph,
    antonym_pairs,
    gloss_sentences,
    lemmatiser,
    lexicon_pairs,
    read_graph,
    sense_matrix,
    synonym_pairs,
    verb_of,
)
from fuzzydict.training.lexicon import LexiconEntry
from fuzzydict.training.walks import step_matrix, walks

try:
    from gensim import utils
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec
    from scipy.sparse import csr_matrix, identity, vstack
except ImportError as error:
    raise ImportError(
        "training needs gensim and SciPy: pip install 'fuzzydict-attention[train]'"
    ) from error

__all__ = [
    "WordVectors",
    "all_but_the_top",
    "counter_fit",
    "pack",
    "quantise",
    "reduce",
    "train_brown",
    "train_default",
    "train_open",
    "train_word2vec",
    "train_wordnet",
]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class WordVectors:
    """Words, most frequent first, with unit vectors and their counts in running text."""

    words: list[str]
    vectors: Floats  # (n, d)
    counts: NDArray[np.int64]  # (n,), at least 1

    def __post_init__(self) -> None:
        if not len(self.words) == len(self.vectors) == len(self.counts):
            raise ValueError(
                f"{len(self.words)} words, vectors of shape {self.vectors.shape} and "
                f"{len(self.counts)} counts do not fit together"
            )

    def __repr__(self) -> str:
        words, dimensions = self.vectors.shape
        return f"WordVectors({words} words, {dimensions} dimensions)"


# --- the models -----------------------------------------------------------------------------------


def train_word2vec(
    sentences: Iterable[Sentence],
    *,
    dimensions: int = 100,
    window: int = 5,
    epochs: int = 5,
    min_count: int = 5,
    seed: int = 1,
) -> WordVectors:
    """Train gensim's Word2Vec (Mikolov et al., 2013) on the user's own sentences.

    The same sentences give the same vectors on the same machine. ``ValueError`` if no word
    occurs ``min_count`` times. O(words · epochs · window · dimensions).
    """
    texts = list(sentences)
    counts = Counter(itertools.chain.from_iterable(texts))
    words = _ordered((word for word, count in counts.items() if count >= min_count), counts)
    if not words:
        raise ValueError(f"no word occurs {min_count} times in the {len(texts)} sentences")
    found = _word2vec(
        texts, words, "Word2Vec", dimensions=dimensions, window=window, epochs=epochs, seed=seed
    )
    return WordVectors(words, _unit(found), _counts(words, counts))


def train_brown(*, seed: int = 1) -> WordVectors:
    """Train plain Word2Vec on the Brown corpus: window 5, 100 dimensions, 20,000 words, a minute.

    ``CorpusNotFoundError`` if NLTK cannot get the corpus.
    """
    return train_word2vec(corpora.brown_sentences(), min_count=3, epochs=10, seed=seed)


def train_default(
    lexicon: Sequence[LexiconEntry] = (),
    *,
    dimensions: int = 104,
    limit: int = 95_000,
    seed: int = 1,
) -> WordVectors:
    """Train the default model on Brown, WordNet, the lexicon and a sentence transformer.

    It has at most ``limit`` words. ``CorpusNotFoundError`` if NLTK cannot get a corpus,
    ``TeacherNotFoundError`` if the transformer is not installed.
    """
    return _train(lexicon, dimensions, limit, seed, with_brown=True)


def train_open(
    lexicon: Sequence[LexiconEntry] = (),
    *,
    dimensions: int = 104,
    limit: int = 95_000,
    seed: int = 1,
) -> WordVectors:
    """Train as `train_default` does, but without Brown, for commercial use."""
    return _train(lexicon, dimensions, limit, seed)


def train_wordnet(
    lexicon: Sequence[LexiconEntry] = (),
    *,
    dimensions: int = 104,
    limit: int = 95_000,
    seed: int = 1,
) -> WordVectors:
    """Train as `train_default` does, on WordNet and the lexicon alone, for commercial use."""
    return _train(lexicon, dimensions, limit, seed, with_teacher=False)


def _train(
    lexicon: Sequence[LexiconEntry],
    dimensions: int,
    limit: int,
    seed: int,
    *,
    with_brown: bool = False,
    with_teacher: bool = True,
) -> WordVectors:
    graph = read_graph(lexicon)
    base = lemmatiser(graph.senses)
    steps = step_matrix(graph, base)
    glosses = _lemmatised(gloss_sentences(graph), base)
    sentences, paragraphs = list(glosses), list(glosses)
    if with_brown:
        sentences += _lemmatised(corpora.brown_sentences(), base)
        paragraphs += _lemmatised(corpora.brown_paragraphs(), base)
    counts = _count_terms(sentences, graph)
    words = _vocabulary(graph, counts, limit, teacher.teacher_words() if with_teacher else ())
    on_graph = list(walks(graph, steps, WALKS, seed=seed))
    some = on_graph[: len(on_graph) * 5 // 8]
    # Threads suffice: gensim and SciPy release the GIL. Each training has one worker, which makes
    # the order of its updates, and so its result, reproducible.
    with ThreadPoolExecutor(4) as pool:
        parts = [
            pool.submit(_word2vec, on_graph, words, "similar", window=5, epochs=3, seed=seed),
            pool.submit(_spread, graph, steps, words, "spread", seed=seed),
            pool.submit(
                _word2vec, sentences + some, words, "narrow", window=5, epochs=4, seed=seed
            ),
            pool.submit(
                _word2vec, paragraphs, words, "wide", window=15, epochs=8, dimensions=150, seed=seed
            ),
        ]
    similar, spread, narrow, wide = (part.result() for part in parts)
    blocks = [
        0.8 * _unit(all_but_the_top(similar, 2)),
        1.0 * _unit(all_but_the_top(spread, 1)),
        1.0 * _unit(all_but_the_top(narrow, 2)),
        0.6 * _unit(all_but_the_top(wide, 2)),
    ]
    if with_teacher:
        blocks.append(TAUGHT * _unit(all_but_the_top(teacher.teach(words), 1)))
    joined = _with_bases(np.hstack(blocks), words, graph)
    occurrences = _counts(words, counts)
    vectors = reduce(joined, dimensions, np.log1p(occurrences))
    number = {word: index for index, word in enumerate(words)}
    opposites = _places(antonym_pairs(graph), number)
    same = synonym_pairs(graph, usual=0.5) + lexicon_pairs(graph)
    synonyms = _places(dict.fromkeys(same), number)
    return WordVectors(words, counter_fit(vectors, synonyms, opposites), occurrences)


WALKS = 2_000_000
TAUGHT = 1.8  # as much as the other four together


# --- words ----------------------------------------------------------------------------------------


def _lemmatised(sentences: Iterable[Sentence], base: Callable[[str], str]) -> list[Sentence]:
    return [[base(word) for word in sentence] for sentence in sentences]


def _count_terms(sentences: Iterable[Sentence], graph: Graph) -> Counter[str]:
    """Count the words of the sentences, and the graph's terms of two and three words."""
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(sentence)
        for length in (2, 3):
            runs = zip(*(sentence[start:] for start in range(length)), strict=False)
            counts.update(term for term in map(" ".join, runs) if term in graph.senses)
    return counts


def _vocabulary(graph: Graph, counts: Counter[str], limit: int, modern: Iterable[str]) -> list[str]:
    """Choose the words most likely to be looked up, in the order of ``WordVectors``.

    ``modern`` words are among them, unless they are inflections of others.
    """

    def rank(word: str) -> tuple[int, int, int, str]:
        places = graph.senses.get(word, ())
        proper = all(graph.nodes[place].proper for place in places)
        if not places or graph.nodes[places[-1]].modern:
            group = 0
        elif counts[word] > 1 or any(graph.nodes[place].count(word) for place in places):
            group = 1 + proper
        else:
            group = 3 + (" " in word) + 2 * proper
        rarest = min(counts[part] for part in word.split())
        return group, -counts[word], -rarest, word

    vocabulary = {word for word, count in counts.items() if count >= 5} | graph.senses.keys()
    vocabulary.update(word for word in modern if vocabulary.isdisjoint(bases(word)))
    chosen = sorted(map(rank, vocabulary))[:limit]
    return _ordered((word for *_, word in chosen), counts)


def _ordered(words: Iterable[str], counts: Counter[str]) -> list[str]:
    return sorted(words, key=lambda word: (-max(1, counts[word]), word))


def _counts(words: Sequence[str], counts: Counter[str]) -> NDArray[np.int64]:
    return np.array([max(1, counts[word]) for word in words], np.int64)


def _places(pairs: Iterable[tuple[str, str]], number: dict[str, int]) -> NDArray[np.int64]:
    found = [(number[a], number[b]) for a, b in pairs if a in number and b in number]
    return np.array(found, np.int64).reshape(-1, 2)


# --- vectors of words -----------------------------------------------------------------------------


class _EpochBar(CallbackAny2Vec):  # type: ignore[misc]
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def on_epoch_end(self, model: Any) -> None:
        self._bar.update()


def _word2vec(
    sentences: Sequence[Sentence],
    words: Sequence[str],
    title: str,
    *,
    window: int,
    epochs: int,
    seed: int,
    dimensions: int = 200,
) -> Floats:
    """Return the skip-gram vectors of ``words``, in order; zeros for a word that does not occur."""
    order = np.random.default_rng(seed).permutation(len(sentences))
    keep = {word.replace(" ", "_") for word in words}
    # gensim reads a file without the GIL, several times as fast as a list.
    with (
        tempfile.TemporaryDirectory() as folder,
        bar(total=epochs, desc=title, unit="ep") as progress,
    ):
        path = Path(folder, "sentences.txt")
        with path.open("w", encoding="utf-8") as file:
            for index in order.tolist():
                file.write(" ".join([word.replace(" ", "_") for word in sentences[index]]) + "\n")
        model = Word2Vec(
            corpus_file=str(path),
            sg=1,
            vector_size=dimensions,
            window=window,
            epochs=epochs,
            min_count=1,
            trim_rule=lambda word, *_: utils.RULE_KEEP if word in keep else utils.RULE_DISCARD,
            workers=1,
            seed=seed,
            callbacks=[_EpochBar(progress)],
        )
    vectors = np.zeros((len(words), dimensions), np.float32)
    for row, word in enumerate(words):
        token = word.replace(" ", "_")
        if token in model.wv:
            vectors[row] = model.wv[token]
    return vectors


def _spread(
    graph: Graph, steps: csr_matrix, words: Sequence[str], title: str, *, seed: int
) -> Floats:
    """Return vectors of the nodes that walks from the senses of ``words`` reach: [words, 250].

    Personalised PageRank (Agirre and Soroa, 2009) with four steps, then the positive logarithm over
    chance, factored as in Levy and Goldberg (2014). Small probabilities are dropped.
    """
    names, senses = sense_matrix(graph)
    size, block, going_on = steps.shape[0], 2000, 0.85
    steps = steps.astype(np.float32)
    everywhere = identity(size, np.float32, "csr")
    reached = []
    for start in bar(range(0, size, block), desc=title, unit=" blocks"):
        here = everywhere[start : start + block]
        total = here
        for _ in range(4):
            here = _without_small(going_on * (here @ steps), 5e-4)
            total = total + here
        reached.append(_without_small((1 - going_on) * total, 1e-4))
    number = {name: index for index, name in enumerate(names)}
    own = senses.astype(np.float32) @ vstack(reached, "csr")
    chance = np.asarray(own.mean(axis=0)).ravel()
    own.data = np.maximum(np.log(own.data / chance[own.indices]), 0)
    own.eliminate_zeros()
    factors = _factor(own, 250, seed)
    vectors = np.zeros((len(words), factors.shape[1]), np.float32)
    for row, word in enumerate(words):
        if word in number:
            vectors[row] = factors[number[word]]
    return vectors


def _without_small(matrix: csr_matrix, least: float) -> csr_matrix:
    matrix = matrix.tocsr()
    matrix.data[matrix.data < least] = 0
    matrix.eliminate_zeros()
    return matrix


def _factor(matrix: csr_matrix, rank: int, seed: int) -> Floats:
    """Return the left singular vectors, each times the fourth root of its value: [rows, rank].

    By random projection and power iterations (Halko, Martinsson and Tropp, 2011).
    """
    rank = min(rank, *matrix.shape)
    start = np.random.default_rng(seed).standard_normal((matrix.shape[1], rank + 20))
    basis = np.linalg.qr(matrix @ start.astype(np.float32))[0]
    for _ in range(3):
        basis = np.linalg.qr(matrix @ np.linalg.qr(matrix.T @ basis)[0])[0]
    small = matrix.T @ basis  # (columns, rank + 20)
    values, left = np.linalg.eigh(small.T @ small)
    largest = np.argsort(values)[::-1][:rank]
    factors: Floats = (basis @ left[:, largest]) * np.maximum(values[largest], 0) ** 0.125
    return factors


def _with_bases(vectors: Floats, words: Sequence[str], graph: Graph) -> Floats:
    """Add to a verb's form that is a word of its own ("tried", "fired") the vector of the verb.

    The more, the rarer WordNet counted the word of its own.
    """
    number = {word: index for index, word in enumerate(words)}
    own = _unit(vectors)
    result = own.copy()
    for row, word in enumerate(words):
        base = verb_of(word)
        if base != word and base in number and word in graph.senses:
            count = sum(graph.nodes[place].count(word) for place in graph.senses[word])
            result[row] += own[number[base]] / (1 + count / 5)
    return _unit(result)


# --- postprocessing -------------------------------------------------------------------------------


def _unit(vectors: NDArray[Any]) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def all_but_the_top(vectors: Floats, count: int = 2) -> Floats:
    """Subtract the mean and the ``count`` first principal components: [words, d].

    They depend on the frequency of a word, not on its meaning. Zero vectors, of unseen words, are
    ignored and stay zero. Mu and Viswanath (2018). O(words · d²).
    """
    seen = vectors.any(axis=1)
    centred = vectors[seen] - vectors[seen].mean(axis=0)
    top = np.linalg.eigh(centred.T @ centred)[1][:, -count:] if count else centred.T[:, :0]
    result = np.zeros_like(vectors)
    result[seen] = centred - centred @ top @ top.T
    return result


def reduce(vectors: Floats, dimensions: int, weights: NDArray[Any]) -> Floats:
    """Project on the first ``dimensions`` principal components: unit vectors [words, dimensions].

    Words count by their ``weights``. A component is divided by the fourth root of its variance:
    halfway to whitening, so that the many plants and animals do not dominate. O(words · d²).
    """
    share = (weights / weights.sum()).astype(np.float32)
    centred = vectors - share @ vectors
    values, axes = np.linalg.eigh((centred * share[:, None]).T @ centred)
    largest = np.argsort(values)[::-1][:dimensions]
    scale = np.maximum(values[largest], 1e-12) ** -0.25
    return _unit((centred @ axes[:, largest]) * scale)


def counter_fit(
    vectors: Floats,
    synonyms: NDArray[np.int64],
    opposites: NDArray[np.int64],
    *,
    near: float = 0.8,
    far: float = 0.15,
    rounds: int = 30,
) -> Floats:
    """Pull synonyms towards a cosine of ``near`` and push opposites down to ``far``.

    Pairs are rows of two positions: [pairs, 2]. Vectors are also pulled towards their original
    position, and keep unit length. Counter-fitting (Mrkšić et al., 2016).
    O(rounds · (words + pairs) · d).
    """
    start = _unit(vectors)
    moved = start
    for _ in range(rounds):
        force = 0.2 * (start - moved)
        force += _pull(moved, synonyms, lambda cosine: np.clip(3 * (near - cosine), 0, 1))
        force -= _pull(moved, opposites, lambda cosine: np.clip(3 * (cosine - far), 0, 1))
        force -= (force * moved).sum(axis=1, keepdims=True) * moved  # tangent to the sphere
        length = np.linalg.norm(force, axis=1, keepdims=True)
        moved = _unit(moved + 0.2 * force / np.maximum(length, 1))
    return moved


def _pull(
    vectors: Floats, pairs: NDArray[np.int64], strength: Callable[[Floats], Floats]
) -> Floats:
    one, other = pairs[:, 0], pairs[:, 1]
    force = strength(np.einsum("nd,nd->n", vectors[one], vectors[other]))
    shape = (len(vectors), len(vectors))
    matrix = csr_matrix((force, (one, other)), shape=shape)
    pulled: Floats = (matrix + matrix.T) @ vectors
    return pulled


def quantise(vectors: Floats, levels: int = 127) -> tuple[NDArray[np.int8], Floats]:
    """Quantise vectors in steps of 1/``levels`` of each one's largest component.

    Returns the integers [words, d] and the steps [words]; their product is within half a step.
    """
    step = (np.abs(vectors).max(axis=1, initial=0.0) / levels).astype(np.float32)
    step = np.where(step > 0, step, np.float32(1))
    steps: NDArray[np.int8] = np.rint(vectors / step[:, None]).astype(np.int8)
    return steps, step


def pack(arrays: Mapping[str, NDArray[Any]], start: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of a model with the vectors of rare words in 4 bits a number.

    Args:
        arrays: With int8 "vectors" [n, d], d even, and their "scale" [n].
        start: The first row that is packed; words are in the order of their counts.
    """
    numbers, scale = quantise(arrays["vectors"][start:] * arrays["scale"][start:, None], 7)
    shifted = (numbers + 8).astype(np.uint8)
    return {
        **arrays,
        "vectors": np.ascontiguousarray(arrays["vectors"][:start]),
        "packed": shifted[:, 0::2] << 4 | shifted[:, 1::2],
        "scale": np.concatenate([arrays["scale"][:start], scale]),
    }
