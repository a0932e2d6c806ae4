"""Dictionaries of codes, people, companies and places: names that nothing similar stands for."""

import random
import string
from collections.abc import Callable, Sequence

from fuzzydict.training.rewriting import mistype
from fuzzydict.training.thesaurus import Thesaurus

__all__ = ["addresses", "codes", "companies", "institutions", "people"]

Lookups = list[tuple[str, int | None]]

_CAPITALS = "ABCDEFGHIKLMNOPRSTUVXZ"
_QUERIES = 10  # that mean a key, of each dictionary


def _episode(
    keys: Sequence[str],
    positive: Callable[[str], str | None],
    negative: Callable[[str], str | None],
    rng: random.Random,
) -> tuple[list[str], Lookups]:
    """Return the keys, and queries with the position of the correct key, or None."""
    keys = list({key.casefold(): key for key in keys}.values())
    taken = {_plain(key) for key in keys}
    lookups: Lookups = []
    for position in rng.sample(range(len(keys)), min(len(keys), _QUERIES)):
        query = positive(keys[position])
        if query and _plain(query) not in taken - {_plain(keys[position])}:
            lookups.append((query, position))
    for _ in range(len(lookups) + 1):
        query = negative(rng.choice(keys))
        if query and _plain(query) not in taken:
            lookups.append((query, None))
    return keys, lookups


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


# Codes.


def codes(thesaurus: Thesaurus, rng: random.Random) -> tuple[list[str], Lookups]:
    """Return a dictionary of codes, one letter of which makes another code."""
    sizes, digits = rng.choice(((2, 2), (2, 3), (3, 3), (3, 4), (2, 5))), rng.random() < 0.4
    keys = [_code(sizes, digits, rng) for _ in range(rng.choice((6, 10, 20, 30)))]

    def same(key: str) -> str:
        lower = key.lower()
        return rng.choice((lower, key.upper(), f"{key}s", f"{key}.", f"the {key}", f"{key} code"))

    def other(key: str) -> str:
        return _other_code(key, rng) if rng.random() < 0.8 else _code(sizes, digits, rng)

    return _episode(keys, same, other, rng)


def _code(sizes: tuple[int, int], digits: bool, rng: random.Random) -> str:
    letters = "".join(rng.choices(_CAPITALS, k=rng.randint(*sizes)))
    return letters + "".join(rng.choices(string.digits, k=rng.randint(1, 3))) * digits


def _other_code(key: str, rng: random.Random) -> str:
    """Replace, add or drop a letter."""
    places = [i for i, letter in enumerate(key) if letter.isalpha()]
    i, letter = rng.choice(places), rng.choice(_CAPITALS.replace("S", ""))
    kind = rng.random()
    if kind < 0.5 or len(places) < 2:
        return key[:i] + letter + key[i + 1 :]
    return key[:i] + letter + key[i:] if kind < 0.75 else key[:i] + key[i + 1 :]


# People.

_TITLES = ("Mr", "Mrs", "Ms", "Dr.", "Prof.", "Dr", "Sir")


