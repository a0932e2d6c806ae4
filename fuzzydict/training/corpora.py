"""Texts to learn words from: Brown, WordNet's glosses, random walks over WordNet's graph, a file.

A sentence is a list of words in lower case. WordNet's terms of several words are one word, written
with spaces (``"top speed"``). The glossary of modern words (``data/lexicon``) is read as more of
WordNet: each of its lines is one synset with its neighbours and its gloss.
"""

import functools
import io
import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fuzzydict.text.tokens import bases

try:
    import nltk
    from nltk.corpus import brown, wordnet
    from scipy.sparse import csr_matrix, diags
except ImportError as error:
    raise ImportError(
        "training needs NLTK and SciPy: pip install 'fuzzydict-attention[train]'"
    ) from error

__all__ = [
    "CorpusNotFoundError",
    "Graph",
    "IndexEntry",
    "Node",
    "Sentence",
    "antonym_pairs",
    "brown_paragraphs",
    "brown_sentences",
    "gloss_sentences",
    "glossary_pairs",
    "lemmatiser",
    "read_graph",
    "read_lexicon",
    "sense_matrix",
    "step_matrix",
    "synonym_pairs",
    "tag_count",
    "term_of",
    "text_sentences",
    "verb_of",
    "walks",
    "wordnet_reader",
]

Sentence = list[str]

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")

# Both directions of each are followed. Antonyms are no step: they would make opposites neighbours.
_RELATIONS = (
    "hypernyms",
    "instance_hypernyms",
    "member_holonyms",
    "substance_holonyms",
    "part_holonyms",
    "attributes",
    "entailments",
    "causes",
    "also_sees",
    "verb_groups",
    "similar_tos",
    "topic_domains",
)
_LEMMA_RELATIONS = ("derivationally_related_forms", "pertainyms")


def wordnet_reader() -> Any:
    """Return NLTK's reader of WordNet. ``CorpusNotFoundError`` where NLTK cannot get it."""
    _require("wordnet")
    return wordnet


@functools.cache
def _tag_counts() -> dict[str, int]:
    with wordnet.open("cntlist.rev") as file:
        lines = (line.split() for line in file.read().splitlines())
        return {key: int(count) for key, _, count in lines}


def tag_count(lemma: Any) -> int:
    """Return how often texts were tagged with this lemma of NLTK's WordNet reader.

    It is ``lemma.count()``, which searches the file each time.
    """
    return _tag_counts().get(lemma.key(), 0)


class CorpusNotFoundError(LookupError):
    """A corpus is neither where NLTK looks nor to be downloaded."""


def _require(*names: str) -> None:
    for name in names:
        try:
            nltk.data.find(f"corpora/{name}.zip")
        except LookupError:
            try:
                nltk.data.find(f"corpora/{name}")
            except LookupError:
                if not nltk.download(name, quiet=True, print_error_to=io.StringIO()):
                    raise CorpusNotFoundError(
                        f"NLTK's corpus {name!r} is missing: set NLTK_DATA to the folder that "
                        "holds it, or run `python -m nltk.downloader brown wordnet`."
                    ) from None


def tokens(text: str) -> Sentence:
    """Return the words of running text in lower case, without punctuation.

    >>> tokens("The colour, or hue, of a well-known car.")
    ['the', 'colour', 'or', 'hue', 'of', 'a', 'well-known', 'car']
    """
    return _WORD.findall(text.lower())


def text_sentences(path: str | os.PathLike[str]) -> Iterator[Sentence]:
    """Yield the words of each line of the UTF-8 text file ``path`` that has any.

    ``OSError`` where it cannot be read, ``UnicodeDecodeError`` where it is not UTF-8.
    """
    with open(path, encoding="utf-8") as file:
        yield from filter(None, map(tokens, file))


def brown_sentences() -> Iterator[Sentence]:
    """Yield the sentences of the Brown corpus (Francis and Kučera, 1979), about 57,000.

    ``CorpusNotFoundError`` where NLTK cannot get it.
    """
    _require("brown")
    yield from filter(None, map(_words_of, brown.sents()))


