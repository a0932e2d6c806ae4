"""The contract of the mapping, point by point."""

import collections.abc
import copy
import gc
import json
import pickle
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pandas as pd
import pytest

from fuzzydict import FuzzyDict, Match, NoMatchError
from fuzzydict.model.embedders import EmbedderError
from fuzzydict.ranking.guards import DEFAULT, numbers_differ


class Bags:
    """An embedder that pickles: the letters that are in a text."""

    def encode(self, texts):
        return np.array(
            [[letter in text.lower() for letter in "abcdefgh"] for text in texts], float
        )


def never_about_price(query, key):
    return "price" in key


class Catalogue(FuzzyDict):
    """A subclass with a signature and attributes of its own."""

    def __init__(self, title, **items):
        super().__init__(items, cutoff=0.9)
        self.title = title


INEXACT = ["colour", "Color", "COLOR", "colours", "topSpeed", "top_speed", "Top Speed", "prices"]
UNRELATED = ["parliament", "zebra", "", " ", "?!", "12345"]
OTHER_KINDS = [1, 2.5, None, True, (), ("color",), b"color", frozenset({"color"})]


# Reads


def test_it_is_a_dict_and_a_mutable_mapping(car):
    assert isinstance(car, dict)
    assert isinstance(car, collections.abc.MutableMapping)


def test_a_key_that_is_written_otherwise_is_found(car):
    assert car["colour"] == "red"
    assert car["topSpeed"] == 250


def test_an_exact_hit_runs_no_python_code():
    d = FuzzyDict(color="red")
    calls = []
    sys.setprofile(lambda frame, event, _: calls.append(frame) if event == "call" else None)
    try:
        found = d["color"]
    finally:
        sys.setprofile(None)
    assert found == "red"
    assert calls == []


def test_getitem_and_the_views_are_those_of_dict():
    for name in ("__getitem__", "__iter__", "__len__", "__eq__", "__repr__", "__reversed__"):
        assert getattr(FuzzyDict, name) is getattr(dict, name)
    for name in ("keys", "values", "items"):
        assert getattr(FuzzyDict, name) is getattr(dict, name)


@pytest.mark.parametrize("query", [*INEXACT, *UNRELATED, *OTHER_KINDS, "color", "price"])
@pytest.mark.parametrize("cutoff", [None, 0.0, 0.5, 1.0])
def test_getitem_get_in_and_match_agree(car, query, cutoff):
    car.cutoff = cutoff
    absent = object()
    got, match = car.get(query, absent), car.match(query)
    if query in car:
        assert car[query] is got
        assert match is not None
        assert car[match.key] is got
        assert car.matches(query)[0] == match
    else:
        assert got is absent
        assert match is None
        assert car.matches(query) == []
        assert car.get(query) is None
        with pytest.raises(NoMatchError):
            car[query]


def test_they_agree_in_whatever_order_they_are_asked(car):
    assert "colour" in car
    assert car["colour"] == "red"
    other = car.copy()
    assert other["colour"] == "red"
    assert "colour" in other


@pytest.mark.parametrize("cutoff", [None, 0.0, 1.0])
def test_an_exact_key_always_wins(cutoff):
    d = FuzzyDict({"color": 1, "colour": 2, "Color": 3, "colors": 4, "": 5, "?": 6}, cutoff=cutoff)
    for key, value in dict(d).items():
        assert d[key] == d.get(key) == value
        assert d.match(key) == Match(key, value, 1.0)
        assert d.matches(key)[0].key == key


def test_an_exact_key_wins_over_a_guard():
    d = FuzzyDict({"price": 1}, guards=[lambda query, key: True])
    assert d["price"] == 1
    assert d.match("price") == ("price", 1, 1.0)


@pytest.mark.parametrize("value", [None, False, 0, "", [], float("nan")])
def test_values_that_are_false_are_found_too(value):
    d = FuzzyDict(color=value)
    assert "colour" in d
    assert d["colour"] is value
    assert d.get("colour", "absent") is value
    assert d.match("colour").value is value


def test_keys_that_are_not_text_are_exact_only():
    d = FuzzyDict({1: "int", ("color",): "tuple", b"color": "bytes"})
    assert d[1] == d[True] == d[1.0] == "int"
    assert d[("color",)] == "tuple"
    for query in ("1", "color", ("colour",), b"colour"):
        assert query not in d


