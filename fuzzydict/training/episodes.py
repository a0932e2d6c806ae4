"""Lookups to fit the score on: small dictionaries and queries, made from WordNet and the lexicon.

A key is a word, a phrase, or two or three words put together as people name fields and commands.
A query is a key written otherwise (case, style, typing errors, inflection, abbreviation, synonym,
order, a word more or less), or something that the dictionary does not hold: an unrelated word, a
sibling, a phrase that shares a word with a key.
"""

import random
import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fuzzydict.text.spelling import abbreviation
from fuzzydict.text.tokens import words as split_words
from fuzzydict.training.thesaurus import Table, Thesaurus

__all__ = ["Episode", "episodes", "mistype"]


@dataclass(frozen=True)
class Episode:
    """A dictionary's keys, and queries with the position of the right key, or None."""

    keys: list[str]
    lookups: list[tuple[str, int | None]]


def episodes(thesaurus: Thesaurus, n: int, seed: int, *, single: bool = False) -> Iterator[Episode]:
    """Yield ``n`` episodes, the same ones for the same seed and thesaurus.

    With ``single`` every key is a word or a phrase of the thesaurus, none is put together.
    """
    rng = random.Random(seed)
    for _ in range(n):
        yield _episode(thesaurus, rng, single)


def _episode(thesaurus: Thesaurus, rng: random.Random, single: bool) -> Episode:
    size = rng.choice((6, 12, 12, 20, 25, 30, 40))
    phrases: dict[str, None] = {}
    # Half of the keys are of one or two topics, as in real dictionaries, so that they are close.
    topics = [_topic(thesaurus, rng) for _ in range(3)]
    pool = [term for topic in topics for term in topic]
    composed = 0.0 if single else rng.choice((0.0, 0.3, 0.6, 0.9))
    family = rng.choice((0.0, 0.0, 0.0, 0.1, 0.8))  # "success" beside "successes", "access"
    heads = rng.sample(pool, min(4, len(pool)))
    while len(phrases) < size:
        term = rng.choice(pool) if rng.random() < 0.6 else rng.choice(thesaurus.terms)
        if rng.random() < composed and " " not in term:
            parts = [term, rng.choice(heads) if rng.random() < 0.5 else rng.choice(thesaurus.terms)]
            if rng.random() < 0.2:
                parts.append(rng.choice(pool))
            rng.shuffle(parts)
            term = " ".join(" ".join(parts).split()[:4])
        if any(_same(term, other) for other in phrases):
            continue
        phrases[term] = None
        if rng.random() < family:
            for other in _relatives(term, thesaurus, rng):
                if not any(_same(other, key) for key in phrases):
                    phrases[other] = None
    keys = list(phrases)
    # A few keys are names in full style, and may be asked for by the name alone.
    plain = {_entitled(key, rng): key for key in keys if not single and rng.random() < 0.03}
    full = {key: title for title, key in plain.items()}
    keys = [full.get(key, key) for key in keys]
    theme = [] if single or rng.random() < 0.5 else _theme(rng.choice(heads), phrases, rng)
    keys = [_themed(key, theme, rng) if theme and rng.random() < 0.3 else key for key in keys]
    keys = list({"".join(split_words(key)): key for key in keys}.values())
    size = len(keys)
    style = _spaced if single else rng.choice(_STYLES)
    near = set().union(*(thesaurus.near(part) for key in keys for part in _parts(key, thesaurus)))
    lookups: list[tuple[str, int | None]] = []
    for position in rng.sample(range(size), min(size, 12)):
        asked: str | None
        if keys[position] in plain and rng.random() < 0.6:
            asked = plain[keys[position]]
        elif theme and rng.random() < 0.3:
            asked = _rethemed(keys[position], theme, rng)
        else:
            asked = _rewritten(keys[position], thesaurus, rng)
        if asked and not any(_same(asked, key) for i, key in enumerate(keys) if i != position):
            lookups.append((asked, position))
    for _ in range(max(1, round(0.6 * len(lookups)))):
        asked = _other(keys, near, pool, thesaurus, rng)
        if asked and not any(_same(asked, key) for key in keys):
            lookups.append((_respelled(asked, rng), None))
    if not single and rng.random() < 0.08:
        keys, lookups = _asked(keys, lookups, rng)
    return Episode([style(key) for key in keys], lookups)


