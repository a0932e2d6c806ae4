"""Masks over keys: what a query can never mean, however near it is.

A guard is a function of the words of the query and the words of a key (as
`fuzzydict.text.tokens.words` splits them) that is true where the two must not match. Hard and soft
lookup obey the same guards.
"""

import functools
import itertools
from collections.abc import Callable, Iterable

from fuzzydict.ranking.table import GUARD_FLAGS
from fuzzydict.resources import read_table
from fuzzydict.text import word_order
from fuzzydict.text.inflection import bases
from fuzzydict.text.names import are_different_names
from fuzzydict.text.negation import negated
from fuzzydict.text.numbers import Number, named_numbers, numbers, same_number, unit
from fuzzydict.text.tokens import compact, is_number

__all__ = [
    "BUILTIN_FLAGS",
    "DEFAULT",
    "Guard",
    "GuardSet",
    "Words",
    "flags_of",
    "guard_name",
    "letters_differ",
    "names_differ",
    "negations_differ",
    "numbers_differ",
    "opposites",
    "order_differs",
    "units_differ",
]

Words = tuple[str, ...]
Guard = Callable[[Words, Words], bool]

_LONG = 4  # words of a text that may have one number more than the other
_RUN = 3  # digits that may be written without what separates them
_CODE = 2  # letters of a formula or code: NO2, B6
_NUMBERING = frozenset("abde")  # "5a", but not "5 c" or "5 m"


def numbers_differ(query: Words, key: Words) -> bool:
    """Do both name numbers, and not the same ones?

    The way of writing does not count: ``utf8`` is ``utf-8``, ``1st`` is ``first``, ``1.0`` is
    ``1``, 1 kg is 1000 g, Part 2 is Part II. Of two long texts one may have further numbers. Where
    one has a Roman numeral, or is a code such as "NO2", the other must have its number.

    >>> numbers_differ(("q", "1"), ("q", "2")), numbers_differ(("room", "7"), ("room",))
    (True, False)
    """
    of_query, of_key = numbers(query), numbers(key)
    if _named_numbers_differ(query, key):
        return True
    if not of_query and not of_key:
        return False
    of_query, of_key = of_query or named_numbers(query), of_key or named_numbers(key)
    if not of_query or not of_key:
        return _needs_its_numbers(query) or _needs_its_numbers(key)
    if _are_same(of_query, of_key):
        return False
    fewer, more = sorted((of_query, of_key), key=len)
    if min(len(query), len(key)) >= _LONG and _are_within(fewer, more):
        return False
    if any("." in number.text for number in of_query + of_key):
        return True
    # "24/7" is written "247" too, but "1/2" is not "12".
    if len(fewer) > 1 or len(more) == 1 or more[-1].place - more[0].place != len(more) - 1:
        return True
    digits = _digits(query, of_query)
    return len(digits) < _RUN or digits != _digits(key, of_key)


def _named_numbers_differ(query: Words, key: Words) -> bool:
    """Does each name one number that the other lacks: "fifth" and "sixth"?"""
    one, other = named_numbers(query), named_numbers(key)
    every, every_other = numbers(query) + one, numbers(key) + other
    only_one = [number for number in one if not _are_within([number], every_other)]
    only_other = [number for number in other if not _are_within([number], every)]
    return len(only_one) == len(only_other) == 1


def _are_same(of_query: list[Number], of_key: list[Number]) -> bool:
    if len(of_query) == len(of_key):
        return all(map(same_number, of_query, of_key)) or (
            _are_within(of_query, of_key) and _are_within(of_key, of_query)
        )
    return _parts(of_query) == _parts(of_key)  # "3.10" is written "3_10" too


def _are_within(fewer: list[Number], more: list[Number]) -> bool:
    return all(any(same_number(one, other) for other in more) for one in fewer)


def _parts(found: list[Number]) -> list[str]:
    return [part for number in found for part in number.text.split(".")]


def _digits(words: Words, found: list[Number]) -> str:
    """Return the digits of numbers as they are written: those of "0018" are four."""
    return "".join(
        words[each.place] if is_number(words[each.place]) else each.text for each in found
    )


def _needs_its_numbers(words: Words) -> bool:
    """Is a text without its numbers another one: a title with a Roman numeral, or a formula?"""
    if not any(map(is_number, words)):
        return any(len(words[number.place]) > 1 for number in numbers(words))  # Roman, but not "I"
    letters = sum(len(word) for word in words if not is_number(word))
    return 0 < letters <= _CODE and not is_number(words[0])


