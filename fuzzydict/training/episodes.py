"""Episodes to fit the scorer on: small dictionaries with queries, made from a thesaurus.

A key is a word, a phrase, or a compound of two or three words as in names of fields and commands.
A query is a key written differently (`rewriting`), or means none of the keys (`negatives`).
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fuzzydict.text.tokens import words as split_words
from fuzzydict.training.entities import addresses, codes, companies, institutions, people
from fuzzydict.training.negatives import Surroundings, negative
from fuzzydict.training.questions import questions
from fuzzydict.training.rewriting import (
    entitled,
    past_tense,
    plural,
    present_participle,
    rewritten,
)
from fuzzydict.training.styles import STYLES, restyled
from fuzzydict.training.thesaurus import Thesaurus

__all__ = ["Episode", "episodes"]

_QUERIES = 12  # of an episode, at most, that mean a key
_SPECIAL = 0.14  # episodes of names or of long questions


@dataclass(frozen=True)
class Episode:
    """A dictionary's keys, and queries with the position of the correct key, or None."""

    keys: list[str]
    lookups: list[tuple[str, int | None]]


def episodes(thesaurus: Thesaurus, n: int, seed: int, *, single: bool = False) -> Iterator[Episode]:
    """Yield ``n`` episodes, the same ones for the same seed and thesaurus.

    With ``single`` every key is a word or a phrase of the thesaurus, without compounds.
    """
    rng = random.Random(seed)
    special = codes, people, companies, addresses, institutions, questions, questions
    for _ in range(n):
        if single:
            yield _single_episode(thesaurus, rng)
        elif rng.random() < _SPECIAL:
            yield Episode(*rng.choice(special)(thesaurus, rng))
        else:
            yield _episode(thesaurus, rng)


def _single_episode(thesaurus: Thesaurus, rng: random.Random) -> Episode:
    keys, pool, _ = _terms(thesaurus, rng, (0.0,))
    keys = _unique(keys)
    return Episode(keys, _lookups(keys, {}, [], pool, thesaurus, rng))


def _episode(thesaurus: Thesaurus, rng: random.Random) -> Episode:
    terms, pool, heads = _terms(thesaurus, rng, (0.0, 0.3, 0.6, 0.9))
    # A few keys are full names ("republic of peru"), which queries may shorten to the name alone.
    plain = {entitled(key, rng): key for key in terms if rng.random() < 0.03}
    full = {key: title for title, key in plain.items()}
    keys = [full.get(key, key) for key in terms]
    keys = [_numbered(key, rng) if rng.random() < 0.04 else key for key in keys]
    theme = [] if rng.random() < 0.5 else _theme(rng.choice(heads), terms, rng)
    keys = [_with_theme(key, theme, rng) if theme and rng.random() < 0.3 else key for key in keys]
    keys = _unique(keys)
    style = rng.choice(STYLES)
    lookups = _lookups(keys, plain, theme, pool, thesaurus, rng)
    if rng.random() < 0.08:
        keys, lookups = _as_questions(keys, lookups, rng)
    return Episode([style(key) for key in keys], lookups)


def _terms(
    thesaurus: Thesaurus, rng: random.Random, compounds: Sequence[float]
) -> tuple[list[str], list[str], list[str]]:
    """Return keys, the terms of their topics, and the words that compounds have in common.

    ``compounds`` are shares of keys that are compounds, one of which is chosen.
    """
    size = rng.choice((6, 12, 12, 20, 25, 30, 40))
    found: dict[str, None] = {}
    # Most keys are of a few topics, as in real dictionaries, so that their meanings are similar.
    pool = [term for _ in range(3) for term in _topic(thesaurus, rng)]
    composed = rng.choice(compounds)
    family = rng.choice((0.0, 0.0, 0.0, 0.1, 0.8))  # "success" beside "successes", "access"
    heads = rng.sample(pool, min(4, len(pool)))
    while len(found) < size:
        term = rng.choice(pool) if rng.random() < 0.6 else rng.choice(thesaurus.terms)
        if rng.random() < composed and " " not in term:
            parts = [term, rng.choice(heads) if rng.random() < 0.5 else rng.choice(thesaurus.terms)]
            if rng.random() < 0.2:
                parts.append(rng.choice(pool))
            rng.shuffle(parts)
            term = " ".join(" ".join(parts).split()[:4])
        if any(_same(term, other) for other in found):
            continue
        found[term] = None
        if rng.random() < family:
            for other in _relatives(term, thesaurus, rng):
                if not any(_same(other, key) for key in found):
                    found[other] = None
    return list(found), pool, heads