def people(thesaurus: Thesaurus, rng: random.Random) -> tuple[list[str], Lookups]:
    """Return a dictionary of persons, some of whom share a first or a last name."""
    first, last = thesaurus.first_names, thesaurus.last_names
    inverted = rng.random() < 0.3

    def written(given: str, family: str) -> str:
        name = f"{family}, {given}" if inverted else f"{given} {family}"
        return name.title()

    def parts(key: str) -> tuple[str, str]:
        one, other = key.split(", " if inverted else " ", 1)
        return (other, one) if inverted else (one, other)

    size = rng.choice((6, 10, 20, 30))
    some = rng.choices(first, k=size), rng.choices(last, k=max(2, size * 3 // 4))
    keys = [written(rng.choice(some[0]), rng.choice(some[1])) for _ in range(size)]

    def same(key: str) -> str | None:
        given, family = parts(key)
        kind = rng.random()
        if kind < 0.3:
            part, rest = (given, family) if rng.random() < 0.4 else (family, given)
            if len(part) < 4:
                return None
            wrong = mistype(part.lower(), rng).title()
            return f"{wrong} {rest}" if part == given else f"{rest} {wrong}"
        if kind < 0.5:
            return f"{given} {family}" if inverted else f"{family}, {given}"
        if kind < 0.6:
            return f"{rng.choice(_TITLES)} {given} {family}"
        if kind < 0.75:
            return f"{given} {rng.choice(_CAPITALS)}. {family}"
        if kind < 0.85:
            return f"{given}.{family}".lower()
        alone = [each for each in keys if parts(each)[1] == family]
        return f"{given[0]}. {family}" if len(alone) == 1 else None

    def other(key: str) -> str:
        given, family = parts(key)
        kind = rng.random()
        if kind < 0.35:
            given = rng.choice(first)
        elif kind < 0.6:
            family = rng.choice(last)
        elif kind < 0.85:
            similar = thesaurus.lookalikes
            given = rng.choice(similar.get(given.lower(), first))
            family = family if rng.random() < 0.8 else rng.choice(similar.get(family.lower(), last))
        else:
            given, family = rng.choice(first), rng.choice(last)
        name = f"{given} {family}" if rng.random() < 0.7 else f"{family}, {given}"
        return name.title()

    return _episode(keys, same, other, rng)


# Companies.

_LEGAL_FORMS = (
    "Inc", "Inc.", ", Inc.", "Incorporated", "Corporation", "Corp", "Corp.", "Ltd", "Ltd.",
    "Limited", "LLC", "PLC", "plc", "GmbH", "AG", "S.A.", "SA", "NV", "N.V.", "AB", "Oy", "SpA",
    "Co.", "Company", "& Co.", "Pty Ltd", "A/S", "LP", "KG", "SE", "BV",
)  # fmt: skip
_TRADES = (
    "Systems", "Energy", "Bank", "Pharmaceuticals", "Foods", "Partners", "Technologies", "Motors",
    "Airlines", "Insurance", "Media", "Industries", "Capital", "Logistics", "Software", "Steel",
    "Mining", "Telecom", "Electric", "Financial", "Therapeutics", "Instruments", "Materials",
    "Health", "Retail", "Shipping", "Games", "Robotics", "Water", "Consulting", "Networks", "Labs",
)  # fmt: skip


def companies(thesaurus: Thesaurus, rng: random.Random) -> tuple[list[str], Lookups]:
    """Return a dictionary of companies, with or without their legal forms."""
    formal = rng.choice((0.0, 0.5, 1.0))
    names = [_company(thesaurus, rng) for _ in range(rng.choice((6, 10, 20, 30)))]
    key_names: dict[str, str] = {}
    for name in names:
        key_names.setdefault(_with_form(name, rng) if rng.random() < formal else name, name)

    def same(key: str) -> str:
        name, kind = key_names[key], rng.random()
        if kind < 0.25:
            return name
        if kind < 0.75:
            return _with_form(name, rng)
        parts = name.split()
        i = max(range(len(parts)), key=lambda i: len(parts[i]))
        parts[i] = mistype(parts[i].lower(), rng).title()
        return " ".join(parts) if rng.random() < 0.6 else _with_form(" ".join(parts), rng)

    def other(key: str) -> str:
        parts, kind = key_names[key].split(), rng.random()
        if kind < 0.3:
            similar = thesaurus.lookalikes.get(parts[0].lower())
            parts[0] = (rng.choice(similar) if similar else rng.choice(thesaurus.terms)).title()
        elif kind < 0.55:
            parts[1:] = [rng.choice(_TRADES)]
        elif kind < 0.75:
            parts[:1] = rng.choice(thesaurus.last_names).title().split()
        elif kind < 0.87:
            return parts[-1] if len(parts) > 1 else rng.choice(_LEGAL_FORMS).lstrip(", ")
        else:
            parts = _company(thesaurus, rng).split()
        name = " ".join(parts)
        return _with_form(name, rng) if rng.random() < 0.5 else name

    return _episode(list(key_names), same, other, rng)


def _company(thesaurus: Thesaurus, rng: random.Random) -> str:
    kind = rng.random()
    first = rng.choice(thesaurus.last_names if kind < 0.6 else thesaurus.terms).title()
    if kind < 0.2:
        return first
    return f"{first} {rng.choice(_TRADES)}"


def _with_form(name: str, rng: random.Random) -> str:
    form = rng.choice(_LEGAL_FORMS)
    return f"{name}{form}" if form.startswith(",") else f"{name} {form}"


# Addresses and institutions.


def _namesake(thesaurus: Thesaurus, rng: random.Random) -> str:
    """Return the name of a person or thing that a street or an institution is named after."""
    return rng.choice(thesaurus.last_names if rng.random() < 0.6 else thesaurus.terms).title()


def _other_namesake(name: str, thesaurus: Thesaurus, rng: random.Random) -> str:
    """Return a name of similar spelling, or any other one."""
    similar = thesaurus.lookalikes.get(name.lower())
    return rng.choice(similar).title() if similar else _namesake(thesaurus, rng)


_DIRECTIONS = ("North", "South", "East", "West", "Upper", "Lower", "Old", "New", "Great", "Little")
_STREETS = {
    "Street": "St", "Avenue": "Ave", "Road": "Rd", "Lane": "Ln", "Drive": "Dr", "Court": "Ct",
    "Boulevard": "Blvd", "Place": "Pl", "Square": "Sq", "Way": "Way", "Terrace": "Ter",
}  # fmt: skip


def addresses(thesaurus: Thesaurus, rng: random.Random) -> tuple[list[str], Lookups]:
    """Return a dictionary of streets with house numbers."""
    numbered = rng.random() < 0.7

    def written(number: str, name: str, street: str) -> str:
        return " ".join([number, name, street] if numbered else [name, street])

    parts: dict[str, tuple[str, str, str]] = {}
    for _ in range(rng.choice((6, 10, 20))):
        one = str(rng.randint(1, 300)), _namesake(thesaurus, rng), rng.choice(list(_STREETS))
        parts[written(*one)] = one

    def same(key: str) -> str:
        number, name, street = parts[key]
        kind = rng.random()
        if kind < 0.5:
            street = rng.choice((_STREETS[street], f"{_STREETS[street]}.", street.lower()))
        if kind > 0.4 and len(name) > 3:
            name = mistype(name.lower(), rng).title()
        return written(number, name, street)

    def other(key: str) -> str:
        number, name, street = parts[key]
        kind = rng.random()
        if kind < 0.35:
            return written(number, f"{rng.choice(_DIRECTIONS)} {name}", street)
        if kind < 0.65:
            street = rng.choice([each for each in _STREETS if each != street])
            return written(number, name, street)
        return written(number, _other_namesake(name, thesaurus, rng), street)

    return _episode(list(parts), same, other, rng)


_INSTITUTIONS = {
    "University": "Univ.", "College": "Coll.", "Institute": "Inst.", "High School": "HS",
    "Hospital": "Hosp.", "Museum": "Museum", "Library": "Lib.", "Church": "Church",
    "Airport": "Airport", "Station": "Stn",
}  # fmt: skip
_RANKS = (
    "State", "Technical", "Medical", "National", "Royal", "Central", "International", "Polytechnic",
    "Northern", "Southern", "Eastern", "Western", "North", "South", "West", "East", "New",
    "Queen's", "King's", "Christian", "Catholic", "Military", "Naval", "General", "Community",
    "Children's",
)  # fmt: skip


def institutions(thesaurus: Thesaurus, rng: random.Random) -> tuple[list[str], Lookups]:
    """Return a dictionary of universities, hospitals and the like, named after places or people."""
    institution = rng.choice(list(_INSTITUTIONS))
    mixed = rng.random() < 0.3

    parts: dict[str, tuple[str, str, str]] = {}
    for _ in range(rng.choice((6, 10, 20))):
        rank = rng.choice(_RANKS) if rng.random() < 0.3 else ""
        one = (
            _namesake(thesaurus, rng),
            rank,
            rng.choice(list(_INSTITUTIONS)) if mixed else institution,
        )
        parts[_institution(*one, rng)] = one

    def same(key: str) -> str:
        name, rank, kind = parts[key]
        chance = rng.random()
        if chance < 0.4 and len(name) > 3:
            return key.replace(name, mistype(name.lower(), rng).title())
        if chance < 0.6:
            return f"The {key}"
        if chance < 0.8:
            return key.replace(kind, _INSTITUTIONS[kind])
        return _institution(name, rank, kind, rng)

    def other(key: str) -> str:
        name, rank, kind = parts[key]
        chance = rng.random()
        if chance < 0.45:  # "Indiana State University" is not "Indiana University"
            rank = rng.choice([each for each in _RANKS if each != rank] + [""] * (5 * bool(rank)))
        elif chance < 0.65:
            kind = rng.choice([each for each in _INSTITUTIONS if each != kind])
        elif chance < 0.85:
            name = _other_namesake(name, thesaurus, rng)
        else:
            return rng.choice((kind, f"{rank} {kind}".strip(), name))
        return _institution(name, rank, kind, rng)

    return _episode(list(parts), same, other, rng)


def _institution(name: str, rank: str, kind: str, rng: random.Random) -> str:
    if not rank and rng.random() < 0.3:
        return f"{kind} of {name}"
    return " ".join(part for part in (name, rank, kind) if part)