def units_differ(query: Words, key: Words) -> bool:
    """Do both name a unit in the same place, and not the same one?

    >>> units_differ(("dose", "mcg"), ("dose", "mg")), units_differ(("weight", "g"), ("weight",))
    (True, False)
    """
    only_query = [word for word in query if word not in key]
    only_key = [word for word in key if word not in query]
    if not only_query or not only_key or compact(query) == compact(key):
        return False
    one, other = only_query[-1], only_key[-1]
    unit_of_query, unit_of_key = unit(one), unit(other)
    if unit_of_query is None or unit_of_key is None or unit_of_query == unit_of_key:
        return False
    if _follows_number(one, query) and _follows_number(other, key):
        return False  # amounts are compared by value
    at_end = query[-1] == one and key[-1] == other
    if len(only_query) == len(only_key) == 1:
        return at_end or min(len(one), len(other)) > 1
    return at_end and unit_of_query.quantity == unit_of_key.quantity


def _follows_number(word: str, words: Words) -> bool:
    place = words.index(word)
    return place > 0 and is_number(words[place - 1])


def letters_differ(query: Words, key: Words) -> bool:
    """Do both name something by a single letter, and not the same one?

    A letter behind a number, and a plus sign, make another thing: "7a" is not "7", nor C++ C.

    >>> letters_differ(("hepatitis", "a"), ("hepatitis", "b"))
    True
    """
    if _numbered_letters(query) != _numbered_letters(key):
        return True
    if min(len(query), len(key)) < _LONG and _has_plus(query) != _has_plus(key):
        return True
    of_query, of_key = _letters(query) - _letters(key), _letters(key) - _letters(query)
    query_letters = {letter for _, letter in of_query}
    key_letters = {letter for _, letter in of_key}
    return any(
        before == other_before and letter not in key_letters and other not in query_letters
        for before, letter in of_query
        for other_before, other in of_key
    )


def _numbered_letters(words: Words) -> set[tuple[str, str]]:
    """Return letters that number something, each with the number before it; no units."""
    return {
        (before, letter)
        for before, letter in itertools.pairwise(words)
        if letter in _NUMBERING and is_number(before)
    }


def _has_plus(words: Words) -> bool:
    """Does a plus sign end the text, or is it part of "UTC+8" or "C++"?"""
    return any(
        one == "plus" and (not other or other == "plus" or is_number(other))
        for one, other in itertools.pairwise((*words[1:], ""))
    )


def _letters(words: Words) -> set[tuple[str, str]]:
    """Return single letters, each with the word before it, and with "" where it is the last."""
    found = set()
    for i, word in enumerate(words):
        if len(word) == 1 and not is_number(word):
            if i or word not in "ai":
                found.add((words[i - 1] if i else "^", word))
            if i and i + 1 == len(words):
                found.add(("", word))
    return found


def negations_differ(query: Words, key: Words) -> bool:
    """Is a word that both have negated in one of them only?

    >>> negations_differ(("not", "approved"), ("approved",))
    True
    >>> negations_differ(("not", "approved"), ("never", "approved"))
    False
    """
    negated_in_query, negated_in_key = negated(query, key), negated(key, query)
    if not negated_in_query and not negated_in_key:
        return False
    forms = {form: word for word in key for form in (word, *bases(word))}
    for word in query:
        same = {forms[form] for form in (word, *bases(word)) if form in forms}
        if same and (word in negated_in_query) != bool(same & negated_in_key):
            return True
    return False


def names_differ(query: Words, key: Words) -> bool:
    """Are both known names, or have both one in the same place, and not of the same thing?

    The names are those of WordNet and the glossary: of places, persons, companies, substances,
    species, languages, and of things of one class, such as instruments. A kind of a thing is not
    another thing.

    >>> names_differ(("estonia",), ("latvia",)), names_differ(("insulin", "lispro"), ("insulin",))
    (True, False)
    """
    return are_different_names(query, key)


def order_differs(query: Words, key: Words) -> bool:
    """Do both say something else because words changed places?

    >>> order_differs(("json", "to", "csv"), ("csv", "to", "json"))
    True
    """
    return word_order.order_differs(query, key)


def opposites(query: Words, key: Words) -> bool:
    """Does a word of one mean the opposite of a word of the other, and neither have both?

    Texts of the same letters are the same, and a negated word is not the opposite of one with a
    negating prefix: "not valid" is "invalid".

    Opposites are WordNet's antonyms and the lexicon's, in any inflection; a word and the same
    word with a negating prefix or the suffix -less; and pairs such as en/de, up/down, in/out inside
    of words.

    >>> opposites(("turn", "off"), ("turn", "on")), opposites(("login",), ("logout",))
    (True, True)
    >>> opposites(("on", "off"), ("off", "on"))
    False
    """
    if _opposites_of_all(query).isdisjoint(_forms_of_all(key)):
        return False
    if compact(query) == compact(key):
        return False
    negated_in_query, negated_in_key = negated(query, key), negated(key, query)
    forms: set[str] = set()
    plain: set[str] = set()  # forms of words that are not negated
    for word in _with_phrase(key):
        if word not in query:
            forms |= _forms(word)
            plain |= _forms(word) if word not in negated_in_key else frozenset()
    return any(
        not _antonyms(word).isdisjoint(forms)
        or (word not in negated_in_query and not _affix_negations(word).isdisjoint(plain))
        for word in _with_phrase(query)
        if word not in key
    )


