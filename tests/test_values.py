"""Soft lookup: how much each key is meant, and what the values make together."""

import copy
import pickle
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from conftest import count_letters
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict
from fuzzydict.ranking.ranker import CANDIDATES, SHORTLIST, Ranker
from fuzzydict.results import Attention, attention_weights, weigh
from fuzzydict.text import spelling
from fuzzydict.text.tokens import compact, words

QUERIES = ["colour", "color", "topspeed", "parliament", "prices", "?!", ""]
TEMPERATURES = [1e-3, 0.1, 0.5, 1.0, 3.0, 1e6]


def total(found):
    return sum(found.weights.values()) + found.no_match


def same(one, other):
    """Do two answers say the same, but for rounding?"""
    return (
        set(one.weights) == set(other.weights)
        and one.no_match == pytest.approx(other.no_match, abs=1e-5)
        and dict(one.weights) == pytest.approx(dict(other.weights), abs=1e-5)
    )


def blend(weights, values, no_match=0.0, embedder=None):
    """Return an answer of the values, with these weights."""
    return Attention(dict(enumerate(weights)), values, no_match, embedder)


class Embedder:
    """Knows where four words are, and counts how often it is asked."""

    name = "four words"

    def __init__(self):
        self.calls = 0
        self.places = {"east": [1, 0], "north": [0, 1], "northeast": [0.6, 0.8], "west": [-1, 0]}

    def encode(self, texts):
        self.calls += 1
        return np.array([self.places.get(text, [0, 0]) for text in texts], np.float32)


# The weights


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("query", QUERIES)
def test_the_weights_sum_to_one_with_the_null_key_where_it_takes_part(car, query, temperature):
    found = car.attend(query, temperature=temperature, null_key=True)
    assert total(found) == pytest.approx(1, abs=1e-5)
    assert all(0 < weight <= 1 for weight in found.weights.values())
    without = car.attend(query, temperature=temperature)
    assert without.no_match == pytest.approx(found.no_match, abs=1e-6)
    found = without
    assert not found.weights or sum(found.weights.values()) == pytest.approx(1, abs=1e-5)
    assert all(0 < weight <= 1 for weight in found.weights.values())
    assert 0 <= found.no_match <= 1


@pytest.mark.parametrize("query", QUERIES)
def test_the_keys_are_in_the_order_of_their_weights(car, query):
    found = car.attend(query)
    weights = list(found.weights.values())
    assert weights == sorted(weights, reverse=True)
    assert found.keys == list(found.weights)
    assert found.best == (found.keys[0] if found.keys else None)


def test_the_key_that_is_written_otherwise_has_the_largest_weight(car):
    found = car.attend("colour")
    assert found.best == "color"
    assert found.weights["color"] > 0.5 > found.no_match


def test_what_no_key_means_is_shared_among_the_related_keys():
    values = {
        "brand": 1, "model": 2, "color": 3, "battery": 7, "top speed": 9, "horse power": 8,
    }  # fmt: skip
    found = FuzzyDict(values).attend("performance")
    weights = dict(found.weights)
    assert found.no_match > 0.5
    assert sum(weights[key] for key in ("battery", "top speed", "horse power")) >= 0.75
    assert weights["battery"] > weights["brand"] > weights["color"]
    assert weights["color"] <= 0.03
    assert min(values.values()) <= found.value <= max(values.values())


def test_weights_are_shared_by_the_cosines_and_the_temperature():
    logits, cosines = np.array([-50.0, -50.0, -np.inf]), np.array([0.4, 0.3, 0.9])
    for temperature in (0.5, 1.0, 2.0):
        weights, no_match = attention_weights(logits, cosines, 0.5, temperature)
        assert no_match == pytest.approx(1)
        assert weights[0] / weights[1] == pytest.approx(np.exp(0.59 / temperature), rel=1e-4)
        assert weights[2] == 0
    weights, no_match = attention_weights(np.full(2, -np.inf), np.zeros(2), 0.5)
    assert (weights.tolist(), no_match) == ([0, 0], 1)


