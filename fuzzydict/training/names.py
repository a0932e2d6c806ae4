"""Names of places, persons, substances, species and so on, and the things that they stand for."""

import functools
import itertools
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
# What belongs to these classes is no other thing of them, unless it is a kind of that.
_CLASSES = frozenset({
    "artist.n.01", "athlete.n.01", "beverage.n.01", "board_game.n.01", "body_part.n.01",
    "bread.n.01", "building.n.01", "card_game.n.01", "clothing.n.01", "cooking_utensil.n.01",
    "crime.n.01", "cutlery.n.02", "dance.n.03", "discipline.n.01", "disease.n.01",
    "edible_fruit.n.01", "entertainer.n.01", "fabric.n.01", "footwear.n.02", "furniture.n.01",
    "gem.n.02", "health_professional.n.01", "home_appliance.n.01", "legal_document.n.01",
    "meal.n.01", "measuring_instrument.n.01", "meat.n.01", "military_officer.n.01",
    "monetary_unit.n.01", "musical_instrument.n.01", "natural_elevation.n.01", "pain.n.01",
    "plane_figure.n.01", "precipitation.n.03", "professional.n.01", "punctuation.n.02",
    "relative.n.01", "road.n.01", "room.n.01", "sauce.n.01", "scientist.n.01", "solid.n.03",
    "source_of_illumination.n.01", "sport.n.01", "tax.n.01", "tool.n.01", "vegetable.n.01",
    "vehicle.n.01", "weapon.n.01", "worker.n.01",
})  # fmt: skip
_MOST_NARROWER = 64  # things narrower than one; what has more is too general to differ from others
_USUAL = 0.5  # least share of a word's senses in which it is a name
_SHORTEST = 4  # letters of a name: shorter ones are abbreviations of other words, too
_SHORTEST_OF_KIND = {
    "calendar": 2, "city": 3, "colour": 3, "company": 3, "file type": 2, "function": 3,
}  # fmt: skip

_PERSON, _PLACE, _SUBSTANCE, _GROUP, _SPECIES, _OF_CLASS, _ALTERNATIVE = "pqsotwa"
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
    wordnet: Any,
    glossary: Iterable[GlossaryLine],
    alternatives: Iterable[GlossaryLine],
    thesaurus: Thesaurus,
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
            name = _spelled(lemma)
            if len(name) >= _SHORTEST and not is_common(lemma.name().lower()):
                table[name][f"{_kind_of(synset)}{number}"] = None
    for name, things in _things_of_classes(wordnet).items():
        table[name] |= dict.fromkeys(things)
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
    for number, line in enumerate(alternatives):
        for name in itertools.chain.from_iterable(map(spellings, line.names)):
            for form in (name, _plural(name)):
                table[form][f"{_ALTERNATIVE}{number}"] = None
    return {name: list(things) for name, things in table.items()}


def _things_of_classes(wordnet: Any) -> dict[str, list[str]]:
    """Return for each name in `_CLASSES` its thing and all narrower ones.

    So "violin" and "cello" have none in common, but "guitar" and "bass guitar" have.
    """

    def belongs(synset: Any) -> bool:
        return synset.pos() == "n" and not kinds_above(synset).isdisjoint(_CLASSES)

    synsets = sorted(
        filter(belongs, wordnet.all_synsets("n")), key=lambda synset: int(synset.offset())
    )
    numbers = {synset.name(): number for number, synset in enumerate(synsets)}
    table: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for synset in synsets:
        narrower = {each.name() for each in synset.closure(lambda each: each.hyponyms())}
        if len(narrower) > _MOST_NARROWER:
            continue
        below = sorted(numbers[each] for each in narrower if each in numbers)
        things = [f"{_OF_CLASS}{number}" for number in (numbers[synset.name()], *below)]
        for lemma in synset.lemmas():
            name = _spelled(lemma)
            share = sense_share(wordnet, lemma.name().lower(), belongs)
            if len(name) >= _SHORTEST and share is not None and share >= _USUAL:
                for form in (name,) if " " in name else (name, _plural(name)):
                    table[form] |= dict.fromkeys(things)
    return {name: list(things) for name, things in table.items()}


def _spelled(lemma: Any) -> str:
    return " ".join(words(lemma.name().replace("_", " ")))


def _plural(name: str) -> str:
    """Return the regular plural of a name, which is also how its possessive is split."""
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


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
