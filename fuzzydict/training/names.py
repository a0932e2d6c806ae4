"""Names of places, persons, substances, species and so on, and the things that they stand for."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from fuzzydict.text.tokens import words
from fuzzydict.training.corpora import kinds_above, sense_share
from fuzzydict.training.glossary import GlossaryLine, spellings
from fuzzydict.training.thesaurus import Thesaurus

__all__ = ["is_thing", "things_by_name"]

_SUBSTANCES = frozenset(["noun.substance"])
_KINDS = frozenset(["noun.animal", "noun.plant", "noun.food", "noun.body"])  # only the narrowest
_ABOVE = frozenset(["drug.n.01", "medicine.n.02", "chemical.n.01", "chemical_element.n.01"])
_NARROW_ABOVE = frozenset(["natural_language.n.01", "chromatic_color.n.01", "disease.n.01"])
_USUAL = 0.5  # least share of a word's senses in which it is a name
_SHORTEST = 4  # letters of a name: shorter ones are abbreviations of other words, too
_SHORTEST_OF_KIND = {
    "calendar": 2, "city": 3, "colour": 3, "company": 3, "file type": 2, "function": 3,
}  # fmt: skip

_PERSON, _PLACE, _SUBSTANCE, _GROUP, _SPECIES = "pqsot"
_KINDS_OF_FILES = {
    "noun.person": _PERSON,
    "noun.location": _PLACE,
    "noun.object": _PLACE,
    "noun.substance": _SUBSTANCE,
    "noun.group": _GROUP,
    "noun.animal": _SPECIES,
    "noun.plant": _SPECIES,
    "noun.food": "f",
    "noun.communication": "l",
    "noun.attribute": "c",
    "noun.body": "b",
    "noun.state": "d",
}
_KINDS_OF_LINES = {
    "calendar": "m",
    "chemical": _SUBSTANCE,
    "city": _PLACE,
    "colour": "c",
    "company": _GROUP,
    "country": _PLACE,
    "currency": "y",
    "drug": _SUBSTANCE,
    "event": "e",
    "file type": "k",
    "function": "h",
    "greek letter": "g",
    "language": "l",
    "licence": "i",
    "nickname": _PERSON,
    "organisation": _GROUP,
    "science": "d",
    "state": _PLACE,
    "team": _GROUP,
    "unit": "u",
    "university": _GROUP,
}


def is_thing(synset: Any) -> bool:
    """Is a sense that of a name which stands for one thing or kind, and for no other?

    Names of persons and places, of substances and drugs; and those species, foods, languages,
    colours and diseases that have no narrower ones.
    """
    if synset.pos() != "n":
        return False
    if synset.instance_hypernyms() or synset.lexname() in _SUBSTANCES:
        return True
    above = kinds_above(synset)
    if not above.isdisjoint(_ABOVE):
        return True
    narrow = synset.lexname() in _KINDS or not above.isdisjoint(_NARROW_ABOVE)
    return narrow and not synset.hyponyms()


def things_by_name(
    wordnet: Any, glossary: Iterable[GlossaryLine], thesaurus: Thesaurus
) -> dict[str, list[str]]:
    """Return for each name the things that it stands for.

    Names are spelled as `words` does. A thing is a letter for its kind and a number; only things of
    one kind can be confused. Names that usually are common words, such as "may", and those of two
    letters are left out, unless the glossary has them.
    """
    table: defaultdict[str, dict[str, None]] = defaultdict(dict)

    @functools.cache
    def is_common(name: str) -> bool:
        share = sense_share(wordnet, name, is_thing)
        return share is not None and share < _USUAL

    for number, synset in enumerate(_things(wordnet)):
        for lemma in synset.lemmas():
            name = " ".join(words(lemma.name().replace("_", " ")))
            if len(name) >= _SHORTEST and not is_common(lemma.name().lower()):
                table[name][f"{_kind_of(synset)}{number}"] = None
    known = {name: list(things) for name, things in table.items()}
    for number, line in enumerate(glossary):
        kind = _KINDS_OF_LINES.get(line.kind)
        if kind is None or (line.kind == "language" and not _is_language(line, wordnet)):
            continue
        shortest = _SHORTEST_OF_KIND.get(line.kind, _SHORTEST)
        names = [spelled for name in line.names for spelled in spellings(name)]
        same = [thing for thing in known.get(names[0], ()) if thing[0] == kind]
        for name in names:
            if len(name) >= shortest:
                table[name] |= dict.fromkeys([f"{kind}g{number}", *same])
    for name in (*thesaurus.first_names, *thesaurus.last_names):
        if name not in table and not wordnet.synsets(name):
            table[name][f"{_PERSON}n{len(table)}"] = None
    return {name: list(things) for name, things in table.items()}


def _kind_of(synset: Any) -> str:
    """Return the letter of the kind of a thing."""
    if not kinds_above(synset).isdisjoint(_ABOVE):
        return _SUBSTANCE
    return _KINDS_OF_FILES.get(synset.lexname(), "x")


def _is_language(line: GlossaryLine, wordnet: Any) -> bool:
    """Is it a language that people speak? Those of programs often contain each other."""
    return any(
        "natural_language.n.01" in kinds_above(synset)
        for name in line.names
        for synset in wordnet.synsets(name.replace(" ", "_"), "n")
    )


def _things(wordnet: Any) -> Iterator[Any]:
    nouns = sorted(wordnet.all_synsets("n"), key=lambda synset: int(synset.offset()))
    return (synset for synset in nouns if is_thing(synset))