@pytest.mark.parametrize("query", ["colour", "topspeed", "parliament", "prices"])
@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_at_temperature_one_the_weights_are_the_probabilities_of_the_matches(car, query, n):
    car.update({f"key {i}": i for i in range(100)})
    matches = car.matches(query, n, cutoff=0.0)
    found = car.attend(query, null_key=True)
    assert found.keys[:n] == [match.key for match in matches]
    assert list(found.weights.values())[:n] == pytest.approx([match.score for match in matches])


@pytest.mark.parametrize("query", ["colour", "topspeed", "parliament"])
def test_a_high_temperature_flattens_the_weights(car, query):
    flat = car.attend(query, temperature=1e6, null_key=True)
    assert list(flat.weights.values()) == pytest.approx([1 / 5] * 4, abs=1e-4)
    assert flat.no_match == pytest.approx(1 / 5, abs=1e-4)
    entropies = []
    for temperature in (1.0, 2.0, 5.0, 25.0):
        found = car.attend(query, temperature=temperature, null_key=True)
        shares = np.array([found.no_match, *found.weights.values()])
        entropies.append(-float(shares @ np.log(shares)))
    assert entropies == sorted(entropies)


def test_a_temperature_just_below_one_is_nearly_that_of_one(car):
    for query in QUERIES:
        below, one = car.attend(query, temperature=1 - 1e-7), car.attend(query)
        assert same(below, one)


# The limit: a hard lookup

WORDS = ["color", "top", "speed", "price", "log", "in", "off", "1", "2", "zebra"]
STYLES = [" ".join, "_".join, "-".join, lambda parts: " ".join(parts).title(), "".join]
TEXTS = st.builds(
    lambda parts, style: style(parts),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    st.sampled_from(STYLES),
) | st.sampled_from(["", "?!", "colour", "COLOR", "Color", "prices", "topspeed", "parliament"])


@settings(max_examples=300)
@given(
    keys=st.lists(TEXTS, max_size=8, unique=True),
    query=TEXTS,
    cutoff=st.sampled_from([None, 0.0, 0.05, 0.3, 0.6, 0.9, 0.999999, 1.0]),
    embedder=st.sampled_from(["default", count_letters]),
)
def test_at_temperature_zero_attention_is_the_hard_lookup(keys, query, cutoff, embedder):
    d = FuzzyDict(dict.fromkeys(keys), embedder=embedder, cutoff=cutoff)
    ranked, match = d.matches(query, cutoff=0.0), d.match(query)
    # At the border of the cutoff, a temperature near zero is not near enough.
    assume(all(abs(np.log(other.score / max(d.cutoff, 1e-30))) > 0.05 for other in ranked))
    found = d.attend(query, temperature=1e-3)
    if match is None:
        assert found.no_match > 0.99
    else:
        assert found.no_match < 0.01
        assert found.best == match.key
    if query in keys:
        assert found.best == query


def test_at_temperature_zero_a_miss_is_all_silence(car):
    assert "parliament" not in car
    found = car.attend("parliament", temperature=1e-3)
    assert found.no_match == pytest.approx(1)


def test_an_exact_key_wins_however_many_keys_have_its_words():
    keys = ["Color", "COLOR", "color", "colors", "co-lor"]
    d = FuzzyDict(dict.fromkeys(keys), cutoff=0.999)
    for key in keys:
        found = d.attend(key, temperature=1e-3)
        assert found.best == key
        assert found.no_match < 0.01


def test_of_keys_of_the_same_words_the_one_that_is_written_most_like_the_query_stands_out():
    d = FuzzyDict({"top speed": 1, "TOP_SPEED": 2, "topSpeed": 3, "price": 4})
    for query, key in [("top speeds", "top speed"), ("TOP-SPEED", "TOP_SPEED")]:
        found = d.attend(query)
        others = {"top speed", "TOP_SPEED", "topSpeed"} - {key}
        assert found.best == d.match(query).key == key
        assert all(0 < found.weights[other] < 0.1 * found.weights[key] for other in others)


