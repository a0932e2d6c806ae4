"""Corpora: WordNet and Brown from NLTK, or a text file of one's own.

A sentence is a list of words in lower case. WordNet's terms of several words are one word, with
spaces (``"top speed"``).
"""

import contextlib
import functools
import io
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

try:
    import nltk
    import scipy  # noqa: F401
    from nltk.corpus import brown, wordnet
except ImportError as error:
    raise ImportError(
        "training needs NLTK and SciPy: pip install 'fuzzydict-attention[train]'"
    ) from error

__all__ = [
    "CorpusNotFoundError",
    "Sentence",
    "brown_paragraphs",
    "brown_sentences",
    "kinds_above",
    "sense_share",
    "tag_count",
    "term_of",
    "text_sentences",
    "tokens",
    "total_tag_count",
    "wordnet_reader",
]

Sentence = list[str]

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


class CorpusNotFoundError(LookupError):
    """A corpus of NLTK is not installed and cannot be downloaded."""


def _require(name: str) -> None:
    """Download a corpus unless NLTK finds it."""
    for path in (f"corpora/{name}.zip", f"corpora/{name}"):
        with contextlib.suppress(LookupError):
            nltk.data.find(path)
            return
    if not nltk.download(name, quiet=True, print_error_to=io.StringIO()):
        raise CorpusNotFoundError(
            f"NLTK's corpus {name!r} is missing: set NLTK_DATA to the folder that contains it, "
            "or run `python -m nltk.downloader brown wordnet`."
        )


def wordnet_reader() -> Any:
    """Return NLTK's reader of WordNet. ``CorpusNotFoundError`` if NLTK cannot get it."""
    _require("wordnet")
    return wordnet


@functools.cache
def _tag_counts() -> dict[str, int]:
    with wordnet.open("cntlist.rev") as file:
        lines = (line.split() for line in file.read().splitlines())
        return {key: int(count) for key, _, count in lines}


def tag_count(lemma: Any) -> int:
    """Return how often texts were tagged with this lemma of NLTK's WordNet reader.

    The same as ``lemma.count()``, which searches the file each time.
    """
    return _tag_counts().get(lemma.key(), 0)


@functools.cache
def _total_tag_counts() -> Counter[str]:
    totals: Counter[str] = Counter()
    for key, count in _tag_counts().items():
        totals[key.partition("%")[0]] += count
    return totals


def total_tag_count(name: str) -> int:
    """Return how often texts were tagged with any sense of a lemma's name, in any case."""
    return _total_tag_counts()[name.lower()]


def sense_share(wordnet: Any, word: str, belongs: Callable[[Any], bool]) -> float | None:
    """Return the share of a word's senses that belong, by how often each was tagged, or None.

    A sense that was never tagged counts half. ``word`` is in lower case, with "_" in phrases.
    """
    total = found = 0.0
    for sense in wordnet.synsets(word):
        lemmas = [lemma for lemma in sense.lemmas() if lemma.name().lower() == word]
        count = 0.5 + sum(map(tag_count, lemmas))
        total += count
        found += count * belongs(sense)
    return found / total if total else None


def kinds_above(synset: Any) -> set[str]:
    """Return the names of all kinds that a sense belongs to, and its own."""
    return {each.name() for path in synset.hypernym_paths() for each in path}


def tokens(text: str) -> Sentence:
    """Return the words of running text in lower case, without punctuation.

    >>> tokens("The colour, or hue, of a well-known car.")
    ['the', 'colour', 'or', 'hue', 'of', 'a', 'well-known', 'car']
    """
    return _WORD.findall(text.lower())


def text_sentences(path: str | os.PathLike[str]) -> Iterator[Sentence]:
    """Yield the words of each line of the UTF-8 text file ``path`` that has any.

    ``OSError`` if it cannot be read, ``UnicodeDecodeError`` if it is not UTF-8.
    """
    with open(path, encoding="utf-8") as file:
        yield from filter(None, map(tokens, file))


def brown_sentences() -> Iterator[Sentence]:
    """Yield the sentences of the Brown corpus (Francis and Kučera, 1979), about 57,000.

    ``CorpusNotFoundError`` if NLTK cannot get it.
    """
    _require("brown")
    yield from filter(None, map(_words_of, brown.sents()))


def brown_paragraphs() -> Iterator[Sentence]:
    """Yield the paragraphs of the Brown corpus, about 15,700, each as if it were one sentence."""
    _require("brown")
    yield from map(_words_of, map(itertools.chain.from_iterable, brown.paras()))


def _words_of(parts: Iterable[str]) -> Sentence:
    return [part.lower() for part in parts if any(map(str.isalnum, part))]


def term_of(name: str) -> str:
    """Return the name of a lemma as a term: in lower case, with spaces."""
    return name.lower().replace("_", " ")
