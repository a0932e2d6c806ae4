"""Synonyms, hypernyms, siblings and so on: WordNet and the lexicon as plain tables of terms."""

import itertools
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fuzzydict.text import spelling
from fuzzydict.training.corpora import kinds_above, tag_count, term_of, total_tag_count
from fuzzydict.training.lexicon import LexiconEntry

__all__ = ["STRICT_KINDS", "Table", "Thesaurus", "build_thesaurus"]

Table = dict[str, list[str]]


def _table() -> Table:
    return defaultdict(list)


@dataclass
class Thesaurus:
    """Terms in lower case with spaces, and for each term others that are related to it.

    ``topics`` are groups of terms that belong together; ``fields`` are those of the lexicon, whose
    terms are names of fields, commands and so on; ``lookalikes`` have a similar spelling;
    ``compounds`` are phrases by their last word; ``first_names`` and ``last_names`` are of persons.
    """

    terms: list[str] = field(default_factory=list)
    topics: list[list[str]] = field(default_factory=list)
    names: list[list[str]] = field(default_factory=list)
    rare: list[list[str]] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)
    synonyms: Table = field(default_factory=_table)
    broader: Table = field(default_factory=_table)
    siblings: Table = field(default_factory=_table)
    derived: Table = field(default_factory=_table)
    glosses: Table = field(default_factory=_table)
    lookalikes: Table = field(default_factory=_table)
    compounds: Table = field(default_factory=_table)
    first_names: list[str] = field(default_factory=list)
    last_names: list[str] = field(default_factory=list)

    def related(self, term: str) -> set[str]:
        """Return the terms that may mean the same, and so must not count as negatives."""
        tables = (self.synonyms, self.broader, self.derived)
        close = {term, *(other for table in tables for other in table.get(term, ()))}
        for other in list(close):
            close.update(self.synonyms.get(other, ()))
        return close


def build_thesaurus(wordnet: Any, lexicon: Sequence[LexiconEntry], seed: int = 0) -> Thesaurus:
    """Return the thesaurus of NLTK's ``wordnet``, its frequent words alone, and of the lexicon."""
    thesaurus = Thesaurus()
    nouns = _ordered(wordnet.all_synsets("n"))
    _add_wordnet(thesaurus, wordnet, nouns, random.Random(seed))
    _add_names(thesaurus, nouns, random.Random(seed))
    _add_kinds(thesaurus, nouns, random.Random(seed))
    _add_persons(thesaurus, nouns)
    _add_lexicon(thesaurus, lexicon)
    for table in (thesaurus.synonyms, thesaurus.broader, thesaurus.siblings, thesaurus.derived):
        for term, others in list(table.items()):
            table[term] = [other for other in dict.fromkeys(others) if other != term]
    thesaurus.terms = list(dict.fromkeys(thesaurus.terms))
    for term in thesaurus.terms:
        if " " in term:
            thesaurus.compounds[term.split()[-1]].append(term)
    _add_lookalikes(thesaurus)
    return thesaurus


def _add_lookalikes(thesaurus: Thesaurus) -> None:
    """Find the five words whose spelling is most similar to each word."""
    every = dict.fromkeys((*thesaurus.terms, *thesaurus.first_names, *thesaurus.last_names))
    words = [term for term in every if " " not in term and len(term) > 3]
    vectors = spelling.encode(words)
    for start in range(0, len(words), 1000):
        products = vectors[start : start + 1000] @ vectors.T
        nearest = np.sort(np.argpartition(-products, min(32, len(words) - 1), axis=1)[:, :32])
        order = np.argsort(-np.take_along_axis(products, nearest, 1), axis=1, kind="stable")[:, :6]
        nearest = np.take_along_axis(nearest, order, 1)
        for word, row in zip(words[start:], nearest.tolist(), strict=False):
            thesaurus.lookalikes[word] = [words[i] for i in row if words[i] != word]


def _add_wordnet(
    thesaurus: Thesaurus, wordnet: Any, nouns: Sequence[Any], rng: random.Random
) -> None:
    for name in sorted(set(wordnet.all_lemma_names())):
        if not name.replace("_", "").isalpha() or not name.islower() or len(name) < 3:
            continue
        least = 4 if "_" not in name else 2
        if total_tag_count(name) < least:  # cheap, unlike reading the senses
            continue
        senses = wordnet.synsets(name)
        lemmas = [lemma for sense in senses for lemma in sense.lemmas() if lemma.name() == name]
        if sum(map(tag_count, lemmas)) < least:
            continue
        term = term_of(name)
        thesaurus.terms.append(term)
        for sense in senses[:2]:
            thesaurus.synonyms[term] += _names(sense.lemmas(), sense)
            thesaurus.derived[term] += [
                term_of(other.name())
                for lemma in sense.lemmas()
                if lemma.name() == name
                for other in _ordered(lemma.derivationally_related_forms() + lemma.pertainyms())
            ]
            thesaurus.derived[term] += [
                other
                for near in _ordered(sense.similar_tos())
                for other in _names(near.lemmas()[:2], near)
            ]
        thesaurus.glosses[term] += [_short(sense.definition()) for sense in senses[:1]]
        for above in _ordered(senses[0].hypernyms()) if senses else ():
            if above.min_depth() >= 5:
                thesaurus.broader[term] += _names(above.lemmas()[:2], above)
            beside = [sense for sense in _ordered(above.hyponyms()) if sense != senses[0]]
            for sense in rng.sample(beside, min(6, len(beside))):
                thesaurus.siblings[term] += _names(sense.lemmas()[:1], sense)
    for sense in nouns:
        below = [other.lemmas()[0] for other in _ordered(sense.hyponyms())]
        usual = [term_of(lemma.name()) for lemma in below if tag_count(lemma) > 0]
        if len(usual) >= 8:
            thesaurus.topics.append(usual)