@pytest.mark.parametrize("query", [[], {}, set(), bytearray(b"color")])
def test_an_unhashable_query_is_a_type_error_as_in_a_dict(car, query):
    for read in (car.get, car.match, car.matches, car.__contains__, car.__getitem__):
        with pytest.raises(TypeError, match="unhashable"):
            read(query)


def test_reading_never_changes_the_mapping(car):
    before = list(car.items())
    for query in [*INEXACT, *UNRELATED, *OTHER_KINDS]:
        car.get(query)
        car.match(query)
        car.matches(query, 3, cutoff=0.0)
        with pytest.raises(NoMatchError):
            car[object()]
        assert list(car.items()) == before


def test_reading_while_iterating_is_allowed(car):
    assert [car["colour"] for _ in car] == ["red"] * len(car)


def test_what_was_found_is_forgotten_when_its_key_goes(car):
    assert car["colour"] == "red"
    del car["color"]
    assert "colour" not in car
    car["color"] = "blue"
    assert car["colour"] == "blue"


def test_what_was_missed_is_found_when_its_key_comes(car):
    assert "horsepower" not in car
    car["horsepowers"] = 100
    assert car["horsepower"] == 100


def test_a_new_value_is_read_at_once(car):
    assert car["colour"] == "red"
    car["color"] = "green"
    assert car["colour"] == "green"


# Misses


def test_a_miss_names_the_closest_keys_and_their_scores(car):
    with pytest.raises(NoMatchError) as caught:
        car["parliament"]
    error = caught.value
    assert isinstance(error, KeyError)
    assert error.args == ("parliament",)
    assert error.query == "parliament"
    assert 1 <= len(error.matches) <= 3
    assert error.matches == tuple(car.matches("parliament", 3, cutoff=0.0))
    best = error.matches[0]
    assert str(error).startswith(f"'parliament' (closest: {best.key!r} {best.score:.2f}")


@pytest.mark.parametrize("query", [1, None, ("color",), ""])
def test_a_miss_without_candidates_says_what_a_dict_says(car, query):
    with pytest.raises(NoMatchError) as caught:
        car[query]
    assert caught.value.matches == ()
    assert str(caught.value) == str(KeyError(query))


def test_a_miss_survives_pickle_and_copy():
    error = NoMatchError("hue", (Match("color", "red", 0.25),))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is NoMatchError
        assert again.args == error.args
        assert (again.query, again.matches) == ("hue", (Match("color", "red", 0.25),))
        assert str(again) == "'hue' (closest: 'color' 0.25)"


def test_the_memory_of_queries_is_bounded(letters):
    d = FuzzyDict(color="red", embedder=letters)
    for i in range(1100):
        d.get(f"query {i}")
    assert len(d._sync.cache) <= 1024
    d.get("x" * 100_000)
    assert all(len(query) <= 1000 for query in d._sync.cache)


def test_repeated_misses_leak_nothing(letters):
    d = FuzzyDict(color="red", embedder=letters)

    def miss():
        for _ in range(300):
            with pytest.raises(NoMatchError):
                d["parliament"]

    miss()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    miss()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 50_000


# Writes


def test_a_write_names_its_key_exactly(car):
    car["colour"] = "blue"
    assert dict(car)["color"] == "red"
    assert dict(car)["colour"] == "blue"
    assert list(car)[-1] == "colour"


@pytest.mark.parametrize("query", ["colour", "Color", "topSpeed"])
def test_what_removes_a_key_misses_its_neighbours(car, query):
    before = dict(car)
    assert query in car
    with pytest.raises(KeyError):
        del car[query]
    with pytest.raises(KeyError):
        car.pop(query)
    assert car.pop(query, "absent") == "absent"
    assert car == before


def test_setdefault_and_update_name_their_keys_exactly(car):
    assert car.setdefault("colour", "blue") == "blue"
    assert car.setdefault("color", "green") == "red"
    car.update({"Color": "black"}, topSpeed=1)
    assert car["color"] == "red"
    assert car["top speed"] == 250
    assert list(car)[-3:] == ["colour", "Color", "topSpeed"]