def brown_paragraphs() -> Iterator[Sentence]:
    """Yield the paragraphs of the Brown corpus, about 15,700, each as if it were one sentence."""
    _require("brown")
    for paragraph in brown.paras():
        yield _words_of(itertools.chain.from_iterable(paragraph))


def _words_of(parts: Iterable[str]) -> Sentence:
    return [part.lower() for part in parts if any(map(str.isalnum, part))]


@dataclass
class Node:
    """A synset, of WordNet or of the glossary: its words, its gloss and its neighbours' places."""

    words: list[str]
    counts: list[int]
    """How often each word was tagged with this sense, in WordNet's own count."""
    gloss: list[Sentence]
    """The definition first, then examples."""
    neighbours: list[int] = field(default_factory=list)
    proper: bool = False
    """All its words are names: of persons, places, taxa."""
    modern: bool = False
    """It is the glossary's."""

    def count(self, word: str) -> int:
        """Return how often ``word`` was tagged with this sense."""
        return self.counts[self.words.index(word)]


@dataclass(frozen=True)
class Graph:
    """Nodes joined by WordNet's relations, the senses of each word, and the pairs of opposites."""

    nodes: list[Node]
    senses: dict[str, list[int]]
    """The places of a word's nodes, the most frequent sense first."""
    antonyms: list[tuple[str, str]]


@dataclass(frozen=True)
class IndexEntry:
    """A line of the glossary: interchangeable words, what they are a kind of, and so on."""

    words: list[str]
    kind_of: list[str]
    related: list[str]
    opposites: list[str]
    gloss: str


