"""From a query to ranked keys."""

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.matching import Matcher, WordUsage

ARTICLE = ["brand", "model", "color", "battery", "top speed", "horse power", "price"]


@pytest.fixture(scope="module")
def car():
    return FuzzyDict(dict.fromkeys(ARTICLE, 0))


@pytest.fixture
def matcher(default_embedder):
    matcher = Matcher(default_embedder)
    matcher.add(ARTICLE)
    return matcher


@pytest.fixture(scope="module")
def default_embedder():
    from fuzzydict.embedders import load

    return load("default")


# The dictionary of the article that explains attention by dictionaries.


@pytest.mark.parametrize("query", ["colour", "hue"])
def test_colour_and_hue_are_color(car, query):
    assert car.match(query).key == "color"


def test_velocity_is_top_speed(car):
    assert car.match("velocity").key == "top speed"


def test_performance_is_battery_top_speed_and_horse_power_rather_than_color(car):
    weights = car.attend("performance").weights
    for key in ("battery", "top speed", "horse power"):
        assert weights[key] > weights["color"]


def test_a_car_has_no_parliament(car):
    assert "parliament" not in car


# Ranking.


def test_the_probabilities_of_all_keys_and_of_none_sum_to_one(matcher):
    (candidates,) = matcher.candidates(["speed"])
    shares = candidates.probabilities()
    assert 0 < shares.sum() < 1
    assert len(shares) == len(ARTICLE)


def test_the_best_comes_first_and_no_more_than_asked_for(matcher):
    ranked = matcher.rank("colours", 3)
    assert ranked[0][0] == "color"
    assert len(ranked) == 3
    assert [score for _, score in ranked] == sorted((score for _, score in ranked), reverse=True)


def test_keys_are_ranked_the_same_in_whatever_order_they_came(default_embedder):
    one, other = Matcher(default_embedder), Matcher(default_embedder)
    one.add(ARTICLE)
    for key in reversed(ARTICLE):
        other.add([key])
    for query in ("hue", "velocity", "mdoel", "cost"):
        first, second = one.rank(query, 7), other.rank(query, 7)
        assert [key for key, _ in first] == [key for key, _ in second]
        assert np.allclose([s for _, s in first], [s for _, s in second], atol=1e-4)


def test_a_key_that_was_discarded_is_never_an_answer(matcher):
    matcher.discard("color")
    matcher.discard("no such key")
    assert "color" not in matcher
    assert "color" not in dict(matcher.rank("colour", 9))


def test_a_forbidden_key_has_no_place(default_embedder):
    matcher = Matcher(default_embedder)
    matcher.add(["turn on", "turn left"])
    assert "turn on" not in dict(matcher.rank("turn off", 9))


def test_only_the_nearest_keys_are_scored(default_embedder):
    matcher = Matcher(default_embedder)
    matcher.add([f"item {number}" for number in range(500)] + ["color"])
    (candidates,) = matcher.candidates(["colour"], n=10)
    assert len(candidates.keys) == 10
    assert candidates.keys[int(candidates.logits.argmax())] == "color"


def test_candidates_can_be_chosen_among_some_keys(matcher):
    (candidates,) = matcher.candidates(["colour"], among=["price", "brand"])
    assert set(candidates.keys) == {"price", "brand"}


def test_a_typo_an_abbreviation_a_synonym_and_an_order_are_found():
    d = FuzzyDict(dict.fromkeys(["quantity", "date of birth", "shipping address", "customer name"]))
    for query, key in {
        "quantiyt": "quantity",
        "qty": "quantity",
        "birth_date": "date of birth",
        "dob": "date of birth",
        "ShippingAddr": "shipping address",
        "deliveryAddress": "shipping address",
        "client name": "customer name",
    }.items():
        assert d.match(query).key == key, query


# What mutation testing found untested.


def test_of_keys_of_the_same_words_the_one_written_most_alike_stands_for_all():
    keys = ["top speed", "TOP_SPEED", "topSpeed", "Top-Speed"]
    for query, best in (("TOP_SPEEED", "TOP_SPEED"), ("top speeed", "top speed")):
        matches = FuzzyDict.fromkeys(keys).matches(query, 4, cutoff=0.0)
        assert matches[0].key == best
        assert matches[0].score > 0.6
        assert all(match.score < 0.2 for match in matches[1:])
        assert sum(match.score for match in matches) <= 1.00001
    (first,) = FuzzyDict.fromkeys(["price", "top speed"]).matches("top speeed", 1)
    assert first.key == "top speed"


def test_a_word_is_counted_no_more_once_its_keys_are_gone():
    keys = [("order", "date"), ("order", "id"), ("order", "order", "total")]
    usage = WordUsage(keys)
    usage.remove(keys[0])
    usage.remove(keys[2])
    assert usage.counts == WordUsage([keys[1]]).counts == {"order": 1, "id": 1}
    np.testing.assert_array_equal(usage(("order", "new")), WordUsage([keys[1]])(("order", "new")))


def test_more_keys_than_the_shortlist_can_be_asked_for():
    d = FuzzyDict.fromkeys(f"color number {i}" for i in range(90))
    assert len(d.matches("color number", 40, cutoff=0.0)) == 40
    assert len(d.matches("color number", 80, cutoff=0.0)) == 80


def test_each_of_many_lookups_is_a_step(car):
    steps = []
    ranked = car._up_to_date().rank_many(["colour", "velocity"], 1, steps.append)
    assert steps == [1, 1]
    assert [len(each) for each in ranked] == [1, 1]


def test_what_is_like_a_correction_means_its_key_less_than_what_is_like_the_key():
    d = FuzzyDict({"check-balance": 1, "transfer": 2})
    d.learn("how rich am I", "check-balance")
    assert d.match("how rich I am", cutoff=0.0).key == "check-balance"
    near = d.match("how rich am I toda", cutoff=0.0).score
    plain = FuzzyDict({"how rich am I": 1, "transfer": 2})
    assert near < plain.match("how rich am I toda", cutoff=0.0).score


def test_corrections_to_no_key_are_awake_at_once_and_gone_when_dropped():
    car = FuzzyDict({"color": "red", "top speed": 250, "price": 49_000})
    assert car["colour"] == "red"
    car.learn("colour", None)
    car.learn("color of it", "color")
    car._check()
    assert "colour" not in car
    car.unlearn("colour")
    assert car["colour"] == "red"
    del car["color"]
    car._check()
    del car["price"]
    car._check()
    car["color"] = "blue"
    assert car["color of it"] == "blue"
    car._check()