def _add_names(thesaurus: Thesaurus, nouns: Sequence[Any], rng: random.Random) -> None:
    """Add the names of countries, cities, rivers and the like that texts were tagged with."""
    for kind in nouns:
        below = _ordered(kind.instance_hyponyms())
        senses = [sense for sense in below if sum(map(tag_count, sense.lemmas()))]
        names = [[term_of(lemma.name()) for lemma in sense.lemmas()] for sense in senses]
        if len(names) < 6:
            continue
        heads = [same[0] for same in names]
        thesaurus.names.append(heads)
        for head, *others in names:
            thesaurus.terms.append(head)
            thesaurus.synonyms[head] += others
            thesaurus.siblings[head] += rng.sample(heads, 6)


# WordNet's files of things that are distinguished as strictly as names: two plants are not the same
# because they are similar.
STRICT_KINDS = frozenset(["noun.substance", "noun.animal", "noun.plant", "noun.food"])


def _add_kinds(thesaurus: Thesaurus, nouns: Sequence[Any], rng: random.Random) -> None:
    """Add the names of rare substances, drugs, species and foods."""
    for kind in nouns:
        below = _ordered(kind.hyponyms())
        if len(below) < 8 or (kind.lexname() not in STRICT_KINDS and not _is_drug(kind)):
            continue
        names = [[term_of(lemma.name()) for lemma in sense.lemmas()] for sense in below]
        heads = [same[0] for same in names]
        thesaurus.rare.append(heads)
        for head, *others in names:
            if head not in thesaurus.synonyms:
                thesaurus.synonyms[head] += others
                thesaurus.siblings[head] += rng.sample(heads, 6)


def _is_drug(kind: Any) -> bool:
    return "drug.n.01" in kinds_above(kind)


def _add_persons(thesaurus: Thesaurus, nouns: Sequence[Any]) -> None:
    """Add the first and the last names of the persons in WordNet."""
    first: dict[str, None] = {}
    last: dict[str, None] = {}
    for sense in nouns:
        if sense.lexname() != "noun.person" or not sense.instance_hypernyms():
            continue
        for lemma in sense.lemmas():
            given, _, family = term_of(lemma.name()).partition(" ")
            if given.isalpha() and family.isalpha() and len(family) > 2 and len(given) > 2:
                first[given] = last[family] = None
    thesaurus.first_names, thesaurus.last_names = list(first), list(last)


def _ordered(related: Iterable[Any]) -> list[Any]:
    """Return synsets or lemmas in a fixed order; NLTK's own depends on the hash seed."""
    return sorted(related, key=str)


def _short(gloss: str) -> str:
    """Return the beginning of a definition, at most nine words."""
    first = re.split("[;:]", re.sub(r"\([^)]*\)", "", gloss))[0]
    return " ".join(first.split()[:9])


def _names(lemmas: Iterable[Any], sense: Any) -> list[str]:
    """Return the names of lemmas for which the sense is one of their first three."""
    return [
        term_of(lemma.name())
        for lemma in lemmas
        if tag_count(lemma) > 0 or "_" in lemma.name() or lemma.synset() == sense
        if len(lemma.name()) > 2
    ]


def _add_lexicon(thesaurus: Thesaurus, lexicon: Sequence[LexiconEntry]) -> None:
    for entry in lexicon:
        thesaurus.terms += [word for word in entry.words if len(word) > 2]
        for word, other in itertools.permutations(entry.words, 2):
            thesaurus.synonyms[word].append(other)
        for word in entry.words:
            thesaurus.glosses[word].append(_short(entry.gloss))
            thesaurus.broader[word] += entry.kind_of
            thesaurus.siblings[word] += [*entry.related, *entry.opposites]
    # The lines of a field follow each other in its file.
    heads = [entry.words[0] for entry in lexicon]
    thesaurus.fields += [heads[i : i + 20] for i in range(0, len(heads), 10)]