def test_only_subscripts_call_missing():
    class Defaulting(FuzzyDict):
        def __missing__(self, query):
            return "missing"

    d = Defaulting(color="red")
    assert d["zebra"] == "missing"
    assert d.get("zebra") is None
    assert "zebra" not in d
    assert d.pop("zebra", None) is None
    assert d.setdefault("zebra") is None
    assert d.match("parliament") is None
    with pytest.raises(KeyError):
        del d["parliament"]


def test_an_update_that_fails_midway_keeps_what_it_set():
    def pairs():
        yield "color", "red"
        raise OSError("the file ended")

    d, plain = FuzzyDict(price=1), {"price": 1}
    for mapping in (d, plain):
        with pytest.raises(OSError, match="the file ended"):
            mapping.update(pairs())
    assert d == plain
    assert d["colour"] == "red"


def test_popitem_takes_the_last_item(car):
    assert car.popitem() == ("price", 49_000)
    assert "prices" not in car
    with pytest.raises(KeyError):
        FuzzyDict().popitem()


def test_clear_leaves_nothing_to_find(car):
    assert "colour" in car
    car.clear()
    assert car == {}
    assert "colour" not in car
    car["color"] = 1
    assert car["colour"] == 1


@pytest.mark.parametrize("read_before", [False, True])
def test_the_notes_of_removed_keys_are_bounded(letters, read_before):
    d = FuzzyDict(color="red", embedder=letters)
    if read_before:
        assert "colour" in d
    for i in range(20_000):
        d[f"key {i}"] = i
        d.pop(f"key {i}") if i % 2 else d.__delitem__(f"key {i}")
        d.pop(f"no key {i}", None)
        d[i] = i
        del d[i]
    for i in range(1000):
        d.update({f"key {i}": i})
        d.popitem()
    d._check()
    assert d["colour"] == "red"


def test_a_removal_that_left_no_note_shows_at_the_next_read(letters):
    d = FuzzyDict(dict.fromkeys(["color", "price", "size"]), embedder=letters)
    assert "colour" in d
    dict.__delitem__(d, "color")
    dict.pop(d, "price")
    d["weight"] = 1
    assert "colour" not in d
    assert "wieght" in d
    assert sorted(d._sync.ranker.entries.keys()) == ["size", "weight"]


# What is embedded, and when


def test_nothing_is_embedded_before_the_first_inexact_read(counting):
    d = FuzzyDict({"color": "red", "price": 1, 5: "five"}, embedder=counting)
    d["size"] = 3
    d.update(weight=2)
    del d["weight"]
    assert d["color"] == d.get("color") == "red"
    assert "color" in d
    assert d.match("price") == ("price", 1, 1.0)
    assert d.get(5) == "five"
    assert 6 not in d
    assert d.match(None) is None
    d.copy(), d | {"a": 1}, repr(d), d == {}, pickle.dumps(list(d.items()))
    assert counting.texts == []
    assert "colour" in d
    assert sorted(counting.texts) == ["color", "colour", "price", "size"]


def test_each_key_is_embedded_once(counting):
    keys = ["color", "price", "size"]
    d = FuzzyDict(dict.fromkeys(keys), embedder=counting)
    for query in ("colour", "prices", "parliament", "colour"):
        d.get(query)
        d["color"] = query
        d.setdefault("price")
        d.update(size=query)
    assert [counting.texts.count(key) for key in keys] == [1, 1, 1]


def test_a_key_that_goes_and_comes_back_between_reads_is_not_embedded_again(counting):
    d = FuzzyDict(color=1, price=2, embedder=counting)
    d.get("colour")
    d["color"] = d.pop("color")
    assert d["colour"] == 1
    assert counting.texts.count("color") == 1


def test_adding_and_deleting_cost_the_same_in_a_large_dictionary(counting):
    d = FuzzyDict({f"key {i}": i for i in range(3000)}, embedder=counting)
    d.get("something")
    for i in range(20):
        counting.texts.clear()
        d[f"new {i}"] = i
        del d[f"key {i}"]
        d.get(f"query {i}")
        assert counting.texts == [f"new {i}", f"query {i}"]


def test_a_key_that_never_was_there_at_a_read_is_never_embedded(counting):
    d = FuzzyDict(color=1, embedder=counting)
    d["price"] = 2
    del d["price"]
    d.get("colour")
    assert "price" not in counting.texts