def read_lexicon(folder: str | os.PathLike[str]) -> list[IndexEntry]:
    """Read the glossary: the ``*.tsv`` files of ``folder``, in order of their names.

    A line is ``words, kind_of, related, opposites, gloss`` between tabs, the first four being lists
    between commas; a line that starts with ``#`` is a comment. ``ValueError`` names a line that has
    other than five fields or no word.
    """
    entries = []
    for path in sorted(Path(folder).glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != 5 or not fields[0].strip():
                raise ValueError(
                    f"{path}:{number}: expected words, kind_of, related, opposites and gloss "
                    f"between tabs, got {len(fields)} fields"
                )
            words, kind_of, related, opposites = map(_terms, fields[:4])
            entries.append(IndexEntry(words, kind_of, related, opposites, fields[4].strip()))
    return entries


def _terms(field: str) -> list[str]:
    return [term for term in (term_of(part.strip()) for part in field.split(",")) if term]


def term_of(name: str) -> str:
    """Return the name of a lemma as a term: in lower case, with spaces."""
    return name.lower().replace("_", " ")


def read_graph(lexicon: Iterable[IndexEntry] = ()) -> Graph:
    """Read WordNet (Fellbaum, 1998) and the glossary's entries into one graph.

    About 117,700 nodes and half a minute. ``CorpusNotFoundError`` where NLTK cannot get WordNet.
    """
    _require("wordnet")
    synsets = sorted(
        tqdm(wordnet.all_synsets(), desc="WordNet", total=117_659, leave=False),
        key=lambda synset: (synset.pos(), synset.offset()),
    )
    place = {synset: index for index, synset in enumerate(synsets)}
    nodes: list[Node] = []
    antonyms: list[tuple[str, str]] = []
    ranked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for synset in tqdm(synsets, desc="relations", leave=False):
        node = _synset_node(synset, place)
        for word, count in zip(node.words, node.counts, strict=True):
            ranked[word].append((-count, len(nodes)))
        antonyms += [
            (term_of(lemma.name()), term_of(opposite.name()))
            for lemma in synset.lemmas()
            for opposite in lemma.antonyms()
        ]
        nodes.append(node)
    senses = {word: [index for _, index in sorted(ranks)] for word, ranks in ranked.items()}
    antonyms += _add_lexicon(lexicon, nodes, senses)
    _make_symmetric(nodes)
    return Graph(nodes, senses, sorted({(min(pair), max(pair)) for pair in antonyms}))


def _synset_node(synset: Any, place: dict[Any, int]) -> Node:
    lemmas = synset.lemmas()
    counts: dict[str, int] = {}
    for lemma in lemmas:
        counts[term_of(lemma.name())] = counts.get(term_of(lemma.name()), 0) + tag_count(lemma)
    near = [other for relation in _RELATIONS for other in getattr(synset, relation)()]
    for lemma, relation in itertools.product(lemmas, _LEMMA_RELATIONS):
        near += [other.synset() for other in getattr(lemma, relation)()]
    return Node(
        words=list(counts),
        counts=list(counts.values()),
        gloss=[tokens(text) for text in (synset.definition(), *synset.examples())],
        neighbours=[place[other] for other in near],
        proper=all(lemma.name() != lemma.name().lower() for lemma in lemmas),
    )


def _add_lexicon(
    lexicon: Iterable[IndexEntry], nodes: list[Node], senses: dict[str, list[int]]
) -> list[tuple[str, str]]:
    """Append the entries to ``nodes`` and ``senses``; return their pairs of opposites."""
    entries = list(lexicon)
    start = len(nodes)
    own: dict[str, int] = {}
    for index, entry in enumerate(entries, start):
        for word in entry.words:
            own.setdefault(word, index)
    for entry in entries:
        broader = [place for word in entry.kind_of for place in _places(word, own, senses)]
        near = [place for word in entry.related for place in _places(word, own, senses)]
        same = [senses[word][0] for word in entry.words if word in senses]
        words = list(dict.fromkeys(entry.words))
        # WordNet's counts are of books from before 1990: half as much again is for today's sense.
        counts = [
            1 + sum(nodes[place].count(word) for place in senses.get(word, ())) // 2
            for word in words
        ]
        neighbours = broader + near + same
        nodes.append(Node(words, counts, [tokens(entry.gloss)], neighbours, modern=True))
    for index, node in enumerate(nodes[start:], start):
        for word in node.words:
            senses.setdefault(word, []).append(index)
    return [
        (word, opposite)
        for entry in entries
        for word in entry.words
        for opposite in entry.opposites
    ]


def _places(term: str, own: dict[str, int], senses: dict[str, list[int]]) -> list[int]:
    """Return the place of the sense that the glossary means by ``term``, if there is any."""
    head = term.split()[-1]
    for word in (term, wordnet.morphy(term), head, wordnet.morphy(head)):
        if word in own:
            return [own[word]]
        if word in senses:
            return senses[word][:1]
    return []


def _make_symmetric(nodes: list[Node]) -> None:
    for index, node in enumerate(nodes):
        for other in dict.fromkeys(node.neighbours):
            nodes[other].neighbours.append(index)
    for index, node in enumerate(nodes):
        node.neighbours = [other for other in dict.fromkeys(node.neighbours) if other != index]


def lemmatiser(known: Iterable[str]) -> Callable[[str], str]:
    """Return the function that takes an inflected form to its base, by WordNet's own rules.

    A word that is itself in ``known`` stays as it is, and so does one that has no base.
    """
    vocabulary = set(known)
    cache: dict[str, str] = {}

    def base(word: str) -> str:
        if word in vocabulary:
            return word
        if word not in cache:
            stem = word[:-2] if word.endswith(("'s", "’s")) else word
            found = stem if stem in vocabulary else wordnet.morphy(stem)
            cache[word] = found or word
        return cache[word]

    return base


def verb_of(form: str) -> str:
    """Return the verb that ``form`` is an inflection of, or ``form`` itself."""
    return wordnet.morphy(form, "v") or form


def gloss_sentences(graph: Graph) -> Iterator[Sentence]:
    """Yield each node's definition and examples, the definition led by the node's words."""
    for node in graph.nodes:
        definition, *examples = node.gloss
        yield node.words + definition
        yield from filter(None, examples)


def sense_matrix(graph: Graph) -> tuple[list[str], csr_matrix]:
    """Return the words in order and how much of each one's use each node is: shape [words, nodes].

    Rows sum to one; a sense that WordNet never counted has half a use.
    """
    words = sorted(graph.senses)
    places = [graph.senses[word] for word in words]
    uses = [graph.nodes[place].count(word) + 0.5 for word in words for place in graph.senses[word]]
    ends = np.cumsum([0] + [len(row) for row in places])
    columns = np.fromiter(itertools.chain.from_iterable(places), np.int64)
    shape = (len(words), len(graph.nodes))
    return words, _rows_to_one(csr_matrix((np.array(uses), columns, ends), shape=shape))


def step_matrix(graph: Graph, base: Callable[[str], str], gloss_share: float = 0.4) -> csr_matrix:
    """Return the probability of a step from each node to each other: shape [nodes, nodes].

    A share of the steps leads from a node to the senses of its definition's words, the rarer the
    likelier, or from such a sense back to the node; the others follow the graph's relations. As in
    Agirre and Soroa (2009), but that the words of the definitions are not disambiguated by hand.
    """
    size = len(graph.nodes)
    related = _incidence([node.neighbours for node in graph.nodes], size)
    words, senses = sense_matrix(graph)
    number = {word: index for index, word in enumerate(words)}
    told = _incidence(
        [[number[w] for w in map(base, node.gloss[0]) if w in number] for node in graph.nodes],
        len(words),
    )
    frequency = np.bincount(told.indices, minlength=len(words))
    rarity = np.log(size / np.maximum(frequency, 1))
    rarity[frequency > _TOO_COMMON] = 0.0
    meant = (_rows_to_one(told @ diags(rarity)) @ senses).tocsr()
    meant.data[meant.data < 0.02] = 0.0
    meant.eliminate_zeros()
    meant = _rows_to_one(_rows_to_one(meant) + _rows_to_one(meant).T)
    return _rows_to_one((1 - gloss_share) * _rows_to_one(related) + gloss_share * meant)


_TOO_COMMON = 4000  # A word of that many definitions ("having", "used") says little of any.


def _incidence(rows: list[list[int]], width: int) -> csr_matrix:
    unique = [sorted(set(row)) for row in rows]
    ends = np.cumsum([0] + [len(row) for row in unique])
    columns = np.fromiter(itertools.chain.from_iterable(unique), np.int64)
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), width))


