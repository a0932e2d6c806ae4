"""Queries that mean no key: siblings, unrelated words, phrases that share a word with a key."""

import random
import string
from collections.abc import Sequence

from fuzzydict.text.abbreviation import abbreviation
from fuzzydict.text.tokens import words as split_words
from fuzzydict.training.thesaurus import Thesaurus

__all__ = ["negative"]


def negative(
    keys: Sequence[str],
    related: set[str],
    pool: Sequence[str],
    thesaurus: Thesaurus,
    rng: random.Random,
) -> str | None:
    """Return a query that means no key, or None where the way that is drawn does not apply.

    It is of the same topics (``pool``), similar to a key, or unrelated to all; never one of the
    terms that are ``related`` to a key.
    """
    chance = rng.random()
    if chance < 0.05:
        return _gibberish(rng)
    if chance < 0.12:
        return _containing_letters(keys, related, thesaurus, rng)
    kind = rng.random()
    key = rng.choice(list(keys))
    parts = key.split()
    if kind < 0.1:
        term = rng.choice(thesaurus.terms)
    elif kind < 0.32:
        term = rng.choice(pool)
        if thesaurus.synonyms.get(term) and rng.random() < 0.5:
            term = rng.choice(thesaurus.synonyms[term])
    elif kind < 0.37:  # another word with a similar spelling: "head", "ahead"
        i = rng.randrange(len(parts))
        similar = thesaurus.lookalikes.get(parts[i])
        if not similar:
            return None
        parts[i] = rng.choice(similar)
        if parts[i] in related:
            return None
        term = " ".join(parts)
    elif kind < 0.4:
        term = rng.choice(thesaurus.glosses.get(rng.choice(thesaurus.terms)) or [""])
    elif kind < 0.57 or (kind < 0.9 and len(parts) < 2):
        found = [other for part in parts for other in thesaurus.siblings.get(part, ())]
        if not found:
            return None
        term = rng.choice(found)
    elif kind < 0.9:
        i = rng.randrange(len(parts))
        found = thesaurus.siblings.get(parts[i]) or thesaurus.terms
        other = rng.choice(found if rng.random() < 0.5 else thesaurus.terms)
        if other in thesaurus.related(parts[i]):
            return None
        parts[i] = other
        term = " ".join(parts)
    elif kind < 0.95 and thesaurus.compounds.get(parts[-1]):
        term = rng.choice(thesaurus.compounds[parts[-1]])  # "peanut butter" is not "butter"
    elif kind < 0.97:
        other = rng.choice(thesaurus.terms)
        term = f"{other} {key}" if rng.random() < 0.5 else f"{key} {other}"
    else:
        return _gibberish(rng)
    return None if term in related else term


_LETTERS = "etaoinshrdlcumwfgypbvk"


def _gibberish(rng: random.Random) -> str | None:
    """Return random letters, or random characters of any kind."""
    if rng.random() < 0.2:
        text = "".join(rng.choices(string.printable, k=rng.randint(1, 20)))
        return " ".join(text.split()) if split_words(text) else None
    letters = rng.choice((_LETTERS, string.ascii_lowercase, string.ascii_letters + string.digits))
    count = rng.choice((1, 1, 1, 2, 3))
    return " ".join("".join(rng.choices(letters, k=rng.randint(2, 12))) for _ in range(count))


def _containing_letters(
    keys: Sequence[str], related: set[str], thesaurus: Thesaurus, rng: random.Random
) -> str | None:
    """Return a term that contains the letters of a key in order: "colophony" is not "copy"."""
    short = [part for key in keys for part in split_words(key) if len(part) < 7]
    for term in rng.choices(thesaurus.terms, k=100):
        if term not in related and " " not in term:
            for part in short:
                if len(part) < len(term) and abbreviation(part, term):
                    return term
    return None