def test_the_cutoff_is_the_probability_at_which_the_null_key_begins_to_win():
    logits = np.log(np.array([3.0, 1.0], np.float32))  # beside the null key's 1: 0.6, 0.2 and 0.2
    for cutoff, no_match in [(0.3, 0.0), (0.59, 0.0), (0.61, 1.0), (0.9, 1.0)]:
        weights, null = weigh(logits, cutoff, 1e-3)
        assert null == pytest.approx(no_match, abs=1e-3)
        assert weights[0] == pytest.approx(1 - no_match, abs=1e-3)


def test_with_a_cutoff_of_zero_the_least_probable_key_wins_over_the_null_key():
    weights, no_match = weigh(np.array([-60.0], np.float32), 0.0, 1e-3)
    assert weights[0] == 1
    assert no_match == 0


# Which keys are attended to


@pytest.mark.parametrize("n", [1, 2, 3])
def test_n_is_the_most_keys_that_have_a_weight(car, n):
    found = car.attend("colour", n=n)
    assert len(found.weights) == n
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.best == "color"


def test_by_default_as_many_keys_are_attended_to_as_a_hard_lookup_scores(letters):
    d = FuzzyDict({f"key {letter}": 1 for letter in map(chr, range(0x4E00, 0x4E80))})
    assert len(d.attend("keys", temperature=10.0).weights) == SHORTLIST
    assert len(d.attend("keys", temperature=10.0, n=100).weights) == 100


def test_a_mask_of_keys_leaves_no_weight_to_the_others(car):
    found = car.attend("colour", mask=["price", "battery"])
    assert set(found.weights) == {"price", "battery"}
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.no_match > car.attend("colour").no_match


def test_a_mask_may_be_a_function_of_the_key(car):
    by_function = car.attend("colour", mask=lambda key: key.startswith("p"))
    assert same(by_function, car.attend("colour", mask={"price"}))
    assert set(by_function.weights) == {"price"}


@pytest.mark.parametrize("mask", [[], (), set(), iter(()), lambda key: False])
@pytest.mark.parametrize("query", ["colour", "color", 1])
def test_a_mask_of_no_keys_leaves_silence(car, query, mask):
    car[1] = "one"
    found = car.attend(query, mask=mask)
    assert found.no_match == 1
    assert found.keys == []
    assert found.best is None


def test_a_mask_that_allows_all_keys_changes_nothing(car):
    for query in QUERIES:
        assert same(car.attend(query, mask=list(car)), car.attend(query))
        assert same(car.attend(query, mask=lambda key: True), car.attend(query))


def test_an_exact_key_outside_of_the_mask_has_no_weight(car):
    car["colour"] = "blue"
    found = car.attend("colour", mask=["color", "price"])
    assert found.best == "color"
    assert "colour" not in found.weights


def test_a_mask_finds_keys_that_are_not_among_the_nearest():
    d = FuzzyDict({f"color {letter}": 1 for letter in map(chr, range(0x4E00, 0x4E80))})
    d["zebra"] = 2
    assert "zebra" not in d.attend("color").weights
    assert d.attend("color", mask=["zebra"], temperature=9.0).keys == ["zebra"]


@pytest.mark.parametrize("mask", [["parliament"], ["color", "colour"], [1], "color"])
def test_a_mask_that_names_what_is_no_key_is_refused(car, mask):
    with pytest.raises(ValueError, match="which is no key"):
        car.attend("colour", mask=mask)


def test_guards_hide_keys_from_attention_too():
    d = FuzzyDict({"turn off": 0, "turn on": 1, "color": 2})
    found = d.attend("turns on", temperature=5.0)
    assert set(found.weights) == {"turn on", "color"}
    assert sum(found.weights.values()) == pytest.approx(1)
    assert "turn off" in FuzzyDict(d, guards=()).attend("turns on", temperature=5.0).weights


def test_where_guards_forbid_every_key_there_is_silence():
    d = FuzzyDict({"color": 1, "price": 2}, guards=[lambda query, key: True])
    assert d.attend("colour").no_match == pytest.approx(1)
    assert d.attend("colour").keys == []
    assert d.attend("color").keys == ["color"]


# What may be asked