def _rows_to_one(matrix: csr_matrix) -> csr_matrix:
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return (diags(1 / np.where(sums > 0, sums, 1.0)) @ matrix).tocsr()


def walks(
    graph: Graph, steps: csr_matrix, count: int, *, seed: int = 0, stop: float = 0.15
) -> Iterator[Sentence]:
    """Yield random walks over ``graph``, each step written as one word of its node.

    ``steps`` is the ``step_matrix``. A walk ends after each step with probability ``stop``; of the
    ``count`` walks those of one word are left out; more of them start where senses are frequent,
    or in the glossary. O(count / stop) in time. Goikoetxea, Soroa and Agirre (2015).
    """
    rng = np.random.default_rng(seed)
    names = sorted(graph.senses)
    number = {name: index for index, name in enumerate(names)}
    next_node = _Draw(steps.indices, steps.indptr, steps.data, rng)
    next_word = _Draw(
        np.array([number[word] for node in graph.nodes for word in node.words]),
        np.cumsum([0] + [len(node.words) for node in graph.nodes]),
        np.concatenate([_word_weights(node) for node in graph.nodes]),
        rng,
    )
    starts = np.array(
        [(5 if node.modern else 1) * (1 + np.sqrt(sum(node.counts))) for node in graph.nodes]
    )
    starts /= starts.sum()
    has_next = np.diff(steps.indptr) > 0
    for done in range(0, count, _TOGETHER):
        place = rng.choice(len(starts), size=min(_TOGETHER, count - done), p=starts)
        walker = np.arange(len(place))
        texts: list[Sentence] = [[] for _ in place]
        while len(place):
            drawn = next_word(place).tolist()
            for index, word in zip(walker.tolist(), drawn, strict=True):
                texts[index].append(names[word])
            goes_on = (rng.random(len(place)) >= stop) & has_next[place]
            walker, place = walker[goes_on], next_node(place[goes_on])
        yield from (text for text in texts if len(text) > 1)


