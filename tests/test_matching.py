"""From a query to ranked keys."""

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.matching import Matcher

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