def test_fuzzy_reads_that_are_off_embed_nothing(counting):
    d = FuzzyDict(color=1, embedder=counting, cutoff=1.0)
    assert "colour" not in d
    assert d.get("colour") is None
    assert d.match("colour") is None
    with pytest.raises(NoMatchError):
        d["colour"]
    assert counting.texts == []


def test_an_answer_that_is_remembered_is_not_embedded_again(counting):
    d = FuzzyDict(color=1, embedder=counting)
    for _ in range(5):
        assert d["colour"] == 1
    assert counting.texts.count("colour") == 1


def test_a_key_that_goes_while_it_is_looked_up_is_no_answer():
    class Racing(FuzzyDict):
        def _find(self, query):
            found = super()._find(query)
            self.pop("color", None)  # as another thread may
            return found

    with pytest.raises(NoMatchError):
        Racing(color="red")["colour"]
    assert Racing(color="red").get("colour", "?") == "?"


def test_an_embedder_that_fails_midway_leaves_the_mapping_usable(letters):
    down = [True]

    def failing(texts):
        if down and "price" in texts:
            raise ConnectionError("the server is down")
        return letters(texts)

    d = FuzzyDict(color="red", embedder=failing)
    assert d["colour"] == "red"
    d["price"] = 1
    del d["color"]
    for _ in range(2):
        with pytest.raises(EmbedderError, match="failing failed: ConnectionError: the server"):
            d.get("prices")
        with pytest.raises(EmbedderError, match="failing failed: ConnectionError: the server"):
            "colour" in d  # noqa: B015
    assert d["price"] == 1
    assert d == {"price": 1}
    down.clear()
    assert d["prices"] == 1
    assert "colour" not in d


def test_keys_that_come_and_go_while_they_are_embedded_are_known_to_the_next_read(letters):
    def meddling(texts):
        if "price" in texts:
            d.pop("price")
            d["battery"] = 3
        return letters(texts)

    d = FuzzyDict({"color": 1, "price": 2}, embedder=meddling)
    assert d["colour"] == 1
    assert all(match.key != "price" for match in d.matches("prices", cutoff=0.0))
    assert d["batteries"] == 3
    assert len(d._sync.ranker) == len(d) == 2


# Options


def test_the_items_are_given_as_to_dict():
    pairs = [("a", 1), ("b", 2)]
    plain = dict(pairs)
    assert FuzzyDict() == {}
    assert FuzzyDict(plain) == FuzzyDict(pairs) == FuzzyDict(a=1, b=2) == plain
    assert FuzzyDict(iter(pairs), b=3, self=4) == {"a": 1, "b": 3, "self": 4}
    with pytest.raises(TypeError):
        FuzzyDict(1)
    with pytest.raises(TypeError):
        FuzzyDict({}, {})
    with pytest.raises(TypeError, match="unhashable"):
        FuzzyDict([([], 1)])


def test_the_cutoff_one_turns_fuzzy_reads_off(car):
    car.cutoff = 1.0
    assert "colour" not in car
    assert "color" in car
    assert [match.key for match in car.matches("color")] == ["color"]


def test_one_read_may_be_fuzzy_where_the_dictionary_is_not(car):
    car.cutoff = 1.0
    assert car.match("colour", cutoff=0.5).key == "color"


def test_a_new_cutoff_holds_for_queries_that_were_answered_before(car):
    assert "colour" in car
    score = car.match("colour").score
    car.cutoff = (1 + score) / 2
    assert "colour" not in car
    assert car.get("colour") is None
    car.cutoff = None
    assert "colour" in car


def test_the_cutoff_is_the_embedders_own_unless_set(car):
    assert 0 < car.cutoff < 1
    car.cutoff = 0.75
    assert car.cutoff == 0.75
    assert FuzzyDict(cutoff=0).cutoff == 0