def _with_phrase(words: Words) -> Words:
    """Return the words and the phrase that they make: "gross pay" has an opposite of its own."""
    return (*words, " ".join(words)) if len(words) > 1 else words


DEFAULT: tuple[Guard, ...] = (
    numbers_differ,
    opposites,
    negations_differ,
    order_differs,
    units_differ,
    letters_differ,
    names_differ,
)
_FLAGS = dict(zip(DEFAULT, GUARD_FLAGS, strict=True))


class GuardSet:
    """Guards of a dictionary: the built-in ones, which tables apply, and those of the user."""

    def __init__(self, guards: Iterable[Guard]) -> None:
        self.all = tuple(guards)
        self.builtin = sum(flag for guard, flag in _FLAGS.items() if guard in self.all)
        self.custom = tuple(guard for guard in self.all if guard not in DEFAULT)

    def veto(self, query: Words, key: Words) -> bool:
        """Return True if any guard forbids the key."""
        return any(guard(query, key) for guard in self.all)

    def names(self, query: Words, key: Words) -> tuple[str, ...]:
        """Return the names of the guards that forbid the key."""
        return tuple(guard_name(guard) for guard in self.all if guard(query, key))


def guard_name(guard: Guard) -> str:
    """Return the name of a guard: that of the function, or of the type of another callable."""
    return str(getattr(guard, "__name__", type(guard).__name__))


BUILTIN_FLAGS = {guard_name(guard): flag for guard, flag in _FLAGS.items()}


def flags_of(query: Words, key: Words, guards: int) -> int:
    """Return the flags of those among the built-in guards that forbid the key."""
    return sum(flag for guard, flag in _FLAGS.items() if guards & flag and guard(query, key))


@functools.lru_cache(maxsize=1024)
def _opposites_of_all(words: Words) -> frozenset[str]:
    return frozenset().union(
        *(
            opposite(word)
            for word in _with_phrase(words)
            for opposite in (_antonyms, _affix_negations)
        )
    )


@functools.lru_cache(maxsize=1 << 14)
def _forms_of_all(words: Words) -> frozenset[str]:
    return frozenset().union(*map(_forms, _with_phrase(words)))


@functools.lru_cache(maxsize=8192)
def _antonyms(word: str) -> frozenset[str]:
    """Return the opposites of a word in their base forms, but for those by a negating affix."""
    table, forms = _table(), _forms(word)
    found = set(_TOO_SHORT.get(word, ()))
    for form in forms:
        found.update(table.get(form, ()))
        if form in _PARTICLES:
            found.add(_PARTICLES[form])
        for one, other in _PREFIX_SWAPS:
            if form.startswith(one) and len(form) >= len(one) + 3:
                found.add(other + form[len(one) :])
        for one, other in _ENDING_SWAPS:
            if form.endswith(one) and len(form) >= len(one) + 3:
                found.add(form[: -len(one)] + other)
    return frozenset(found.difference(forms, _affix_negations(word)))


@functools.lru_cache(maxsize=8192)
def _affix_negations(word: str) -> frozenset[str]:
    """Return a word with a negating affix, or without the one that it has, in its base forms."""
    forms, found = _forms(word), set()
    for form in forms:
        if len(form) >= 3:
            found.update([prefix + form for prefix in _NEGATIONS])
            found.add(form + _WITHOUT)
        found.update(
            form[len(prefix) :]
            for prefix in _NEGATIONS
            if form.startswith(prefix) and len(form) >= len(prefix) + 4
        )
        if form.endswith(_WITHOUT) and len(form) >= len(_WITHOUT) + 3:
            found.add(form[: -len(_WITHOUT)])
    return frozenset(found.difference(forms))


_TOO_SHORT = {"from": ["to"], "to": ["from"]}  # for the table
_NEGATIONS = ("un", "in", "im", "non", "dis", "de", "mis", "anti")
_WITHOUT = "less"


def _both_ways(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return pairs + tuple((other, one) for one, other in pairs)


_PREFIX_SWAPS = _both_ways(
    ("en", "de"), ("en", "dis"), ("up", "down"), ("in", "out"), ("im", "ex"), ("in", "ex"),
    ("in", "de"), ("a", "de"), ("at", "de"), ("con", "dis"), ("over", "under"), ("pre", "post"),
    ("mini", "maxi"), ("sub", "super"), ("on", "off"), ("as", "des"), ("get", "set"),
)  # fmt: skip
_ENDING_SWAPS = _both_ways(
    ("start", "end"), ("begin", "end"), ("enter", "leave"), ("open", "close"), ("show", "hide"),
    ("over", "out"), ("left", "right"), ("top", "bottom"), ("first", "last"), ("before", "after"),
    ("min", "max"),
)  # fmt: skip
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