def _lookups(
    keys: Sequence[str],
    plain: dict[str, str],
    theme: Sequence[str],
    pool: Sequence[str],
    thesaurus: Thesaurus,
    rng: random.Random,
) -> list[tuple[str, int | None]]:
    """Return queries with the positions of their keys, then queries that mean no key."""
    related = set().union(
        *(thesaurus.related(part) for key in keys for part in _parts(key, thesaurus))
    )
    lookups: list[tuple[str, int | None]] = []
    for position in rng.sample(range(len(keys)), min(len(keys), _QUERIES)):
        key = keys[position]
        query: str | None
        if rng.random() < 0.7 and (renumbered := _renumbered(key, rng)):
            query = renumbered
        elif key in plain and rng.random() < 0.6:
            query = plain[key]
        elif theme and rng.random() < 0.3:
            query = _without_theme(key, theme, rng)
        else:
            query = rewritten(key, thesaurus, rng)
        if query and not any(_same(query, other) for i, other in enumerate(keys) if i != position):
            lookups.append((query, position))
    near = Surroundings(keys, related, pool, thesaurus)
    for _ in range(max(1, round(0.6 * len(lookups)))):
        query = negative(near, rng)
        if query and not any(_same(query, key) for key in keys):
            lookups.append((restyled(query, rng), None))
    return lookups


_QUESTIONS = (
    "how do I {}", "how can I {}", "what is my {}", "where is the {}", "can you {}", "I want to {}",
    "please {}", "how to {}", "is there a {}", "do you {}", "why is my {}", "when will the {}",
    "can I {}", "I need help with {}", "{} does not work", "tell me about {}", "show me the {}",
)  # fmt: skip


def _as_questions(
    keys: Sequence[str], lookups: Sequence[tuple[str, int | None]], rng: random.Random
) -> tuple[list[str], list[tuple[str, int | None]]]:
    """Phrase keys and queries as questions, most of whose words carry no meaning."""
    frames = rng.sample(_QUESTIONS, 4)
    return (
        [rng.choice(frames).format(key) for key in keys],
        [(rng.choice(_QUESTIONS).format(query), correct) for query, correct in lookups],
    )


_NUMBERS = (
    ("1", "I", "one"), ("2", "II", "two"), ("3", "III", "three"), ("4", "IV", "four"),
    ("5", "V", "five"), ("6", "VI", "six"), ("7", "VII", "seven"), ("8", "VIII", "eight"),
)  # fmt: skip


def _numbered(key: str, rng: random.Random) -> str:
    """Return the key with a number behind it, which queries write in another way."""
    return f"{key} {rng.choice(rng.choice(_NUMBERS))}"


def _renumbered(key: str, rng: random.Random) -> str | None:
    """Return the key with its number written in another way, or None if it has none."""
    rest, _, number = key.rpartition(" ")
    for forms in _NUMBERS:
        if number in forms and rest:
            return f"{rest} {rng.choice([form for form in forms if form != number])}"
    return None


def _theme(head: str, phrases: Iterable[str], rng: random.Random) -> list[str]:
    """Return one to three words that many keys have in common, so they say little."""
    words = head.split()
    words += [rng.choice(list(phrases)).split()[0] for _ in range(rng.choice((0, 0, 1, 2)))]
    return list(dict.fromkeys(words))


def _with_theme(key: str, theme: Sequence[str], rng: random.Random) -> str:
    words = " ".join(rng.sample(theme, rng.randint(1, len(theme))))
    if words in key:
        return key
    return rng.choice((f"{words} {key}", f"{words} {key}", f"{words} of {key}", f"{key} {words}"))


def _without_theme(key: str, theme: Sequence[str], rng: random.Random) -> str:
    """Return the key without the words of the theme, or with them if it has none."""
    rest = " ".join(word for word in key.split() if word not in theme and word != "of")
    return rest if rest and rest != key else _with_theme(key, theme, rng)


def _topic(thesaurus: Thesaurus, rng: random.Random) -> list[str]:
    kind = rng.random()
    if kind < 0.58:
        return rng.choice(thesaurus.fields)
    if kind < 0.79:
        return rng.choice(thesaurus.topics)
    return rng.choice(thesaurus.names if kind < 0.91 else thesaurus.rare)


def _relatives(term: str, thesaurus: Thesaurus, rng: random.Random) -> list[str]:
    """Return a few words that are spelled like the term: derived words and inflections."""
    others = thesaurus.derived.get(term, []) + thesaurus.lookalikes.get(term, [])
    others += [plural(term), past_tense(term), present_participle(term), term + "ly", "un" + term]
    return rng.sample(others, rng.randint(1, 4))


def _same(one: str, other: str) -> bool:
    return "".join(split_words(one)) == "".join(split_words(other))


def _unique(keys: Iterable[str]) -> list[str]:
    return list({"".join(split_words(key)): key for key in keys}.values())


def _parts(key: str, thesaurus: Thesaurus) -> list[str]:
    """Return the terms that a key consists of: itself, and its words unless it is one term."""
    is_term = key in thesaurus.synonyms or key in thesaurus.broader
    return [key] if is_term else [key, *key.split()]
