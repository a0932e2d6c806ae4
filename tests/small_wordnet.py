"""A part of WordNet, for the tests of training: to read all of it takes half a minute."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from fuzzydict.resources import data_file
from fuzzydict.training import building, corpora, custom
from fuzzydict.training.graph import Graph, read_graph
from fuzzydict.training.lexicon import LexiconEntry, read_lexicon

_ONE_IN = 100  # names


class SmallWordNet:
    """NLTK's reader with few names, their senses and the neighbours of the senses of ``words``."""

    def __init__(self, whole: Any, words: Sequence[str] = (), *, backwards: bool = False) -> None:
        self._whole = whole
        self._order = -1 if backwards else 1
        self._names = sorted({*sorted(set(whole.all_lemma_names()))[::_ONE_IN], *words})
        self._senses = [sense for word in words for sense in whole.synsets(word)]
        for relation in ("hypernyms", "hyponyms", "similar_tos"):
            self._senses += [
                other
                for word in words
                for sense in whole.synsets(word)[:3]
                for other in getattr(sense, relation)()
            ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def all_lemma_names(self) -> Iterator[str]:
        return iter(self._names[:: self._order])

    def all_synsets(self, pos: str | None = None) -> Iterator[Any]:
        found = {sense for name in self._names for sense in self._whole.synsets(name, pos)}
        found.update(sense for sense in self._senses if pos in (None, sense.pos()))
        for sense in list(found):
            found.update(sense.instance_hypernyms())
        return iter(sorted(found, key=str)[:: self._order])


WORDS = ("car", "red", "price", "doctor", "cold", "hot")


@functools.cache
def small_wordnet() -> SmallWordNet:
    """Return the small WordNet that tests share, or skip the test where NLTK has none."""
    try:
        return SmallWordNet(corpora.wordnet_reader(), WORDS)
    except corpora.CorpusNotFoundError as error:
        pytest.skip(str(error))


@functools.cache
def full_lexicon() -> list[LexiconEntry]:
    """Return the lexicon that is shipped."""
    return read_lexicon(data_file("lexicon"))


@functools.cache
def small_lexicon() -> list[LexiconEntry]:
    """Return a part of it: the lines of a few fields, which follow each other."""
    return full_lexicon()[:400]


@functools.cache
def small_graph() -> Graph:
    """Return the graph of the small WordNet and the lexicon."""
    with on_small_wordnet():
        return read_graph(full_lexicon())


@contextlib.contextmanager
def on_small_wordnet() -> Iterator[None]:
    """Train on the small WordNet and a part of the lexicon, on one thread of BLAS."""
    reader = small_wordnet()
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1, "blas"):
        patch.setattr(corpora, "wordnet_reader", lambda: reader)
        for module in (building, custom):
            patch.setattr(module, "read_lexicon", lambda _: small_lexicon())
        yield