_QUESTIONS = (
    "how do I {}", "how can I {}", "what is my {}", "where is the {}", "can you {}", "I want to {}",
    "please {}", "how to {}", "is there a {}", "do you {}", "why is my {}", "when will the {}",
    "can I {}", "I need help with {}", "{} does not work", "tell me about {}", "show me the {}",
)  # fmt: skip


def _asked(
    keys: Sequence[str], lookups: Sequence[tuple[str, int | None]], rng: random.Random
) -> tuple[list[str], list[tuple[str, int | None]]]:
    """Put keys and queries as people put questions: most of their words then say nothing."""
    frames = rng.sample(_QUESTIONS, 4)
    return (
        [rng.choice(frames).format(key) for key in keys],
        [(rng.choice(_QUESTIONS).format(query), right) for query, right in lookups],
    )


def _theme(head: str, phrases: Iterable[str], rng: random.Random) -> list[str]:
    """Return one to three words that many keys of the dictionary share, and so say little."""
    words = head.split()
    words += [rng.choice(list(phrases)).split()[0] for _ in range(rng.choice((0, 0, 1, 2)))]
    return list(dict.fromkeys(words))


def _themed(key: str, theme: Sequence[str], rng: random.Random) -> str:
    words = " ".join(rng.sample(theme, rng.randint(1, len(theme))))
    if words in key:
        return key
    return rng.choice((f"{words} {key}", f"{words} {key}", f"{words} of {key}", f"{key} {words}"))


def _rethemed(key: str, theme: Sequence[str], rng: random.Random) -> str:
    """Return the key without the words of the theme that it has, or with some that it has not."""
    rest = " ".join(word for word in key.split() if word not in theme and word != "of")
    return rest if rest and rest != key else _themed(key, theme, rng)


def _topic(thesaurus: Thesaurus, rng: random.Random) -> list[str]:
    return rng.choice(thesaurus.fields if rng.random() < 0.7 else thesaurus.topics)


def _relatives(term: str, thesaurus: Thesaurus, rng: random.Random) -> list[str]:
    """Return a few words that look like the term: others of its family, inflections of it."""
    others = thesaurus.derived.get(term, []) + thesaurus.alike.get(term, [])
    others += [_plural(term), _past(term), _going(term), term + "ly", "un" + term]
    return rng.sample(others, rng.randint(1, 4))


def _same(one: str, other: str) -> bool:
    return "".join(split_words(one)) == "".join(split_words(other))


def _parts(key: str, thesaurus: Thesaurus) -> list[str]:
    """Return the terms that a key is made of: itself if it is one, else its words."""
    known = key in thesaurus.synonyms or key in thesaurus.broader
    return [key] if known else [key, *key.split()]


# Queries that mean a key.


