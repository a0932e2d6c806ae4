"""Queries that mean no key: siblings, unrelated words, phrases that share a word with a key."""

import random
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fuzzydict.text import spelling
from fuzzydict.text.abbreviation import abbreviation
from fuzzydict.text.tokens import words as split_words
from fuzzydict.training.rewriting import ADDS_NOTHING
from fuzzydict.training.thesaurus import Thesaurus

__all__ = ["ESSENTIAL", "Surroundings", "negative"]


class Surroundings(NamedTuple):
    """What a query that means no key must be unlike, and what it is made from."""

    keys: Sequence[str]
    related: set[str]  # terms that may mean a key
    pool: Sequence[str]  # terms of the topics of the keys
    thesaurus: Thesaurus


def negative(near: Surroundings, rng: random.Random) -> str | None:
    """Return a query that means no key, or None where the way that is drawn does not apply.

    It is of the same topics, similar to a key, or unrelated to all; never one of the terms that are
    related to a key.
    """
    ways: tuple[tuple[float, Callable[[str, Surroundings, random.Random], str | None]], ...] = (
        (7, _gibberish),
        (6, _containing_letters),
        (9, _unrelated),
        (18, _of_topic),
        (9, _lookalike),
        (7, _too_far),
        (3, _gloss),
        (16, _sibling),
        (14, _with_other_word),
        (6, _compound),
        (13, _with_head),
        (6, _with_modifier),
        (9, _part),
        (4, _numbered),
    )
    (way,) = rng.choices([way for _, way in ways], [weight for weight, _ in ways])
    term = way(rng.choice(near.keys), near, rng)
    return None if term in near.related else term


def _unrelated(key: str, near: Surroundings, rng: random.Random) -> str | None:
    return rng.choice(near.thesaurus.terms)


def _of_topic(key: str, near: Surroundings, rng: random.Random) -> str | None:
    term = rng.choice(near.pool)
    synonyms = near.thesaurus.synonyms.get(term)
    return rng.choice(synonyms) if synonyms and rng.random() < 0.5 else term