def _word_weights(node: Node) -> NDArray[np.float64]:
    if node.modern:  # Its abbreviations are to be learned as well as its common words.
        return np.ones(len(node.words))
    return np.sqrt(np.array(node.counts, np.float64)) + 0.5


_TOGETHER = 50_000  # Walks whose steps are taken at once.


class _Draw:
    """Draws from many weighted lists at once: list ``i`` is ``items[ends[i]:ends[i + 1]]``."""

    def __init__(
        self,
        items: NDArray[Any],
        ends: NDArray[Any],
        weights: NDArray[Any],
        rng: np.random.Generator,
    ) -> None:
        self._items, self._ends, self._rng = items, ends, rng
        # One running sum over all lists: a draw is a search within the stretch of its list.
        self._running = np.concatenate([[0.0], np.cumsum(weights)])

    def __call__(self, lists: NDArray[Any]) -> NDArray[Any]:
        first, last = self._ends[lists], self._ends[lists + 1] - 1
        low, high = self._running[first], self._running[last + 1]
        drawn = low + self._rng.random(len(lists)) * (high - low)
        place = np.searchsorted(self._running, drawn, "right") - 1
        chosen: NDArray[Any] = self._items[np.clip(place, first, last)]
        return chosen


def synonym_pairs(graph: Graph, usual: float = 0.0) -> list[tuple[str, str]]:
    """Return the pairs of words that share a node, each once, in order.

    ``usual``, 0 to 1, leaves out a pair unless some sense that they share is at least that much of
    the use of both (as the geometric mean of its two shares).
    """
    words, matrix = sense_matrix(graph)
    senses = matrix.tocsc()
    pairs: set[tuple[str, str]] = set()
    for place in range(len(graph.nodes)):
        stretch = slice(senses.indptr[place], senses.indptr[place + 1])
        same, shares = senses.indices[stretch], senses.data[stretch]
        for one, other in itertools.combinations(range(len(same)), 2):
            if shares[one] * shares[other] >= usual**2:
                pairs.add((words[same[one]], words[same[other]]))
    return sorted(pairs)


def glossary_pairs(graph: Graph) -> list[tuple[str, str]]:
    """Return each word of the glossary with the head of its line, each pair once, in order."""
    lines = [node.words for node in graph.nodes if node.modern]
    return sorted({(min(w, head), max(w, head)) for head, *words in lines for w in words})


def antonym_pairs(graph: Graph) -> list[tuple[str, str]]:
    """Return WordNet's pairs of opposites and the glossary's, each once, in order.

    Words that are also synonyms, in another of their senses, are left out ("min" is a minute and a
    minimum), but for two that each head a line of the glossary. So are two letters ("m"), which
    stand for too much, unless they are such a head, and a phrase with one of its words.
    """
    same: set[tuple[str, str]] = set()
    for node in graph.nodes:
        same.update(itertools.combinations(sorted(node.words), 2))
    heads = {node.words[0] for node in graph.nodes if node.modern}

    def forms(term: str) -> set[str]:
        return {form for word in term.split() for form in (word, *bases(word))}

    def apart(one: str, other: str) -> bool:
        return (" " in one and " " in other) or forms(one).isdisjoint(forms(other))

    return [
        pair
        for pair in graph.antonyms
        if apart(*pair)
        and (heads.issuperset(pair) or (pair not in same and min(map(len, pair)) > 2))
    ]
