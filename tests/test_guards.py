"""What never matches, however near it is, and what a guard must let be."""

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.ranking.guards import DEFAULT, numbers_differ, opposites
from fuzzydict.text.tokens import words


def both_ways(guard, one, other):
    """Return what the guard says of two texts, which must not depend on their order."""
    said = guard(words(one), words(other))
    assert guard(words(other), words(one)) is said
    return said


NUMBERS_THAT_DIFFER = [
    ("Q1", "Q2"),
    ("sha1", "sha256"),
    ("revenue 2023", "revenue 2024"),
    ("python3.10", "python3.11"),
    ("room 101", "room 102"),
    ("Q1 revenue", "q2_revenue"),
    ("version 1.2", "version 2.1"),
    ("first quarter", "2nd quarter"),
    ("1,000", "10,000"),
    ("mp3", "mp4"),
    ("level 1", "level 10"),
]

NUMBERS_THAT_AGREE = [
    ("utf8", "utf-8"),
    ("Key 2", "key2"),
    ("Q1", "q_1"),
    ("room 007", "room 7"),
    ("1st place", "first place"),
    ("two factor", "2 factor"),
    ("24/7 support", "247 support"),
    ("revenue 2024", "revenue '24"),
    ("1,000 km", "1000 km"),
    ("０", "0"),
]

ONE_WITHOUT_NUMBERS = [("room 7", "room"), ("color", "colour"), ("", "1"), ("address 1", "address")]

OPPOSITES = [
    ("turn on", "turn off"),
    ("up", "down"),
    ("scroll up", "scroll down"),
    ("min", "max"),
    ("minimum", "maximum"),
    ("min_price", "maxPrice"),
    ("in", "out"),
    ("zoom in", "zoom out"),
    ("enable", "disable"),
    ("enabled", "disabled"),
    ("enabling logs", "disable logs"),
    ("login", "logout"),
    ("log in", "log out"),
    ("login", "log out"),
    ("encrypt", "decrypt"),
    ("encrypted file", "decrypt file"),
    ("buy", "sell"),
    ("buying", "sells"),
    ("hot", "cold"),
    ("open", "closed"),
    ("start", "stop"),
    ("happy", "unhappy"),
    ("valid", "invalid"),
    ("possible", "impossible"),
    ("connect", "disconnect"),
    ("upload", "download"),
    ("inbound", "outbound"),
    ("import", "export"),
    ("increase", "decrease"),
    ("increasing", "decreased"),
    ("activate", "deactivate"),
    ("start date", "end date"),
    ("first name", "last name"),
    ("buy order", "order to sell"),
]

NO_OPPOSITES = [
    ("on off", "off on"),
    ("turn off", "turn off"),
    ("color", "colour"),
    ("color", "price"),
    ("connection", "connections"),
    ("install", "installed"),
    ("input", "inputs"),
    ("income", "salary"),
    ("min max", "max min"),
    ("open or closed", "closed or open"),
    ("", ""),
    ("", "on"),
    ("dismiss", "dismissed"),
    ("understand", "understood"),
]


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_DIFFER)
def test_numbers_that_differ_never_match(one, other):
    assert both_ways(numbers_differ, one, other)


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_AGREE)
def test_numbers_that_agree_may_match(one, other):
    assert not both_ways(numbers_differ, one, other)


@pytest.mark.parametrize(("one", "other"), ONE_WITHOUT_NUMBERS)
def test_a_number_that_is_not_named_forbids_nothing(one, other):
    assert not both_ways(numbers_differ, one, other)


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposites_never_match(one, other):
    assert both_ways(opposites, one, other)


@pytest.mark.parametrize(("one", "other"), NO_OPPOSITES)
def test_what_is_not_opposite_may_match(one, other):
    assert not both_ways(opposites, one, other)


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_DIFFER + OPPOSITES)
def test_a_dictionary_never_answers_what_a_guard_forbids(one, other, letters):
    for query, key in ((one, other), (other, one)):
        d = FuzzyDict({key: 1}, cutoff=0.0, embedder=letters)
        assert query not in d
        assert d.matches(query) == []
        assert d[key] == 1


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_AGREE[:3])
def test_a_dictionary_finds_a_number_that_is_written_otherwise(one, other):
    assert FuzzyDict({one: 1})[other] == 1
    assert FuzzyDict({other: 1})[one] == 1


def test_the_right_key_is_found_beside_its_opposite():
    switch = FuzzyDict({"turn on": 1, "turn off": 0, "sha1": 1, "sha256": 256})
    assert switch["Turn-Off"] == 0
    assert switch["turnOn"] == 1
    assert switch["SHA-256"] == 256
    assert switch["sha_1"] == 1


def test_the_default_guards_are_those_of_the_module():
    assert (numbers_differ, opposites) == DEFAULT
    assert FuzzyDict({"turn on": 1}, guards=[numbers_differ]).matches("turn off", cutoff=0.0)


def test_hard_and_soft_lookup_obey_the_same_guards():
    d = FuzzyDict({"Q1 revenue": 10, "costs": 5})
    assert "Q1 revenue" not in d.attend("Q2 revenue").weights
    assert d.get("Q2 revenue") is None


def test_a_guard_that_fails_is_heard_of():
    def broken(query, key):
        raise ZeroDivisionError

    d = FuzzyDict(color=1, guards=[broken])
    assert d["color"] == 1
    with pytest.raises(ZeroDivisionError):
        d.get("colour")
