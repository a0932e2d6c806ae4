"""WordNet and the lexicon as one graph of senses, and the pairs of words that it relates."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nltk.corpus import wordnet
from scipy.sparse import csr_matrix, diags

from fuzzydict.text.abbreviation import abbreviation
from fuzzydict.text.inflection import bases
from fuzzydict.text.numbers import Unit, unit
from fuzzydict.training import corpora
from fuzzydict.training.bars import bar
from fuzzydict.training.corpora import Sentence, tag_count, term_of, tokens
from fuzzydict.training.lexicon import LexiconEntry

__all__ = [
    "Graph",
    "Node",
    "antonym_pairs",
    "gloss_sentences",
    "lemmatiser",
    "lexicon_pairs",
    "normalise_rows",
    "read_graph",
    "sense_matrix",
    "synonym_pairs",
    "verb_of",
]

# Each is followed in both directions. Antonyms are left out: opposites must not be neighbours.
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
_SHORT = 3  # letters of an abbreviation that may stand for several words
_VERY_USUAL = 500  # tags of a word of two letters that is no abbreviation


@dataclass
class Node:
    """A synset of WordNet, or an entry of the lexicon: its words, gloss and neighbours."""

    words: list[str]
    counts: list[int]
    """How often each word was tagged with this sense, in WordNet's own count."""
    gloss: list[Sentence]
    """The definition first, then examples."""
    neighbours: list[int] = field(default_factory=list)
    """Positions of nodes."""
    proper: bool = False
    """All its words are names: of persons, places, taxa."""
    modern: bool = False
    """It is an entry of the lexicon."""

    def count(self, word: str) -> int:
        """Return how often ``word`` was tagged with this sense."""
        return self.counts[self.words.index(word)]


@dataclass(frozen=True)
class Graph:
    """Nodes connected by WordNet's relations, the senses of each word, and pairs of opposites."""

    nodes: list[Node]
    senses: dict[str, list[int]]
    """The positions of a word's nodes, the most frequent sense first."""
    antonyms: list[tuple[str, str]]


def read_graph(lexicon: Iterable[LexiconEntry] = ()) -> Graph:
    """Read WordNet (Fellbaum, 1998) and the entries of the lexicon into one graph.

    About 117,700 nodes and half a minute. ``CorpusNotFoundError`` where NLTK cannot get WordNet.
    """
    synsets = sorted(
        bar(corpora.wordnet_reader().all_synsets(), desc="WordNet", total=117_659, leave=False),
        key=lambda synset: (synset.pos(), synset.offset()),
    )
    position = {synset: index for index, synset in enumerate(synsets)}
    nodes: list[Node] = []
    antonyms: list[tuple[str, str]] = []
    ranked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for synset in bar(synsets, desc="relations", leave=False):
        node = _synset_node(synset, position)
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


def _synset_node(synset: Any, position: dict[Any, int]) -> Node:
    lemmas = synset.lemmas()
    counts: dict[str, int] = {}
    for lemma in lemmas:
        counts[term_of(lemma.name())] = counts.get(term_of(lemma.name()), 0) + tag_count(lemma)
    related = [other for relation in _RELATIONS for other in getattr(synset, relation)()]
    for lemma, relation in itertools.product(lemmas, _LEMMA_RELATIONS):
        related += [other.synset() for other in getattr(lemma, relation)()]
    return Node(
        words=list(counts),
        counts=list(counts.values()),
        gloss=[tokens(text) for text in (synset.definition(), *synset.examples())],
        neighbours=[position[other] for other in related if other in position],
        proper=all(lemma.name() != lemma.name().lower() for lemma in lemmas),
    )