@pytest.mark.parametrize("query", [1, None, 2.5, b"color"])
def test_a_query_that_is_no_text_finds_its_very_key(car, query):
    assert car.attend(query).no_match == 1
    assert car.attend(query).value == 0.0
    car[query] = 7
    found = car.attend(query)
    assert dict(found.weights) == {query: 1.0}
    assert found.no_match == 0
    assert found.value == 7
    assert dict(car.attend(query, mask=["color"]).weights) == {}
    assert dict(car.attend(query, mask=[query]).weights) == {query: 1.0}


def test_a_key_that_is_iterable_is_found_in_a_list_of_queries(car):
    for key in ((1, "a"), frozenset({1})):
        car[key] = 7
        (found,) = car.attend([key])
        assert dict(found.weights) == {key: 1.0}


def test_keys_that_are_no_text_have_no_weight_for_texts():
    d = FuzzyDict({1: "int", ("color",): "tuple", "color": "text"})
    assert d.attend("colour").keys == ["color"]
    assert d.attend("1").keys == ["color"]


def test_an_unhashable_query_is_a_type_error_as_in_a_dict(car):
    for query in ([{}], [set()], bytearray(b"color")):
        with pytest.raises(TypeError, match="unhashable"):
            car.attend(query)


@pytest.mark.parametrize("query", ["color", "", 1, None])
def test_an_empty_dictionary_is_silent(query):
    found = FuzzyDict().attend(query)
    assert dict(found.weights) == {}
    assert found.no_match == 1
    assert found.best is None
    assert found.value == 0.0
    assert found.vote() == {}
    assert not found.vector.any()
    assert found.nearest() is None


def test_with_fuzzy_reads_off_only_exact_keys_have_weight():
    d = FuzzyDict({"color": 1, "price": 2}, cutoff=1.0)
    assert d.attend("colour").no_match == 1
    assert dict(d.attend("color").weights) == {"color": 1.0}
    assert d.attend("color", mask=["price"]).no_match == 1


def test_attention_changes_nothing(car):
    before = list(car.items())
    car.attend(QUERIES)
    assert list(car.items()) == before


@pytest.mark.parametrize("options", [{}, {"temperature": 0.3}, {"n": 2}, {"mask": ["price"]}])
def test_a_list_of_queries_gets_the_answers_of_single_ones(car, options):
    car[1] = "one"
    queries = [*QUERIES, 1, None, "colour"]
    found = car.attend(queries, **options)
    assert type(found) is list
    assert len(found) == len(queries)
    for answer, query in zip(found, queries, strict=True):
        assert same(answer, car.attend(query, **options))


def test_no_queries_get_no_answers(car):
    assert car.attend([]) == []


def test_a_list_of_queries_is_embedded_and_searched_at_once(counting, monkeypatch):
    calls = []
    d = FuzzyDict({"color": 1, "price": 2}, embedder=counting)
    d.attend("warm up")
    encode, score = counting.encode, Ranker.score
    embedder = d._sync.ranker.embedder
    monkeypatch.setattr(embedder, "_function", lambda t: calls.append(t) or encode(t))
    monkeypatch.setattr(
        Ranker, "score", lambda *args, **more: calls.append("score") or score(*args, **more)
    )
    d.attend(["colour", 1, "prices", "parliament"])
    assert calls == ["score", ["colour", "prices", "parliament"]]


@pytest.mark.parametrize("temperature", [0, 0.0, -1, float("nan"), float("inf"), -float("inf")])
def test_a_temperature_that_is_not_above_zero_is_refused(car, temperature):
    with pytest.raises(ValueError, match="temperature must be a positive"):
        car.attend("colour", temperature=temperature)


@pytest.mark.parametrize("n", [0, -1])
def test_an_n_below_one_is_refused(car, n):
    with pytest.raises(ValueError, match="n must be at least 1"):
        car.attend("colour", n=n)


# Memory


