"""Queries that mean a key: the key mistyped, inflected, abbreviated, as a synonym, reordered."""

import random
import re
from collections.abc import Callable

from fuzzydict.training.styles import STYLES, joined, restyled
from fuzzydict.training.thesaurus import Table, Thesaurus

__all__ = [
    "ADDS_NOTHING",
    "entitled",
    "mistype",
    "past_tense",
    "plural",
    "present_participle",
    "rewritten",
    "slipped",
]


def rewritten(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    """Return the key written differently, or None where the way that is drawn does not apply."""
    ways: tuple[tuple[float, Callable[[str, Thesaurus, random.Random], str | None]], ...] = (
        (1.0, _in_a_style),
        (3.5, _mistyped),
        (1.4, _slipped),
        (1.5, _inflected),
        (2.5, _abbreviated),
        (5.0, _by_synonym),
        (0.8, _by_broader),
        (1.0, _by_derived),
        (1.0, _reordered),
        (1.0, _longer),
        (0.7, _shorter),
        (1.2, _british),
        (1.0, _by_gloss),
        (1.0, lambda key, _, rng: entitled(key, rng)),
    )
    (way,) = rng.choices([way for _, way in ways], [weight for weight, _ in ways])
    query = way(key, thesaurus, rng)
    if not query or query == key:
        return None
    if rng.random() < 0.15:
        query = _mistyped(query, thesaurus, rng) or query
    return restyled(query, rng)


def _in_a_style(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    return rng.choice((*STYLES, joined))(key)


def _mistyped(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    """Mistype a word of the key, of which an error must not make another word."""
    parts = key.split()
    long = [i for i, part in enumerate(parts) if len(part) > 2]
    if not long:
        return None
    i = rng.choice(long)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3)) if len(parts[i]) > 6 else 1):
        parts[i] = mistype(parts[i], rng)
    return None if parts[i] in thesaurus.synonyms else " ".join(parts)


def _slipped(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    """Mistype a short word of the key: "prot" for "port"."""
    parts = key.split()
    short = [i for i, part in enumerate(parts) if 1 < len(part) < 6]
    if not short:
        return None
    i = rng.choice(short)
    parts[i] = slipped(parts[i], rng)
    return None if parts[i] in thesaurus.synonyms else " ".join(parts)


def slipped(word: str, rng: random.Random) -> str:
    """Return a word of two letters or more with a slip of the finger, such as a transposition."""
    place, kind = rng.randrange(len(word) - 1), rng.random()
    if kind < 0.5 or len(word) == 2:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind < 0.7:
        return word[:place] + word[place] + word[place:]
    if kind < 0.85:
        near = rng.choice(_NEIGHBOURS.get(word[place + 1], "e"))
        return word[: place + 1] + near + word[place + 2 :]
    return word[: place + 1] + word[place + 2 :]


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    letter: "".join(
        row[i] for row in _ROWS for i in range(len(row)) if abs(i - place) <= 1 and row[i] != letter
    )
    for letters in _ROWS
    for place, letter in enumerate(letters)
}
_SOUNDS = (
    ("ie", "ei"), ("ei", "ie"), ("ph", "f"), ("c", "s"), ("s", "c"), ("a", "e"), ("e", "a"),
    ("i", "e"), ("e", "i"), ("o", "u"), ("ance", "ence"), ("ence", "ance"), ("able", "ible"),
    ("ll", "l"), ("ss", "s"), ("mm", "m"), ("nn", "n"), ("l", "ll"), ("s", "ss"), ("m", "mm"),
    ("c", "k"), ("ck", "k"), ("y", "i"), ("tion", "sion"), ("ough", "uff"), ("gh", "g"),
)  # fmt: skip


def mistype(word: str, rng: random.Random) -> str:
    """Return the word with one typing or spelling error in it."""
    kind = rng.random()
    i = rng.randrange(0 if rng.random() < 0.15 else 1, len(word)) if len(word) > 1 else 0
    if kind < 0.25 and i + 1 < len(word):
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind < 0.45:
        return word[:i] + word[i + 1 :]
    if kind < 0.55:
        return word[:i] + word[i] + word[i:]
    if kind < 0.7:
        return word[:i] + rng.choice(_NEIGHBOURS.get(word[i], "e")) + word[i:]
    if kind < 0.82:
        return word[:i] + rng.choice(_NEIGHBOURS.get(word[i], "e")) + word[i + 1 :]
    found = [(a, b) for a, b in _SOUNDS if a in word[1:]]
    if not found:
        return word[:i] + word[i + 1 :]
    a, b = rng.choice(found)
    place = rng.choice([m.start() for m in re.finditer(a, word)])
    return word[:place] + b + word[place + len(a) :]


def _inflected(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    parts = key.split()
    i = rng.choice((len(parts) - 1, rng.randrange(len(parts))))
    if len(parts[i]) < 3:
        return None
    parts[i] = rng.choice((plural, plural, past_tense, present_participle))(parts[i])
    return " ".join(parts)


def plural(word: str) -> str:
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "z")) else "s")


