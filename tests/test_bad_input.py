"""What nobody means to pass: each behaves as the contract says."""

import time

import pytest

from fuzzydict import FuzzyDict, NoMatchError

SURROGATES = ["\ud800", "\udfff", "\ud83d", "colo\udc80r", "\udc80" * 50]
WITHOUT_WORDS = ["", " ", "\t\n", "\u200b", "\u00a0", "?!", "---", "\0", "😀", "👩‍👩‍👧", "🇪🇺", "❤️"]


def misses(d, query):
    """Does every read of the dictionary miss?"""
    with pytest.raises(NoMatchError) as caught:
        d[query]
    assert caught.value.args == (query,)
    str(caught.value)
    return query not in d and d.get(query, 7) == 7 and d.match(query) is None


@pytest.mark.parametrize("query", ["color", "", "\ud800", "😀", None, 1, (), float("nan")])
def test_an_empty_dictionary_answers_nothing(query):
    d = FuzzyDict(cutoff=0.0)
    assert misses(d, query)
    assert d.matches(query) == []


def test_an_empty_dictionary_embeds_nothing(counting):
    d = FuzzyDict(embedder=counting)
    assert misses(d, "color")
    assert counting.texts == []


def test_a_dictionary_that_was_emptied_answers_nothing(car):
    assert "colour" in car
    for key in list(car):
        del car[key]
    assert misses(car, "colour")
    assert car.matches("colour", cutoff=0.0) == []


@pytest.mark.parametrize("query", [*WITHOUT_WORDS, *SURROGATES[:3]])
@pytest.mark.parametrize("cutoff", [None, 0.0])
def test_a_query_without_words_means_no_key(car, query, cutoff):
    car.cutoff = cutoff
    assert misses(car, query)
    assert car.matches(query, cutoff=0.0) == []


@pytest.mark.parametrize("key", [*WITHOUT_WORDS, *SURROGATES])
def test_a_key_without_words_is_found_exactly(car, key):
    car[key] = "odd"
    assert car[key] == car.get(key) == "odd"
    assert key in car
    assert car.match(key) == (key, "odd", 1.0)
    assert [match.key for match in car.matches(key, 3)] == [key]
    del car[key]
    assert car["colour"] == "red"


def test_keys_without_words_do_not_answer_for_one_another():
    d = FuzzyDict(dict.fromkeys(WITHOUT_WORDS))
    assert misses(d, "!!!")
    assert misses(d, "😇")
    assert misses(d, "color")


def test_emoji_beside_words_do_not_hide_them(car):
    assert car["colour 🎨"] == "red"
    car["size 📏"] = 4
    assert car["Size"] == 4


@pytest.mark.parametrize("query", SURROGATES)
def test_lone_surrogates_are_read_without_an_error(car, query, letters):
    for d in (car, FuzzyDict(car, embedder=letters)):
        d.get(query)
        d.matches(query, cutoff=0.0)
        d[query] = 1
        assert d[query] == 1
        d.get(query + "x")


@pytest.mark.parametrize("text", ["x" * 10**6, "many words " * 100_000, " " * 10**6, "é" * 10**6])
def test_a_text_of_a_megabyte_is_read_in_a_moment(car, text):
    assert "colour" in car
    start = time.perf_counter()
    assert misses(car, text)
    car[text] = 1
    assert car[text] == 1
    assert car["colour"] == "red"
    assert car.match(text).score == 1
    del car[text]
    assert misses(car, text)
    assert time.perf_counter() - start < 5


def test_long_queries_are_not_remembered(car):
    for i in range(20):
        car.get(f"{i}" * 100_000)
    assert car._sync.cache == {}


@pytest.mark.parametrize("key", [None, (), ("color", 1), 1, 2.5, b"color", frozenset("ab"), print])
def test_a_key_of_another_kind_is_found_exactly_and_only_so(car, key):
    assert misses(car, key)
    car[key] = "other"
    assert car[key] == car.get(key) == "other"
    assert key in car
    assert car.match(key) == (key, "other", 1.0)
    assert car.matches(key, 3, cutoff=0.0) == [(key, "other", 1.0)]
    assert car["colour"] == "red"
    assert car.pop(key) == "other"
    assert misses(car, key)


def test_a_dictionary_without_texts_answers_no_text(counting):
    d = FuzzyDict({1: "a", (2,): "b", None: "c"}, cutoff=0.0, embedder=counting)
    for query in ("1", "2", "None", "color"):
        assert misses(d, query)


def test_a_nan_is_found_by_its_identity(car):
    nan = float("nan")
    car[nan] = 1
    assert car[nan] == 1
    assert misses(car, float("nan"))


def test_a_bool_is_the_int_that_it_equals():
    d = FuzzyDict({1: "one", 0: "zero"})
    assert d[True] == "one"
    assert d[False] == "zero"
    assert misses(d, "True")


def test_bytes_are_no_text():
    d = FuzzyDict({"color": 1, b"price": 2})
    assert misses(d, b"colour")
    assert misses(d, "price")
    assert d[b"price"] == 2


@pytest.mark.parametrize("key", [[], {}, set(), ([],)])
def test_an_unhashable_is_a_type_error_wherever_it_is_one_in_a_dict(car, key):
    for use in (
        car.__getitem__,
        car.__contains__,
        car.__delitem__,
        car.get,
        car.pop,
        car.setdefault,
        car.match,
        car.matches,
        lambda key: car.__setitem__(key, 1),
    ):
        with pytest.raises(TypeError, match="unhashable"):
            use(key)


class Name(str):
    """A text of a class of its own."""


class Folded(str):
    """A text that equals every other writing of it."""

    def __eq__(self, other):
        return isinstance(other, str) and self.casefold() == str(other).casefold()

    def __hash__(self):
        return hash(self.casefold())


def test_a_text_of_a_subclass_is_a_text(car, letters):
    for d in (car, FuzzyDict(car, embedder=letters)):
        assert d[Name("color")] == "red"
        assert d[Name("colour")] == "red"
        d[Name("wheels")] = 4
        assert d["wheel"] == 4
        assert d[Name("wheels")] == d["wheels"] == 4
        del d["wheels"]
        assert Name("wheels") not in list(d)


def test_a_text_with_an_equality_of_its_own_is_found_by_it():
    d = FuzzyDict({Folded("color"): 1})
    assert d[Folded("COLOR")] == 1
    assert d["colour"] == 1
    del d[Folded("Color")]
    assert d == {}
    assert misses(d, "colour")


def test_a_key_whose_equality_fails_does_not_break_the_others(car):
    class Bad:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            raise ZeroDivisionError

    car[Bad()] = 1
    with pytest.raises(ZeroDivisionError):
        Bad() in car  # noqa: B015
    assert car["colour"] == "red"