def test_a_hundred_thousand_keys_need_little_memory_and_the_nearest_are_found():
    def embed(texts):
        codes = [sum(ord(letter) * 31**i for i, letter in enumerate(text)) for text in texts]
        return np.sin(np.outer(np.array(codes) % 1009 + 1, np.arange(1, 9)))

    keys = [f"{a}{b}{c}{d}{e}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst" for d in "aeiouy"
            for e in range(112)]  # fmt: skip
    assert len(keys) > 100_000
    d = FuzzyDict(zip(keys, range(len(keys)), strict=True), embedder=embed, guards=())
    queries = [f"{key[1:]}x" for key in keys[:: len(keys) // 50]][:50]
    d.attend("warm up")
    tracemalloc.start()
    found = d.attend(queries, temperature=5.0, n=CANDIDATES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    d.attend(queries, mask=lambda key: not key.endswith("7"))
    masked = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 64e6
    assert masked < 64e6

    def rows(texts):
        vectors = embed(texts)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.hstack([vectors, spelling.encode([compact(words(text)) for text in texts])])

    place = {key: i for i, key in enumerate(keys)}
    table = d._sync.ranker.table
    products = rows(queries) @ table.vectors(map(table.find, keys)).T
    for row, answer in zip(products, found, strict=True):
        assert len(answer.weights) == CANDIDATES
        chosen = np.array([place[key] for key in answer.weights])
        assert row[chosen].min() >= np.delete(row, chosen).max() - 1e-5


# Blending numbers


@pytest.mark.parametrize(
    ("values", "blended"),
    [
        ([10, 20], 14),
        ([1.5, -1.5], 0.3),
        ([np.float32(1), np.int64(2)], 1.4),
        ([np.float16(1), 2], 1.4),
        ([True, False], 0.6),
        ([Decimal("1.5"), Fraction(1, 2)], 1.1),
        ([2**70, 0], 0.6 * 2**70),
        ([1j, 1], 0.4 + 0.6j),
        ([np.array(1.0), 2], 1.4),
        ([np.uint8(250), np.uint8(250)], 250),
    ],
)
def test_numbers_blend_to_their_weighted_sum(values, blended):
    value = blend([0.6, 0.4], values).value
    assert type(value) in (float, complex)
    assert value == pytest.approx(blended)


@pytest.mark.parametrize(
    ("values", "blended"),
    [
        ([np.array([1, 2]), np.array([3.0, 4.0])], [1.8, 2.8]),
        ([[1, 2], [3, 4]], [1.8, 2.8]),
        ([(1, 2), [3, 4]], [1.8, 2.8]),
        ([np.eye(2), np.ones((2, 2))], [[1, 0.4], [0.4, 1]]),
        ([[Decimal(1)], [Fraction(1, 2)]], [0.8]),
        ([np.full(2, 200, np.uint8), np.full(2, 250, np.uint8)], [220, 220]),
    ],
)
def test_arrays_of_one_shape_blend_to_an_array_of_that_shape(values, blended):
    value = blend([0.6, 0.4], values).value
    assert type(value) is np.ndarray
    np.testing.assert_allclose(value, blended)


def test_the_value_of_the_null_key_is_zero():
    assert blend([0.5, 0.2], [10, 10], no_match=0.3).value == pytest.approx(7)
    assert blend([], [], no_match=1.0).value == 0.0


def test_the_blended_value_is_the_sum_of_the_weights_times_the_values():
    d = FuzzyDict({"walk": 5, "run": 12, "runner": 20})
    found = d.attend("runs", temperature=2.0)
    assert found.value == pytest.approx(sum(w * d[key] for key, w in found.weights.items()))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["red", "blue"], "values of str"),
        ([1, "red"], "values of int, str"),
        ([1, None], "values of NoneType, int"),
        ([{"a": 1}, {"a": 2}], "values of dict"),
        ([[1, 2], [[1], [2, 3]]], "values of list"),
        ([["a"], ["b"]], "values of list"),
        ([np.zeros(2), np.zeros(3)], r"values of the shapes \(2,\), \(3,\)"),
        ([1, np.zeros(3)], r"values of the shapes \(\), \(3,\)"),
        ([np.datetime64("2020-01-01")] * 2, "values of datetime64"),
    ],
)
def test_values_without_a_weighted_sum_say_what_to_use(values, names):
    with pytest.raises(TypeError, match=rf"{names} have no weighted sum.*\.vote\(\).*\.vector"):
        _ = blend([0.6, 0.4], values).value