def past_tense(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    return word[:-1] + "ied" if word.endswith("y") and word[-2] not in "aeiou" else word + "ed"


def present_participle(word: str) -> str:
    return (word[:-1] if word.endswith("e") else word) + "ing"


def _abbreviated(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    parts = key.split()
    if len(parts) > 1 and rng.random() < 0.25:
        return "".join(part[0] for part in parts)
    share = rng.choice((0.4, 0.7, 1.0))
    short = [_short(part, rng) if rng.random() < share else part for part in parts]
    if len(parts) > 1 and rng.random() < 0.2:
        return parts[0][0] + "".join(short[1:])
    return " ".join(short) if short != parts else None


def _short(word: str, rng: random.Random) -> str:
    if len(word) < 5:
        return word
    bones = word[0] + re.sub("[aeiou]", "", word[1:])
    kind = rng.random()
    if kind < 0.45:
        return word[: rng.randint(3, min(5, len(word) - 2))]
    if kind < 0.65:
        return bones
    if kind < 0.8:
        return bones[: rng.randint(2, 4)]
    if kind < 0.9 and len(bones) > 3:
        return bones[0] + "".join(rng.sample(bones[1:-1], 1)) + bones[-1]
    return word[: rng.randint(2, 4)] + word[-1]


def _replaced(key: str, table: Table, rng: random.Random, whole: float) -> str | None:
    if table.get(key) and rng.random() < whole:
        return rng.choice(table[key])
    parts = key.split()
    order = list(range(len(parts)))
    rng.shuffle(order)
    for i in order:
        if table.get(parts[i]):
            parts[i] = rng.choice(table[parts[i]])
            return " ".join(parts)
    return None


def _by_synonym(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    return _replaced(key, thesaurus.synonyms, rng, 0.9)


def _by_broader(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    return _replaced(key, thesaurus.broader, rng, 0.9)


def _by_derived(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    return _replaced(key, thesaurus.derived, rng, 0.5)


def _reordered(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    parts = key.split()
    if len(parts) < 2:
        return None
    if rng.random() < 0.5:
        return f"{parts[-1]} {rng.choice(('of', 'of the', 'for'))} {' '.join(parts[:-1])}"
    return " ".join(parts[1:] + parts[:1])


def _by_gloss(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    found = thesaurus.glosses.get(key)
    return rng.choice(found) if found else None


_FRAMES = (
    "the {}", "my {}", "{} value", "{} name", "get {}", "{} field", "what is the {}", "{} info",
    "current {}", "{} number", "your {}", "{} details", "show {}", "{} setting", "this {}",
    "{} of the product", "user {}", "{} please", "set the {}", "new {}", "{} data", "{} parameter",
)  # fmt: skip
ADDS_NOTHING = frozenset(["value", "name", "field", "info", "number", "details", "setting", "data"])


def _longer(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    return rng.choice(_FRAMES).format(key)


_TITLES = (
    "republic", "kingdom", "state", "union", "federation", "commonwealth", "province", "region",
    "district", "county", "city", "territory", "university", "department", "ministry", "institute",
    "office", "bank", "council", "agency", "museum", "company", "club", "church",
)  # fmt: skip
_RANKS = (
    "democratic", "federal", "independent", "national", "united", "royal", "special", "general",
    "central", "people's", "international", "public", "free", "holy", "first", "grand",
)  # fmt: skip


def entitled(key: str, rng: random.Random) -> str:
    """Return the key in the full style of a state or an institution."""
    title = " ".join([*rng.sample(_RANKS, rng.choice((0, 0, 1, 2, 3))), rng.choice(_TITLES)])
    frame = rng.choice(("{} of {}", "{} of the {}", "{1} {0}", "{1}, {0} of"))
    return frame.format(title, key)


def _shorter(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    """Return the head alone ("address" of "delivery address"), unless the key is an idiom."""
    parts = key.split()
    if len(parts) > 1 and parts[-1] in ADDS_NOTHING:
        return " ".join(parts[:-1])
    if len(parts) < 2 or key in thesaurus.synonyms:
        return None
    return " ".join(parts[1:])


_BRITISH = (
    ("or", "our"), ("our", "or"), ("ize", "ise"), ("ise", "ize"), ("er", "re"), ("re", "er"),
    ("og", "ogue"), ("ense", "ence"), ("yze", "yse"), ("ization", "isation"), ("eling", "elling"),
    ("eled", "elled"), ("e", "ae"), ("ae", "e"),
)  # fmt: skip


def _british(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    found = [(a, b) for a, b in _BRITISH if re.search(f"[a-z]{{2}}{a}\\b", key)]
    if not found:
        return None
    a, b = rng.choice(found)
    return re.sub(f"(?<=[a-z]{{2}}){a}\\b", b, key, count=1)
