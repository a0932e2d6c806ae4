"""Keys with equal values share their probability, in all reads alike."""

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.equal_values import all_equal, combined, probable
from fuzzydict.primitives import MISSING

QUESTIONS = {
    "How do I reset my password?": "reset",
    "I forgot my password, what now?": "reset",
    "Where can I change my password?": "reset",
    "When do you open on Sundays?": "hours",
    "Which credit cards do you accept?": "payment",
}


def shared(values, scores=(0.4, 0.3, 0.2), *, are_equal=False):
    ranking = list(zip("abc", scores, strict=True))
    found = combined(
        ranking, lambda keys: [values["abc".index(key)] for key in keys], lambda: are_equal
    )
    return [(key, round(score, 6)) for key, score in found]


def test_the_best_key_of_equal_values_has_the_probability_of_all():
    assert shared([1, 2, 2]) == [("b", 0.5), ("a", 0.4), ("c", 0.2)]
    assert shared(["x", "y", "x"]) == [("a", 0.6), ("b", 0.3), ("c", 0.2)]
    assert shared([(1, 2), (1, 2), (3,)]) == [("a", 0.7), ("b", 0.3), ("c", 0.2)]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        [1, 1.0, True],
        [None, None, 2],
        [True, True, 2],
        [[1], [1], [2]],
        [([1],), ([1],), 2],
        [MISSING, MISSING, 1],
    ],
)
def test_other_values_are_not_equal(values):
    assert shared(values) == [("a", 0.4), ("b", 0.3), ("c", 0.2)]


def test_one_object_is_equal_to_itself():
    answer = ["one", "list"]
    assert shared([answer, 1, answer])[0] == ("a", 0.6)


def test_keys_without_probability_do_not_count():
    assert shared([1, 2, 2], scores=(0.5, 0.009, 0.001))[0] == ("a", 0.5)
    ranking = [("a", 0.5), ("b", 0.3), ("c", 0.002), ("d", 0.001)]
    assert probable(ranking, 1) == (("a", 0.5), ("b", 0.3))
    assert probable(ranking, 3) == tuple(ranking[:3])


def test_a_mapping_of_one_value_is_a_set():
    assert shared([1, 1, 1], are_equal=True)[0] == ("a", 0.4)
    assert shared([1, 1, 1])[0] == ("a", 0.9)
    assert all_equal([])
    assert all_equal([1, 1])
    assert not all_equal([1, 2])
    assert all_equal([None, None])
    assert not all_equal([[], []])


def test_paraphrases_of_one_answer_make_a_hit_more_likely():
    query = "my password does not work"
    apart = FuzzyDict(dict(zip(QUESTIONS, range(len(QUESTIONS)), strict=True)), cutoff=0.4)
    together = FuzzyDict(QUESTIONS, cutoff=0.4)
    shares = [match.score for match in apart.matches(query, 3, cutoff=0.0)]
    best = together.match(query)
    assert best.value == "reset"
    assert best.score == pytest.approx(sum(shares), abs=0.02)
    assert apart.match(query) is None


def test_all_reads_agree():
    d = FuzzyDict(QUESTIONS, cutoff=0.0)
    for query in ("pasword", "reset it", "open on sunday", "visa"):
        best = d.match(query)
        assert [each.key for each in d.matches(query, 1)] == [best.key]
        assert d.matches(query, 5)[0].score == pytest.approx(best.score)
        assert d.matches(query, 40)[0].key == best.key
        assert d[query] == d.get(query) == best.value
        assert d.get_many([query]) == [best.value]
        assert d.match_many([query])[0].key == best.key


def test_values_that_change_count_at_once():
    d = FuzzyDict({"opening times": 1, "opening hours": 2, "price": 3}, cutoff=0.0)
    apart = d.match("opening")
    d[next(key for key in d if key.startswith("opening") and key != apart.key)] = apart.value
    assert d.match("opening").score >= apart.score