def _add_lexicon(
    lexicon: Iterable[LexiconEntry], nodes: list[Node], senses: dict[str, list[int]]
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
        related = [place for word in entry.related for place in _places(word, own, senses)]
        same = [senses[word][0] for word in entry.words if word in senses]
        words = list(dict.fromkeys(entry.words))
        # WordNet counted books from before 1990: today's sense gets half as much again.
        counts = [
            1 + sum(nodes[place].count(word) for place in senses.get(word, ())) // 2
            for word in words
        ]
        neighbours = broader + related + same
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
    """Return the position of the sense that the lexicon means by ``term``, if there is any."""
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


def lemmatiser(vocabulary: Iterable[str]) -> Callable[[str], str]:
    """Return a function from an inflected form to its base, by WordNet's own rules.

    Words of the vocabulary, and words without a base, are returned unchanged.
    """
    words = set(vocabulary)
    cache: dict[str, str] = {}

    def base(word: str) -> str:
        if word in words:
            return word
        if word not in cache:
            stem = word[:-2] if word.endswith(("'s", "’s")) else word
            found = stem if stem in words else wordnet.morphy(stem)
            cache[word] = found or word
        return cache[word]

    return base


def verb_of(form: str) -> str:
    """Return the verb that ``form`` is an inflection of, or ``form`` itself."""
    return wordnet.morphy(form, "v") or form


def gloss_sentences(graph: Graph) -> Iterator[Sentence]:
    """Yield each node's definition, preceded by the node's words, and its examples."""
    for node in graph.nodes:
        definition, *examples = node.gloss
        yield node.words + definition
        yield from filter(None, examples)


def sense_matrix(graph: Graph) -> tuple[list[str], csr_matrix]:
    """Return the words in order, and the distribution of each one's senses: shape [words, nodes].

    Rows sum to one; a sense that WordNet never counted counts as half an occurrence.
    """
    words = sorted(graph.senses)
    places = [graph.senses[word] for word in words]
    uses = [graph.nodes[place].count(word) + 0.5 for word in words for place in graph.senses[word]]
    ends = np.cumsum([0] + [len(row) for row in places])
    columns = np.fromiter(itertools.chain.from_iterable(places), np.int64)
    shape = (len(words), len(graph.nodes))
    return words, normalise_rows(csr_matrix((np.array(uses), columns, ends), shape=shape))


def normalise_rows(matrix: csr_matrix) -> csr_matrix:
    """Return the matrix with each row divided by its sum; an empty row stays empty."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return (diags(1 / np.where(sums > 0, sums, 1.0)) @ matrix).tocsr()


def synonym_pairs(graph: Graph, usual: float = 0.0) -> list[tuple[str, str]]:
    """Return the pairs of words that share a node, each once, in order.

    A pair is left out unless, for some shared sense, the geometric mean of its shares of both words
    is at least ``usual``, 0 to 1.
    """
    words, matrix = sense_matrix(graph)
    senses = matrix.tocsc()
    pairs: set[tuple[str, str]] = set()
    for place in range(len(graph.nodes)):
        span = slice(senses.indptr[place], senses.indptr[place + 1])
        same, shares = senses.indices[span], senses.data[span]
        for one, other in itertools.combinations(range(len(same)), 2):
            if shares[one] * shares[other] >= usual**2:
                pairs.add((words[same[one]], words[same[other]]))
    return sorted(pairs)


def lexicon_pairs(graph: Graph) -> list[tuple[str, str]]:
    """Return each word of the lexicon with the head of its line, each pair once, in order."""
    lines = [node.words for node in graph.nodes if node.modern]
    return sorted({(min(w, head), max(w, head)) for head, *words in lines for w in words})


def antonym_pairs(graph: Graph) -> list[tuple[str, str]]:
    """Return the pairs of opposites of WordNet and the lexicon, each once, in order.

    Left out are words that are synonyms in another of their senses ("min" is a minute and a
    minimum) and words of one or two letters, which are too ambiguous, unless they are as usual as
    "go" or both are the first of a line of the lexicon; a phrase paired with one of its words; two
    units of one quantity, whose amounts can be compared; and an abbreviation paired with what is
    none ("exp" may be an expense or an experience, but "min" beside "max" is clear).
    """
    same: set[tuple[str, str]] = set()
    for node in graph.nodes:
        same.update(itertools.combinations(sorted(node.words), 2))
    heads = {node.words[0] for node in graph.nodes if node.modern}
    usual = {word for node in graph.nodes if not node.modern for word in node.words}
    short = {
        word
        for node in graph.nodes
        if node.modern
        for word in {*node.words} - heads - usual
        if len(word) <= _SHORT and " " not in node.words[0] and abbreviation(word, node.words[0])
    }

    def forms(term: str) -> set[str]:
        return {form for word in term.split() for form in (word, *bases(word))}

    def is_clear(word: str) -> bool:
        return len(word) > 2 or corpora.total_tag_count(word) >= _VERY_USUAL

    def are_comparable(one: Unit | None, other: Unit | None) -> bool:
        return one is not None and other is not None and one.dimension == other.dimension

    def disjoint(one: str, other: str) -> bool:
        return (" " in one and " " in other) or forms(one).isdisjoint(forms(other))

    return [
        pair
        for pair in graph.antonyms
        if disjoint(*pair)
        and (pair[0] in short) == (pair[1] in short)
        and not are_comparable(*map(unit, pair))
        and (heads.issuperset(pair) or (pair not in same and all(map(is_clear, pair))))
    ]
