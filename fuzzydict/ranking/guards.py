"""Masks over keys: what a query can never mean, however near it is.

A guard is a function of the words of the query and the words of a key (as
`fuzzydict.text.tokens.words` splits them) that is true where the two must not match. Hard and soft
lookup obey the same guards.
"""

import functools
from collections.abc import Callable, Iterable

from fuzzydict.ranking.table import NUMBERS, OPPOSITES
from fuzzydict.resources import read_table
from fuzzydict.text.inflection import bases
from fuzzydict.text.tokens import compact

__all__ = ["DEFAULT", "Guard", "GuardSet", "Words", "numbers_differ", "opposites"]

Words = tuple[str, ...]
Guard = Callable[[Words, Words], bool]

_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()  # noqa: SIM905
_CARDINALS = "one two three four five six seven eight nine ten".split()  # noqa: SIM905
_NUMBERS = {
    word: str(number) for words in (_ORDINALS, _CARDINALS) for number, word in enumerate(words, 1)
}


def numbers_differ(query: Words, key: Words) -> bool:
    """Do both name numbers, and not the same ones?

    Leading zeros and the way of writing do not count: ``utf8`` is ``utf-8``, ``1st`` is ``first``.

    >>> numbers_differ(("q", "1"), ("q", "2")), numbers_differ(("room", "7"), ("room",))
    (True, False)
    """
    asked, said = _numbers(query)
    if not asked and not said:  # most queries: the key need not be looked at
        return False
    held, named = _numbers(key)
    if not asked and not held:
        return False
    asked, held = asked or said, held or named
    if not asked or not held or asked == held:
        return False
    if len(asked) == len(held) and all(map(_same_year, asked, held)):
        return False
    one_run = len(asked) == 1 or len(held) == 1  # "24/7" is written "247" too
    return not (one_run and "".join(asked) == "".join(held))


def _same_year(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (
        len(short) == 2 and len(long) == 4 and long in ("19" + short, "20" + short)
    )


@functools.lru_cache(maxsize=8192)
def _numbers(words: Words) -> tuple[list[str], list[str]]:
    """Return the numbers that are written in digits, and those in words."""
    digits = [word.lstrip("0") or "0" for word in words if word.isdigit()]
    return digits, [_NUMBERS[word] for word in words if word in _NUMBERS]


def opposites(query: Words, key: Words) -> bool:
    """Does a word of one mean the opposite of a word of the other, and neither have both?

    Texts of the same letters are the same.

    Opposites are WordNet's antonyms and the lexicon's, in any inflection; a word and the same
    word with a negating prefix; and pairs such as en/de, up/down, in/out inside of words.

    >>> opposites(("turn", "off"), ("turn", "on")), opposites(("login",), ("logout",))
    (True, True)
    >>> opposites(("on", "off"), ("off", "on"))
    False
    """
    if _opposites_of_all(query).isdisjoint(_forms_of_all(key)):
        return False
    if compact(query) == compact(key):
        return False
    held = frozenset().union(*(_forms(word) for word in _with_phrase(key) if word not in query))
    return any(
        not _opposites_of(word).isdisjoint(held) for word in _with_phrase(query) if word not in key
    )


def _with_phrase(words: Words) -> Words:
    """Return the words and the phrase that they make: "gross pay" has an opposite of its own."""
    return (*words, " ".join(words)) if len(words) > 1 else words


DEFAULT: tuple[Guard, ...] = (numbers_differ, opposites)


class GuardSet:
    """Guards of a dictionary: the built-in ones, which tables apply, and those of the user."""

    def __init__(self, guards: Iterable[Guard]) -> None:
        self.all = tuple(guards)
        numbers, antonyms = numbers_differ in self.all, opposites in self.all
        self.builtin = NUMBERS * numbers | OPPOSITES * antonyms
        self.custom = tuple(guard for guard in self.all if guard not in DEFAULT)

    def veto(self, query: Words, key: Words) -> bool:
        """Return True if any guard forbids the key."""
        return any(guard(query, key) for guard in self.all)

    def names(self, query: Words, key: Words) -> tuple[str, ...]:
        """Return the names of the guards that forbid the key."""
        return tuple(
            getattr(guard, "__name__", type(guard).__name__)
            for guard in self.all
            if guard(query, key)
        )


@functools.lru_cache(maxsize=1024)
def _opposites_of_all(words: Words) -> frozenset[str]:
    return frozenset().union(*map(_opposites_of, _with_phrase(words)))


@functools.lru_cache(maxsize=1 << 14)
def _forms_of_all(words: Words) -> frozenset[str]:
    return frozenset().union(*map(_forms, _with_phrase(words)))


@functools.lru_cache(maxsize=8192)
def _opposites_of(word: str) -> frozenset[str]:
    """Return the opposites of a word in their base forms."""
    table, forms = _table(), _forms(word)
    found = set(_TOO_SHORT.get(word, ()))
    for form in forms:
        found.update(table.get(form, ()))
        if form in _PARTICLES:
            found.add(_PARTICLES[form])
        if len(form) >= 3:
            found.update([prefix + form for prefix in _NEGATIONS])
        if form.startswith(_NEGATIONS):
            found.update(
                form[len(prefix) :]
                for prefix in _NEGATIONS
                if form.startswith(prefix) and len(form) >= len(prefix) + 4
            )
        if form.startswith(_SWAPPED):
            found.update(
                other + form[len(one) :]
                for one, other in _SWAPS
                if form.startswith(one) and len(form) >= len(one) + 3
            )
    return frozenset(found.difference(forms))


_TOO_SHORT = {"from": ["to"], "to": ["from"]}  # for the table
_NEGATIONS = ("un", "in", "im", "non", "dis", "de", "mis", "anti")
_PREFIXES = (
    ("en", "de"), ("en", "dis"), ("up", "down"), ("in", "out"), ("im", "ex"), ("in", "ex"),
    ("in", "de"), ("a", "de"), ("at", "de"), ("con", "dis"), ("over", "under"), ("pre", "post"),
    ("mini", "maxi"), ("sub", "super"), ("on", "off"), ("as", "des"), ("get", "set"),
)  # fmt: skip
_SWAPS = _PREFIXES + tuple((other, one) for one, other in _PREFIXES)
_SWAPPED = tuple(one for one, _ in _SWAPS)
_PARTICLES = {"in": "out", "out": "in", "on": "off", "off": "on", "up": "down", "down": "up"}


@functools.lru_cache(maxsize=32768)
def _forms(word: str) -> frozenset[str]:
    """Return the word, what it may be inflected from, and the particle that ends it ("log|out")."""
    if " " in word:
        return frozenset((word,))
    particles = [end for end in _PARTICLES if word.endswith(end) and len(word) >= len(end) + 3]
    return frozenset((word, *bases(word), *particles))


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    return read_table("opposites.tsv")