@pytest.mark.parametrize("cutoff", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_cutoff_that_is_no_probability_is_refused(car, cutoff):
    with pytest.raises(ValueError, match="number from 0 to 1"):
        FuzzyDict(cutoff=cutoff)
    with pytest.raises(ValueError, match="number from 0 to 1"):
        car.cutoff = cutoff
    for query in ("color", "colour", 1):
        with pytest.raises(ValueError, match="number from 0 to 1"):
            car.match(query, cutoff=cutoff)


@pytest.mark.parametrize("n", [0, -1])
def test_matches_counts_from_one(car, n):
    with pytest.raises(ValueError, match=f"n must be at least 1, got {n}"):
        car.matches("colour", n)


def test_matches_are_ordered_distinct_and_no_more_than_asked_for(car):
    for query in [*INEXACT, "color"]:
        for n in (1, 2, 10):
            matches = car.matches(query, n, cutoff=0.0)
            scores = [match.score for match in matches]
            keys = [match.key for match in matches]
            assert scores == sorted(scores, reverse=True)
            assert len(set(keys)) == len(keys) <= n
            assert all(0 <= score <= 1 for score in scores)
            assert [car[key] for key in keys] == [match.value for match in matches]


def test_matches_leave_out_what_is_under_the_cutoff(car):
    every = car.matches("colour", 4, cutoff=0.0)
    for cutoff in (0.001, 0.5, 0.9):
        assert car.matches("colour", 4, cutoff=cutoff) == [m for m in every if m.score >= cutoff]


def test_a_match_is_a_tuple_of_key_value_and_score(car):
    key, value, score = match = car.match("colour")
    assert (key, value) == ("color", "red")
    assert match == (match.key, match.value, match.score)
    assert car.cutoff <= score < 1
    assert repr(Match("a", 1, 0.5)) == "Match(key='a', value=1, score=0.5)"


def test_a_guard_of_ones_own_forbids_a_key(car):
    assert "prices" in car
    guarded = FuzzyDict(car, guards=[*DEFAULT, never_about_price])
    assert "prices" not in guarded
    assert "colour" in guarded
    assert all(match.key != "price" for match in guarded.matches("prices", cutoff=0.0))
    assert guarded["price"] == 49_000


def test_a_guard_is_given_the_words_of_query_and_key():
    seen = []
    d = FuzzyDict({"max_connections": 1}, guards=[lambda *both: seen.append(both)])
    assert d["maxConnections"] == 1
    assert (("max", "connections"), ("max", "connections")) in seen


def test_guards_can_be_turned_off():
    sales = {"Q1 revenue": 10}
    assert FuzzyDict(sales).match("Q2 revenue", cutoff=0.0) is None
    assert FuzzyDict(sales, guards=[numbers_differ]).match("Q2 revenue", cutoff=0.0) is None
    assert FuzzyDict(sales, guards=()).match("Q2 revenue", cutoff=0.0).key == "Q1 revenue"


def test_the_name_of_no_model_fails_where_it_is_given():
    with pytest.raises(FileNotFoundError, match="no model 'defualt'"):
        FuzzyDict(embedder="defualt")


def test_what_is_no_embedder_fails_where_it_is_given():
    with pytest.raises(TypeError, match="embedder must be"):
        FuzzyDict(embedder=5)


def test_labelled_pairs_calibrate_the_scores_of_a_dictionary_and_its_copies(car):
    before = car.match("hue", cutoff=0.0)
    car.calibrate([("colour", "color"), ("hue", None), ("parliament", None)] * 5)
    after = car.match("hue", cutoff=0.0)
    assert after != before
    assert car["color"] == "red"
    for again in (car.copy(), copy.deepcopy(car), pickle.loads(pickle.dumps(car)), car | {}):
        assert again.match("hue", cutoff=0.0) == after


def test_pairs_that_are_none_are_refused(car):
    for pairs in ([("colour", "hue")], [(1, "color")], [("colour", 1)]):
        with pytest.raises(ValueError, match="pair"):
            car.calibrate(pairs)


# Copies


def copies(d):
    return {
        "copy": d.copy(),
        "copy.copy": copy.copy(d),
        "copy.deepcopy": copy.deepcopy(d),
        "|": d | {},
        **{
            f"pickle {protocol}": pickle.loads(pickle.dumps(d, protocol))
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
        },
    }


HOW = list(copies(FuzzyDict()))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("read_before", [False, True])
def test_copies_are_equal_independent_and_of_the_same_options(how, read_before):
    d = FuzzyDict(
        {"color": "red", "price": 5, 1: "one"},
        embedder=Bags(),
        cutoff=0.6,
        guards=[never_about_price],
    )
    if read_before:
        assert "colour" in d
    again = copies(d)[how]
    assert type(again) is FuzzyDict
    assert list(again.items()) == list(d.items())
    assert again.cutoff == 0.6
    assert again["colour"] == "red"
    assert all(match.key != "price" for match in again.matches("prices", cutoff=0.0))
    again["zebra"] = 1
    del again["color"]
    assert "color" in d
    assert "zebra" not in d
    assert "colour" not in again
    assert d["colour"] == "red"


@pytest.mark.parametrize("how", HOW)
def test_copies_of_a_subclass_keep_its_attributes(how):
    d = Catalogue("cars", color=["red"])
    again = copies(d)[how]
    assert type(again) is Catalogue
    assert again.title == "cars"
    assert again.cutoff == 0.9
    assert again == {"color": ["red"]}
    again.title = "boats"
    assert d.title == "cars"


def test_a_deep_copy_shares_no_value_and_a_shallow_one_all():
    d = FuzzyDict(color=["red"])
    assert copy.copy(d)["color"] is d["color"]
    assert d.copy()["color"] is d["color"]
    assert copy.deepcopy(d)["color"] is not d["color"]


def test_a_dictionary_that_holds_itself_is_copied_and_pickled():
    d = FuzzyDict(name="loop")
    d["self"] = d
    for again in (copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        assert again["self"] is again
        assert again["name"] == "loop"
    assert repr(d) == "{'name': 'loop', 'self': {...}}"


def test_a_pickle_does_not_hold_the_vectors_of_a_shipped_model(car):
    assert "colour" in car
    assert len(pickle.dumps(car)) < 1000


def test_the_union_is_of_the_class_and_the_right_side_wins(car):
    for union in (car | {"color": "blue", "new": 1}, car | FuzzyDict(color="blue", new=1)):
        assert type(union) is FuzzyDict
        assert union == {**car, "color": "blue", "new": 1}
        assert union["colour"] == "blue"
    union = {"color": "blue", "new": 1} | car
    assert type(union) is FuzzyDict
    assert list(union.items())[:2] == [("color", "red"), ("new", 1)]
    assert union["colour"] == "red"


def test_a_union_in_place_keeps_the_object(car):
    same = car
    car |= {"color": "blue"}
    car |= [("wheels", 4)]
    assert car is same
    assert car["colour"] == "blue"
    assert car["wheel"] == 4


def test_a_union_with_what_is_no_dict_is_a_type_error(car):
    for other in (None, [("a", 1)], "ab"):
        with pytest.raises(TypeError, match="unsupported operand"):
            car | other
        with pytest.raises(TypeError, match="unsupported operand"):
            other | car


def test_fromkeys_makes_the_class():
    d = FuzzyDict.fromkeys(["color", "price"], 0)
    assert type(d) is FuzzyDict
    assert d == {"color": 0, "price": 0}
    assert d["colour"] == 0
    assert FuzzyDict.fromkeys("ab") == {"a": None, "b": None}


# What others do with a dict


def test_views_iteration_and_equality_are_exact(car):
    plain = dict(car)
    assert type(plain) is dict
    assert "colour" in car
    assert "colour" not in car.keys()  # noqa: SIM118
    assert ("colour", "red") not in car.items()
    assert list(car) == list(plain) == list(car.keys())
    assert list(reversed(car)) == list(reversed(plain))
    assert sorted(car) == sorted(plain)
    assert list(car.values()) == list(plain.values())
    assert len(car) == len(plain)
    assert car == plain
    assert car != {**plain, "colour": "red"}
    assert repr(car) == repr(plain)
    assert car.keys() & {"color", "colour"} == {"color"}


def test_json_holds_the_keys_that_there_are(car):
    assert json.loads(json.dumps(car)) == dict(car)


def test_keywords_are_the_keys_that_there_are():
    d = FuzzyDict(color="red", price=1)
    assert (lambda **given: given)(**d) == {"color": "red", "price": 1}
    assert {**d} == dict(d)


def test_format_map_reads_fuzzily(car):
    assert "{colour} at {topSpeed}".format_map(car) == "red at 250"
    with pytest.raises(NoMatchError):
        "{parliament}".format_map(car)


def test_a_match_statement_reads_fuzzily(car):
    match car:
        case {"parliament": _}:
            found = None
        case {"colour": colour, "topSpeed": 250}:
            found = colour
    assert found == "red"


def test_a_series_is_mapped_by_meaning(car):
    assert pd.Series(["color", "colour", "Price"]).map(car).tolist() == ["red", "red", 49_000]


def test_a_value_of_a_series_that_matches_nothing_raises_unless_it_is_asked_by_get(car):
    words = pd.Series(["colour", "parliament"])
    with pytest.raises(NoMatchError):
        words.map(car)
    found = words.map(car.get)
    assert found[0] == "red"
    assert pd.isna(found[1])


def test_it_can_be_referred_to_weakly():
    d = FuzzyDict(color="red")
    reference = weakref.ref(d)
    assert reference() is d
    del d
    gc.collect()
    assert reference() is None


def test_it_is_not_hashable_and_takes_type_parameters(car):
    with pytest.raises(TypeError, match="unhashable"):
        hash(car)
    assert FuzzyDict[str, int](a=1) == {"a": 1}


def test_an_instance_has_no_room_for_stray_attributes(car):
    with pytest.raises(AttributeError):
        car.cutof = 0.5


def test_threads_may_read_together(letters):
    d = FuzzyDict({f"colour {word}": word for word in "abcdefgh"}, embedder=letters)
    failures = []

    def read():
        try:
            for word in "abcdefgh" * 20:
                assert d[f"Colour {word}"] == word
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_last_item_that_goes_is_found_no_more():
    d = FuzzyDict({"price": 1, "color": "red"})
    assert d["colour"] == "red"
    assert d.popitem() == ("color", "red")
    d._check()
    assert "colour" not in d


def test_a_query_of_a_thousand_characters_is_remembered_and_a_longer_one_is_not():
    d = FuzzyDict({"color": 1})
    for text in ("y" * 1000, "y" * 1001):
        assert text not in d
    assert [*d._sync.cache] == ["y" * 1000]


def test_a_deep_copy_keeps_what_is_one_object_one():
    class Thing:
        pass

    class Kept(FuzzyDict):
        pass

    thing = Thing()
    d = Kept({thing: thing})
    d.note = thing
    copied = copy.deepcopy(d)
    ((key, value),) = copied.items()
    assert key is value is copied.note
    assert key is not thing


def test_an_answer_that_writes_made_wrong_is_not_remembered_after_another_query():
    d = FuzzyDict({"price": 1})
    assert "colour" not in d
    d["color"] = "red"
    assert d["cost"] == 1
    assert d["colour"] == "red"
    del d["color"]
    assert d["cost"] == 1
    assert "colour" not in d


def test_the_check_finds_a_ranker_that_does_not_agree_with_the_dictionary():
    d = FuzzyDict(color=1, price=2)
    d._check()
    assert d["colour"] == 1
    d._check()
    learned = d._learned
    d._learned = learned._replace(corrections={"hue": "color"})
    with pytest.raises(AssertionError):
        d._check()
    d._learned = learned
    d._sync.ranker.entries.remove("color")
    with pytest.raises(AssertionError, match=r"\{'color'\}"):
        d._check()


def test_strict_dictionaries_stay_strict(tmp_path):
    strict = FuzzyDict({"port": 8080, "host": "localhost"}, strict=True)
    strict.save(tmp_path / "strict")
    copies = [
        strict.copy(),
        copy.copy(strict),
        copy.deepcopy(strict),
        pickle.loads(pickle.dumps(strict)),
        FuzzyDict.load(tmp_path / "strict"),
        strict | {"user": "ana"},
        {"user": "ana"} | strict,
    ]
    for each in copies:
        assert each.strict
        assert "PORT" not in each
        with pytest.raises(NoMatchError, match=r"'prot': did you mean 'port'\?"):
            each["prot"]
    assert "PORT" in FuzzyDict(strict)  # as dict does, it copies items only
    fuzzy = FuzzyDict.load(tmp_path / "strict")
    fuzzy.strict = False
    assert fuzzy["PORT"] == 8080


def test_the_error_of_a_strict_dictionary_can_be_pickled():
    with pytest.raises(NoMatchError) as caught:
        FuzzyDict({"port": 8080}, strict=True)["prot"]
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) == "'prot': did you mean 'port'?"
    assert again.strict


def test_misses_of_strict_dictionaries_are_counted():
    d = FuzzyDict({"port": 8080}, strict=True)
    stats = d.stats()
    with pytest.raises(NoMatchError):
        d["prot"]
    assert (d.get("prot"), repr(stats)) == (None, "Stats(inexact=0, missed=2)")
