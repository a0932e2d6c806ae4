"""What WordNet and the lexicon say about words beside their meaning: names, and redundant words."""

import functools
from collections import Counter
from collections.abc import Container, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.text.inflection import bases
from fuzzydict.training.corpora import kinds_above, sense_share
from fuzzydict.training.graph import Graph
from fuzzydict.training.negatives import ESSENTIAL
from fuzzydict.training.thesaurus import STRICT_KINDS

__all__ = ["names", "redundancy"]

Floats = NDArray[np.float32]

_DRUGS = frozenset(["drug.n.01", "medicine.n.02", "chemical.n.01"])
_FOREIGN = 0.8  # how probably a word that is not in WordNet is a name
_UNSEEN = 4  # compounds that the average word is taken to be in beside those of a word


def names(words: Sequence[str], graph: Graph, wordnet: Any) -> Floats:
    """Return for each word or phrase how probably it is a name: [len(words)], 0 to 1.

    Names are those of persons, places, brands and species, and of substances and drugs. It is the
    share of a word's senses, by their frequency, in WordNet; a word that neither WordNet nor the
    lexicon has is taken to be one.
    """
    is_name = functools.cache(_is_name)

    def trait(word: str) -> float:
        for form in (word, *bases(word)):
            found = sense_share(wordnet, form.replace(" ", "_"), is_name)
            if found is not None:
                return found
            if form in graph.senses:
                return 0.0
        return 0.0 if " " in word else _FOREIGN

    return np.array([trait(word) for word in words], np.float32)


def _is_name(synset: Any) -> bool:
    if all(lemma.name() != lemma.name().lower() for lemma in synset.lemmas()):
        return True
    if synset.pos() != "n":
        return False
    return synset.lexname() in STRICT_KINDS or not kinds_above(synset).isdisjoint(_DRUGS)


def redundancy(words: Sequence[str], graph: Graph, redundant_words: Container[str]) -> Floats:
    """Return for each word how little it adds as the last word of a compound: [len(words)].

    From 0 to 1, the square root of the share of its compounds that mean the same without it: "pine
    tree" is a pine, but "phone case" is no phone. A word of few compounds is near the average; the
    ``redundant_words`` of the glossary have 1, and modifiers such as "deputy" 0.
    """
    compounds: Counter[str] = Counter()
    redundant: Counter[str] = Counter()
    for node in graph.nodes:
        same = set(node.words)
        for term in same:
            rest, _, last = term.rpartition(" ")
            if rest:
                compounds[last] += 1
                redundant[last] += rest in same
    average = sum(redundant.values()) / max(sum(compounds.values()), 1)
    shares = [
        float(word in redundant_words)
        if word in redundant_words or word in ESSENTIAL
        else (redundant[word] + _UNSEEN * average) / (compounds[word] + _UNSEEN)
        for word in words
    ]
    return np.sqrt(np.array(shares, np.float32))
