"""Random walks over the graph of senses."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from fuzzydict.training.corpora import Sentence
from fuzzydict.training.graph import Graph, Node, normalise_rows, sense_matrix

__all__ = ["step_matrix", "walks"]


def step_matrix(graph: Graph, base: Callable[[str], str], gloss_share: float = 0.4) -> csr_matrix:
    """Return the probability of a step from each node to each other: shape [nodes, nodes].

    A share of the steps leads from a node to the senses of its definition's words, rare words more
    often, or from such a sense back to the node; the others follow the graph's relations. Agirre
    and Soroa (2009), without their disambiguation of definitions by hand.
    """
    size = len(graph.nodes)
    related = _incidence([node.neighbours for node in graph.nodes], size)
    words, senses = sense_matrix(graph)
    number = {word: index for index, word in enumerate(words)}
    mentions = _incidence(
        [[number[w] for w in map(base, node.gloss[0]) if w in number] for node in graph.nodes],
        len(words),
    )
    frequency = np.bincount(mentions.indices, minlength=len(words))
    rarity = np.log(size / np.maximum(frequency, 1))
    rarity[frequency > _TOO_COMMON] = 0.0
    senses_mentioned = (normalise_rows(mentions @ diags(rarity)) @ senses).tocsr()
    senses_mentioned.data[senses_mentioned.data < 0.02] = 0.0
    senses_mentioned.eliminate_zeros()
    senses_mentioned = normalise_rows(
        normalise_rows(senses_mentioned) + normalise_rows(senses_mentioned).T
    )
    return normalise_rows(
        (1 - gloss_share) * normalise_rows(related) + gloss_share * senses_mentioned
    )


_TOO_COMMON = 4000  # A word in so many definitions ("having", "used") says little about each.


def _incidence(rows: list[list[int]], width: int) -> csr_matrix:
    unique = [sorted(set(row)) for row in rows]
    ends = np.cumsum([0] + [len(row) for row in unique])
    columns = np.fromiter(itertools.chain.from_iterable(unique), np.int64)
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), width))


def walks(
    graph: Graph, steps: csr_matrix, count: int, *, seed: int = 0, stop: float = 0.15
) -> Iterator[Sentence]:
    """Yield random walks over ``graph``: one word of each node on the way.

    ``steps`` is the ``step_matrix``. A walk ends after each step with probability ``stop``; of the
    ``count`` walks those of one word are left out. Frequent senses and the lexicon are more often
    the start. O(count / stop). Goikoetxea, Soroa and Agirre (2015).
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
    for done in range(0, count, _BATCH):
        place = rng.choice(len(starts), size=min(_BATCH, count - done), p=starts)
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
    if node.modern:  # abbreviations are learned as well as common words
        return np.ones(len(node.words))
    return np.sqrt(np.array(node.counts, np.float64)) + 0.5


_BATCH = 50_000  # walks


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
        # One cumulative sum over all lists: a draw is a search within the range of its list.
        self._running = np.concatenate([[0.0], np.cumsum(weights)])

    def __call__(self, lists: NDArray[Any]) -> NDArray[Any]:
        first, last = self._ends[lists], self._ends[lists + 1] - 1
        low, high = self._running[first], self._running[last + 1]
        drawn = low + self._rng.random(len(lists)) * (high - low)
        place = np.searchsorted(self._running, drawn, "right") - 1
        chosen: NDArray[Any] = self._items[np.clip(place, first, last)]
        return chosen