# Votes


def test_a_vote_adds_the_weights_of_equal_values_the_largest_first():
    found = blend([0.4, 0.3, 0.2], ["red", "blue", "blue"], no_match=0.1)
    assert found.vote() == pytest.approx({"blue": 0.5, "red": 0.4})
    assert list(found.vote()) == ["blue", "red"]
    assert blend([0.6, 0.4], [1, True]).vote() == {1: 1.0}


def test_votes_sum_to_one():
    d = FuzzyDict({"t-shirt": "top", "tee shirt": "top", "skirt": "bottom", "shoe": "feet"})
    found = d.attend("tshirts")
    assert next(iter(found.vote())) == "top"
    assert sum(found.vote().values()) == pytest.approx(1, abs=1e-5)


def test_a_vote_of_values_that_are_not_hashable_is_a_type_error():
    with pytest.raises(TypeError, match="unhashable"):
        blend([0.6, 0.4], [[1], [2]]).vote()


# Blending texts


def test_the_vector_is_the_weighted_sum_of_the_embedded_values():
    embedder = Embedder()
    found = blend([0.5, 0.3], ["east", "north"], 0.2, embedder)
    np.testing.assert_allclose(found.vector, [0.5, 0.3])
    assert found.vector.dtype == np.float32
    assert blend([], [], 1.0, embedder).vector.tolist() == [0, 0]


def test_the_nearest_value_lies_in_the_direction_of_the_vector():
    embedder = Embedder()
    found = blend([0.4, 0.35, 0.25], ["east", "north", "northeast"], 0.0, embedder)
    assert found.nearest() == "northeast"
    assert embedder.calls == 1
    assert blend([0.9, 0.1], ["west", "east"], 0.0, embedder).nearest() == "west"
    assert blend([], [], 1.0, embedder).nearest() is None


def test_the_texts_of_a_dictionary_blend_by_its_own_embedder(letters):
    d = FuzzyDict({"color": "aaa", "price": "bbb"}, embedder=letters)
    found = d.attend("colour")
    assert found.vector[:2] == pytest.approx([found.weights["color"], found.weights["price"]])
    assert found.nearest() == "aaa"


@pytest.mark.parametrize("values", [[1, 2], ["red", 1], [None], [b"red"], [["red"]]])
def test_only_texts_are_embedded(values):
    found = blend([0.5] * len(values), values, embedder=Embedder())
    with pytest.raises(TypeError, match=r"only texts are embedded, not .*\.value"):
        _ = found.vector
    with pytest.raises(TypeError, match="only texts are embedded"):
        found.nearest()


# The answer itself


def test_an_answer_shows_its_weights_and_its_silence():
    assert repr(blend([0.7, 0.2], [1, 2], 0.1)) == "<Attention 0: 0.70, 1: 0.20, no match: 0.10>"
    assert repr(blend([], [], 1.0)) == "<Attention no match: 1.00>"
    assert "4: 0.10, … 2 more, no match: 0.30>" in repr(blend([0.1] * 7, [1] * 7, 0.3))


def test_an_answer_never_changes(car):
    weights = {"color": 0.5}
    found = Attention(weights, ["red"], 0.5, Embedder())
    weights["color"] = 9
    assert found.weights["color"] == 0.5
    with pytest.raises(TypeError):
        found.weights["color"] = 1
    for name in ("weights", "no_match", "keys", "best", "value", "vector", "other"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(found, name, 1)
    found = car.attend("colour")
    before = dict(found.weights), found.vote()
    car["color"] = "blue"
    del car["price"]
    assert (dict(found.weights), found.vote()) == before


def test_an_answer_survives_copies_and_pickles(car):
    found = car.attend("colour")
    for again in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert dict(again.weights) == dict(found.weights)
        assert again.no_match == found.no_match
        assert again.vote() == found.vote()
        assert repr(again) == repr(found)