def _rewritten(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    ways: tuple[tuple[float, Callable[[str, Thesaurus, random.Random], str | None]], ...] = (
        (1.0, _restyled),
        (3.0, _mistyped),
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
        (1.0, lambda key, _, rng: _entitled(key, rng)),
    )
    (way,) = rng.choices([way for _, way in ways], [weight for weight, _ in ways])
    query = way(key, thesaurus, rng)
    if not query or query == key:
        return None
    if rng.random() < 0.15:
        query = _mistyped(query, thesaurus, rng) or query
    return _respelled(query, rng)


def _restyled(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    return rng.choice((*_STYLES, _joined))(key)


def _mistyped(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    parts = key.split()
    long = [i for i, part in enumerate(parts) if len(part) > 3]
    if not long:
        return None
    i = rng.choice(long)
    for _ in range(rng.choice((1, 1, 1, 1, 2))):
        parts[i] = mistype(parts[i], rng)
    return " ".join(parts)


_NEIGHBOURS = {
    letter: "".join(
        row[i]
        for row, shift in (("qwertyuiop", 0), ("asdfghjkl", 0), ("zxcvbnm", 0))
        for i in range(len(row))
        if abs(i - place) <= 1 and row[i] != letter
    )
    for letters in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
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
    parts[i] = rng.choice((_plural, _plural, _past, _going))(parts[i])
    return " ".join(parts)


def _plural(word: str) -> str:
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "z")) else "s")


def _past(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    return word[:-1] + "ied" if word.endswith("y") and word[-2] not in "aeiou" else word + "ed"


def _going(word: str) -> str:
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
    "current {}", "{} number", "your {}", "{} details", "show {}", "{} setting", "total {}",
    "{} of the product", "user {}", "{} please", "set the {}", "new {}", "{} type", "{} level",
)  # fmt: skip


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


def _entitled(key: str, rng: random.Random) -> str:
    """Return the key in the full style of a state or an institution."""
    title = " ".join([*rng.sample(_RANKS, rng.choice((0, 0, 1, 2, 3))), rng.choice(_TITLES)])
    frame = rng.choice(("{} of {}", "{} of the {}", "{1} {0}", "{1}, {0} of"))
    return frame.format(title, key)


def _shorter(key: str, thesaurus: Thesaurus, rng: random.Random) -> str | None:
    parts = key.split()
    if len(parts) < 2:
        return None
    parts.pop(rng.choice((0, 0, len(parts) - 1)))
    return " ".join(parts)


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


# Queries that mean no key.


def _other(
    keys: Sequence[str],
    near: set[str],
    pool: Sequence[str],
    thesaurus: Thesaurus,
    rng: random.Random,
) -> str | None:
    """Return what no key means: of the same topics (``pool``), near a key, or far from all."""
    stray = rng.random()
    if stray < 0.05:
        return _gibberish(rng)
    if stray < 0.12:
        return _containing(keys, near, thesaurus, rng)
    kind = rng.random()
    key = rng.choice(list(keys))
    parts = key.split()
    if kind < 0.1:
        term = rng.choice(thesaurus.terms)
    elif kind < 0.32:
        term = rng.choice(pool)
        if thesaurus.synonyms.get(term) and rng.random() < 0.5:
            term = rng.choice(thesaurus.synonyms[term])
    elif kind < 0.37:  # a word of its own that is written like one of a key: "head", "ahead"
        i = rng.randrange(len(parts))
        alike = thesaurus.alike.get(parts[i])
        if not alike:
            return None
        parts[i] = rng.choice(alike)
        if parts[i] in near:
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
        if other in thesaurus.near(parts[i]):
            return None
        parts[i] = other
        term = " ".join(parts)
    elif kind < 0.95 and thesaurus.compounds.get(parts[-1]):
        term = rng.choice(thesaurus.compounds[parts[-1]])  # "peanut butter" is no "butter"
    elif kind < 0.97:
        other = rng.choice(thesaurus.terms)
        term = f"{other} {key}" if rng.random() < 0.5 else f"{key} {other}"
    else:
        return _gibberish(rng)
    return None if term in near else term


_LETTERS = "etaoinshrdlcumwfgypbvk"


def _gibberish(rng: random.Random) -> str | None:
    """Return letters that are no words, some with any marks among them."""
    if rng.random() < 0.2:
        text = "".join(rng.choices(string.printable, k=rng.randint(1, 20)))
        return " ".join(text.split()) if split_words(text) else None
    letters = rng.choice((_LETTERS, string.ascii_lowercase, string.ascii_letters + string.digits))
    count = rng.choice((1, 1, 1, 2, 3))
    return " ".join("".join(rng.choices(letters, k=rng.randint(2, 12))) for _ in range(count))


def _containing(
    keys: Sequence[str], near: set[str], thesaurus: Thesaurus, rng: random.Random
) -> str | None:
    """Return a term in which the letters of a key stand in order: "colophony" is no "copy"."""
    short = [part for key in keys for part in split_words(key) if len(part) < 7]
    for term in rng.choices(thesaurus.terms, k=100):
        if term not in near and " " not in term:
            for part in short:
                if len(part) < len(term) and abbreviation(part, term):
                    return term
    return None


# Ways to write a name.


def _spaced(key: str) -> str:
    return key


def _snake(key: str) -> str:
    return key.replace(" ", "_")


def _kebab(key: str) -> str:
    return key.replace(" ", "-")


def _camel(key: str) -> str:
    first, *rest = key.split()
    return first + "".join(part.capitalize() for part in rest)


def _pascal(key: str) -> str:
    return "".join(part.capitalize() for part in key.split())


def _upper(key: str) -> str:
    return key.replace(" ", "_").upper()


def _title(key: str) -> str:
    return key.title()


def _joined(key: str) -> str:
    return key.replace(" ", "")


_STYLES = (_spaced, _spaced, _snake, _kebab, _camel, _pascal, _upper, _title)


def _respelled(query: str, rng: random.Random) -> str:
    return rng.choice(_STYLES)(query) if rng.random() < 0.4 else query