def _lookalike(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Replace a word by another one of similar spelling: "head" is not "ahead"."""
    parts = key.split()
    i = rng.randrange(len(parts))
    similar = near.thesaurus.lookalikes.get(parts[i])
    if not similar:
        return None
    parts[i] = rng.choice(similar)
    return None if parts[i] in near.related else " ".join(parts)


def _too_far(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Change more letters of a word than a typing error does: "Strix" is not "Stripe"."""
    parts = key.split()
    i = rng.randrange(len(parts))
    word = parts[i]
    if len(word) < 4:
        return None
    start = rng.choice((0, 1, 2, 3))  # the beginning is often the same
    for _ in range(max(2, round(0.35 * len(word)))):
        place, kind = rng.randrange(min(start, len(word) - 1), len(word)), rng.random()
        letter = rng.choice(_LETTERS)
        if kind < 0.4:
            word = word[:place] + letter + word[place + 1 :]
        elif kind < 0.75:
            word = word[:place] + letter + word[place:]
        elif len(word) > 3:
            word = word[:place] + word[place + 1 :]
    if spelling.ratios(word, [parts[i]])[0] > 0.85:
        return None
    parts[i] = word
    return None if word in near.related else " ".join(parts)


def _gloss(key: str, near: Surroundings, rng: random.Random) -> str | None:
    found = near.thesaurus.glosses.get(rng.choice(near.thesaurus.terms))
    return rng.choice(found) if found else None


def _sibling(key: str, near: Surroundings, rng: random.Random) -> str | None:
    table = near.thesaurus.siblings
    found = [*table.get(key, ()), *(other for part in key.split() for other in table.get(part, ()))]
    return rng.choice(found) if found else None


def _with_other_word(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Replace a word by one of another key, a sibling, or any: "user name" is not "user id"."""
    parts = key.split()
    if len(parts) < 2:
        return _sibling(key, near, rng)
    thesaurus = near.thesaurus
    i, kind = rng.randrange(len(parts)), rng.random()
    if kind < 0.4:
        other = rng.choice(rng.choice(near.keys).split())
    else:
        found = thesaurus.siblings.get(parts[i]) or thesaurus.terms
        other = rng.choice(found if kind < 0.7 else thesaurus.terms)
    if other in thesaurus.related(parts[i]):
        return None
    parts[i] = other
    return " ".join(parts)


def _compound(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Return a compound of which a key is the head: "peanut butter" is not "butter"."""
    found = near.thesaurus.compounds.get(key.split()[-1])
    return rng.choice(found) if found else None


ESSENTIAL = (
    "north", "south", "east", "west", "northern", "southern", "eastern", "western", "new", "old",
    "deputy", "vice", "assistant", "associate", "acting", "former", "junior", "senior", "chief",
    "upper", "lower", "inner", "outer", "left", "right", "front", "rear", "back", "top", "bottom",
    "mini", "micro", "mega", "super", "ultra", "max", "min", "pro", "plus", "lite", "double",
    "half", "total", "average", "net", "gross", "primary", "secondary", "early", "late", "great",
    "little", "big", "small", "red", "black", "white", "blue", "green", "pre", "post", "anti",
    "next", "previous", "last", "first", "second", "third", "temporary", "virtual", "remote",
    "local", "global", "public", "private", "internal", "external", "default", "custom", "test",
    "all", "every",
)  # fmt: skip
"""Modifiers that make a thing another one."""

_ATTRIBUTES = (
    "count", "size", "list", "status", "date", "limit", "rate", "history", "owner", "policy",
    "error", "template", "group", "color", "length", "width", "label", "cost", "price", "tax",
    "budget", "plan", "author", "manager", "agent", "service", "factory", "test", "key", "id",
    "index", "cache", "queue", "log", "file", "folder", "table", "version", "update", "request",
    "reply", "report", "rule", "code", "change", "season", "club", "holder", "box", "case", "bag",
    "cover", "stand", "shop", "store", "machine", "maker", "oil", "soup", "bread", "pie", "juice",
    "cake", "tree", "house", "room", "park", "street", "bridge", "station", "school", "insurance",
    "consent", "increase", "failure", "permission", "filter", "format", "mode", "ratio", "source",
)  # fmt: skip


def _with_head(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Make a key describe another thing: "phone case" is no phone."""
    chance = rng.random()
    if chance < 0.6:
        head = rng.choice(_ATTRIBUTES)
    else:
        head = rng.choice(near.pool if chance < 0.8 else near.thesaurus.terms)
    term = f"{head} of {rng.choice(('', 'the '))}{key}" if rng.random() < 0.25 else f"{key} {head}"
    if head in key.split() or head in ADDS_NOTHING or head in near.related:
        return None
    return term


def _with_modifier(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Make a key another one of its kind: "deputy director" is no "director"."""
    parts = key.split()
    modifier = rng.choice(ESSENTIAL if rng.random() < 0.6 else near.thesaurus.terms)
    place = rng.randrange(len(parts)) if rng.random() < 0.5 else 0
    return " ".join([*parts[:place], modifier, *parts[place:]])


def _part(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Return what describes a key, without its head, or the head of an idiom.

    A mouse is no "mouse pad", and cream no "ice cream", but the key "sports car" may be what is
    meant by "car".
    """
    parts = key.split()
    if len(parts) < 2:
        return None
    if key in near.thesaurus.synonyms and rng.random() < 0.3:
        return parts[-1]
    return None if parts[-1] in ADDS_NOTHING else " ".join(parts[:-1])


def _numbered(key: str, near: Surroundings, rng: random.Random) -> str | None:
    return f"{key} {rng.choice(('2', '3', '4', '7', '10', '15', '2000', 'II', 'III', 'IV'))}"


_LETTERS = "etaoinshrdlcumwfgypbvk"


def _gibberish(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Return random letters, or random characters of any kind."""
    if rng.random() < 0.2:
        text = "".join(rng.choices(string.printable, k=rng.randint(1, 20)))
        return " ".join(text.split()) if split_words(text) else None
    letters = rng.choice((_LETTERS, string.ascii_lowercase, string.ascii_letters + string.digits))
    count = rng.choice((1, 1, 1, 2, 3))
    return " ".join("".join(rng.choices(letters, k=rng.randint(2, 12))) for _ in range(count))


def _containing_letters(key: str, near: Surroundings, rng: random.Random) -> str | None:
    """Return a term that contains the letters of a key in order: "colophony" is not "copy"."""
    short = [part for key in near.keys for part in split_words(key) if len(part) < 7]
    for term in rng.choices(near.thesaurus.terms, k=100):
        if term not in near.related and " " not in term:
            for part in short:
                if len(part) < len(term) and abbreviation(part, term):
                    return term
    return None
