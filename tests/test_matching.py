"""From a query to ranked keys."""

import numpy as np
import pytest
from rapidfuzz import fuzz

from fuzzydict import FuzzyDict
from fuzzydict.model.embedders import WordEmbedder
from fuzzydict.progress import Progress
from fuzzydict.ranking import ranker as matching
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.guards import numbers_differ, opposites
from fuzzydict.ranking.ranker import (
    SHORTLIST,
    Candidates,
    Correction,
    DocumentFrequencies,
    LearnedState,
    Ranker,
    _prefer_closest_spelling,
)

ARTICLE = ["brand", "model", "color", "battery", "top speed", "horse power", "price"]


@pytest.fixture(scope="module")
def car():
    return FuzzyDict(dict.fromkeys(ARTICLE, 0))


@pytest.fixture
def matcher(default_embedder):
    matcher = Ranker(default_embedder)
    matcher.add(ARTICLE)
    return matcher


@pytest.fixture(scope="module")
def default_embedder():
    from fuzzydict.model.embedders import load

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
    one, other = Ranker(default_embedder), Ranker(default_embedder)
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
    matcher = Ranker(default_embedder)
    matcher.add(["turn on", "turn left"])
    assert "turn on" not in dict(matcher.rank("turn off", 9))


def test_only_the_nearest_keys_are_scored(default_embedder):
    matcher = Ranker(default_embedder)
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
    keys = [("order", "date"), ("order", "id"), ("order", "order", "total"), ("order", "sum")]
    usage, left = DocumentFrequencies(keys), DocumentFrequencies([keys[1], keys[3]])
    usage.remove(keys[0])
    usage.remove(keys[2])
    assert usage.counts == left.counts == {"order": 2, "id": 1, "sum": 1}
    np.testing.assert_array_equal(usage(("order", "new")), left(("order", "new")))


def test_more_keys_than_the_shortlist_can_be_asked_for():
    d = FuzzyDict.fromkeys(f"color number {i}" for i in range(90))
    assert len(d.matches("color number", 40, cutoff=0.0)) == 40
    assert len(d.matches("color number", 80, cutoff=0.0)) == 80


def test_each_of_many_lookups_is_a_step(car):
    steps = []
    ranked = car._synced_ranker().rank_many(["colour", "velocity"], 1, steps.append)
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


def test_each_group_of_the_same_words_has_one_key_that_stands_for_it():
    keys = ["topSpeed", "top speed", "TOP_SPEED", "Price", "price", "color"]
    held = [("top", "speed")] * 3 + [("price",)] * 2 + [("color",)]
    logits = np.array([5, 6, 5, 3, 2, 1], np.float32)
    _prefer_closest_spelling("top speed prices", keys, held, logits)
    assert logits.tolist() == [1, 6, 1, -1, 2, 1]
    # As letters in order "ba" and "ab" are alike; a swap of two is one edit.
    logits = np.zeros(2, np.float32)
    _prefer_closest_spelling("xab", ["x_ba", "Xab"], [("xab",)] * 2, logits)
    assert logits.tolist() == [-4, 0]


def test_how_much_a_word_tells_keys_apart_is_a_logarithm_of_its_keys():
    usage = DocumentFrequencies([("a", "b"), ("a",)])
    assert usage(["a", "b", "c"]) == pytest.approx([1 - np.log(2) / np.log(3), 1, 1], abs=1e-6)


@pytest.fixture(scope="module")
def crowd(default_embedder):
    """More keys than are candidates, all of two words."""
    matcher = Ranker(default_embedder)
    first = ["order", "shipping", "billing", "customer", "product", "battery", "engine", "red"]
    second = ["date", "price", "name", "colour", "cost", "number", "address", "power", "size"]
    matcher.add([f"{one} {other}" for one in first for other in second])
    return matcher


def test_the_shortlist_is_nearest_in_meaning_and_most_alike_in_letters(crowd):
    for query in ("ship costs", "adress of customers", "Engine Powr", "hue of the product"):
        (near,) = crowd._nearest([query], 64)
        letters = [fuzz.ratio(" ".join(near.words), key.casefold()) / 100 for key in near.entries]
        counted = crowd._index.rows(near.entries) @ near.row + letters
        best = [near.entries[i] for i in np.argsort(-counted, kind="stable")[:SHORTLIST]]
        (found,) = crowd.candidates([query])
        assert found.keys == best
        allowed = int(np.isfinite(found.logits).sum())
        assert {key for key, _ in crowd.rank(query, allowed)} <= set(best)


def test_the_key_of_a_correction_takes_the_last_place_of_the_shortlist(crowd):
    (without,) = crowd.candidates(["chief expense"])
    keys = crowd.keys()
    key = next(key for key in keys if key not in without.keys)
    learned = LearnedState(corrections={"chief expense": key})
    taught = Ranker(crowd.embedder, learned=learned)
    taught.add(keys)
    (near,) = taught._nearest(["chief expense"], 64)
    asked = taught._shortlisted(near)
    told = Correction("chief expense", key)
    assert set(asked.entries) == {told, key, *without.keys[: SHORTLIST - 2]}
    assert asked.entries[-1] == key
    np.testing.assert_array_equal(asked.rows, taught._index.rows(asked.entries))


def test_keys_are_embedded_in_parts_that_tell_of_their_progress(default_embedder, monkeypatch):
    keys = [*ARTICLE, "recieve"]
    whole, parts = Ranker(default_embedder), Ranker(default_embedder)
    whole.add(keys)
    assert not whole._meanings(["recieve"]).any()  # a key is written as it was meant
    told = []

    class Recorded(Progress):
        def __init__(self, what, total):
            super().__init__(what, total)
            told.append((what, total))

        def __enter__(self):
            step = super().__enter__()
            return lambda steps: (told.append(steps), step(steps))

    monkeypatch.setattr(matching, "Progress", Recorded)
    monkeypatch.setattr(matching, "_AT_ONCE", 3)
    parts.add(keys)
    np.testing.assert_array_equal(parts._index.rows(keys), whole._index.rows(keys))
    assert told == [("keys", 8), 3, 3, 2]


def test_a_query_that_may_be_mistyped_is_trusted_less(matcher, default_embedder):
    for query in ("receive", "recieve", "recieve the price", "xqzvw"):
        split, rows = matcher._asking([query])
        meaning = rows[0, : default_embedder.dimension]
        trust = default_embedder.trust(split[0])
        assert np.linalg.norm(meaning) == pytest.approx(trust, abs=1e-5)
    assert default_embedder.trust(("receive",)) == 1
    assert 0 < default_embedder.trust(("recieve",)) < 1


def test_a_key_among_many_of_the_same_words_is_still_the_one_that_was_named():
    d = FuzzyDict.fromkeys(f"top{' ' * n}speed" for n in range(1, 90))
    for key in list(d)[::11]:
        assert d.attend(key).best == key


def test_no_more_candidates_than_asked_for_with_the_key_of_a_correction(crowd):
    taught = Ranker(crowd.embedder, learned=LearnedState(corrections={"chief": "red size"}))
    taught.add(crowd.keys())
    (near,) = taught._nearest(["chief"], 10)
    assert len(near.entries) == 10
    assert near.entries[-1] == "red size"


def test_an_exact_key_is_above_all_others_and_above_a_floor(matcher):
    for query in ("color", "top speed"):
        asked = [matcher._asked(near) for near in matcher._nearest([query], 64)]
        (zero,) = matcher._base_scores(asked, Calibration())
        (found,) = matcher.candidates([query])
        own = found.logits[found.keys.index(query)]
        assert own == pytest.approx(max(zero.logits.max() + 1, 8), abs=1e-3)
    matcher.add(["qxz"])
    (found,) = matcher.candidates(["qxz"])
    assert found.logits[found.keys.index("qxz")] >= 8


def test_a_corrected_query_is_as_sure_as_it_can_be(default_embedder):
    plain = Ranker(default_embedder)
    told = {"colour": "price", "hue": None, "xqzj": "brand", "vwkq": None}
    taught = Ranker(default_embedder, learned=LearnedState(corrections=told))
    for each in (plain, taught):
        each.add(ARTICLE)
    for query, key in told.items():
        asked = [taught._asked(near) for near in taught._nearest([query], 64)]
        (zero,) = taught._base_scores(asked, Calibration())
        (found,) = taught.candidates([query])
        least = max(float(zero.logits.max()), 0) + 20
        wanted = dict(zip(zero.keys, zero.logits - least, strict=True))
        wanted |= {key: 20.0} if key is not None else {}
        assert dict(zip(found.keys, found.logits, strict=True)) == pytest.approx(wanted, abs=1e-3)


def test_what_a_matcher_is_made_of(default_embedder):
    score = default_embedder.networks._replace(cutoff=0.5)
    other = WordEmbedder(["color"], [[1.0]], networks=score, name="other")
    assert Ranker(other).cutoff == 0.5
    assert Ranker(other)._background is None
    assert Ranker(Plain(default_embedder))._background is not None
    assert FuzzyDict()._source == "default"
    empty = FuzzyDict()
    assert empty.get("color") is None
    assert empty._ranker is None  # no model was read


@pytest.fixture
def turns(default_embedder):
    """Keys of which guards forbid some, and a correction that goes round a guard."""
    guard_exemptions = {"turn off 1": frozenset({"on"})}
    told = {"turn the heating on 1": "turn off 1", "what is warm": "heating"}
    matcher = Ranker(
        default_embedder, learned=LearnedState(guard_exemptions=guard_exemptions, corrections=told)
    )
    matcher.add(["turn off 1", "turn on 1", "heating", "price"])
    return matcher


def test_only_the_guards_that_forbid_a_key_are_named(turns):
    evidence = {each.key: each.guards for each in turns.evidence("turn on 2")[0]}
    assert evidence["turn off 1"] == (numbers_differ.__name__,)  # the other guard was lifted
    plain = Ranker(turns.embedder)
    plain.add(["turn off 1"])
    ((forbidden,), _) = plain.evidence("turn on 2")
    assert forbidden.guards == (numbers_differ.__name__, opposites.__name__)
    ((allowed,), _) = plain.evidence("turn off 1")
    assert allowed.guards == ()


def test_a_key_that_a_correction_allows_is_not_said_to_be_forbidden():
    d = FuzzyDict({"turn off": 1, "price": 2})
    d.learn("switch it on again", "turn off")
    best = d.explain("switch it on again please").candidates[0]
    assert (best.key, best.guards) == ("turn off", ())


def test_a_correction_is_named_exactly_where_it_raised_the_score():
    keys = ["check-balance", "transfer", "close account", "interest rate"]
    told = {"how rich am I": "check-balance", "give money": "transfer", "rates": "interest rate"}
    plain, taught = FuzzyDict.fromkeys(keys), FuzzyDict.fromkeys(keys)
    for query, key in told.items():
        taught.learn(query, key)
    named = unnamed = 0
    for query in ["how rich I am", "rich", "balance", "give some money", "give", "transfers",
                  "rate", "transfer money", "money", "my rates", "the rate", "check it",
                  "interest rates", "rates of interest", "interests",
                  "am I rich", "check rich balance"]:  # fmt: skip
        alone, _ = plain._synced_ranker().evidence(query)
        both, _ = taught._synced_ranker().evidence(query)
        logit = {each.key: odds(each, alone) for each in alone}
        for each in both:
            if abs(odds(each, both) - logit[each.key]) > 0.02:
                assert each.correction in told, (query, each.key)
                named += 1
            else:
                assert each.correction is None, (query, each.key)
                unnamed += 1
    assert min(named, unnamed) > 5


def test_the_correction_of_a_query_is_named_for_it_however_like_the_key_it_is(default_embedder):
    told = {"colour": "color", "prices": "price", "top speeds": "top speed", "brands": None}
    matcher = Ranker(default_embedder, learned=LearnedState(corrections=told))
    matcher.add(ARTICLE)
    for query, key in told.items():
        evidence, against = matcher.evidence(query)
        named = {each.key: each.correction for each in evidence if each.correction is not None}
        assert named == ({} if key is None else {key: query})
        assert against == (query if key is None else None)


def test_a_correction_to_no_key_is_named_exactly_where_it_lowers_the_others():
    keys = ["check-balance", "transfer", "close account", "interest rate"]
    plain, taught = FuzzyDict.fromkeys(keys), FuzzyDict.fromkeys(keys)
    taught.learn("my account is stolen", None)
    named = unnamed = 0
    for query in ["stolen", "stolen account", "my account", "account", "is stolen", "my account is",
                  "an account is stolen", "stole my account", "account was stolen", "accounts",
                  "close my account", "my transfer is stolen", "my bank account", "theft", "is my",
                  "stolen bank account", "my stolen money", "steal", "my accounts are stolen",
                  "the account", "account details", "stolen things", "was it stolen"]:  # fmt: skip
        (alone,), (both,) = (d._synced_ranker().candidates([query]) for d in (plain, taught))
        before, after = (
            dict(zip(found.keys, found.logits, strict=True)) for found in (alone, both)
        )
        lowered = any(after[key] < before[key] - 0.01 for key in after)
        _, against = taught._synced_ranker().evidence(query)
        assert (against is not None) == lowered, query
        named, unnamed = named + lowered, unnamed + (not lowered)
    assert min(named, unnamed) > 3


def odds(one, evidence):
    """Return the logit beside the null key's, before what the guards forbid."""
    return np.log(one.by_learning / (1 - sum(each.by_learning for each in evidence)))


def test_a_correction_to_no_key_is_named_where_it_keeps_the_others_away():
    d = FuzzyDict({"color": 1, "price": 2})
    d.learn("colour of the year", None)
    _, against = d._synced_ranker().evidence("colours of the year")
    assert against == "colour of the year"
    assert d._synced_ranker().evidence("price tag")[1] is None


def test_words_that_pairs_show_are_lifted_and_no_others(default_embedder):
    matcher = Ranker(default_embedder)
    matcher.add(["turn off", "x"])
    pairs = [
        ("put lights on", "turn off"),
        ("lights on", "turn off"),
        ("on", None),
        ("lights", "x"),
    ]
    assert matcher.find_guard_exemptions(pairs) == {"turn off": frozenset({"on"})}
    assert matcher.find_guard_exemptions(pairs[:1]) == {}
    both = Ranker(default_embedder, [lambda query, key: len(query) > 1 and key == ("x",)])
    both.add(["x"])
    assert both.find_guard_exemptions([("one two", "x"), ("two one", "x")]) == {
        "x": frozenset({"one", "two"})
    }


def test_up_to_256_keys_are_all_learned_from_and_of_more_the_nearest(default_embedder):
    steps = []
    for n, looked_at in ((256, 256), (257, 64)):
        matcher = Ranker(default_embedder)
        matcher.add([f"number {i}" for i in range(n)])
        found = matcher.lookups([("number 7", "number 7"), ("x", None)], steps.append)
        assert found.candidates.shape == (2, looked_at)
    assert steps == [1] * 4


def test_pairs_that_are_looked_up_in_parts_are_the_same(matcher, monkeypatch):
    pairs = [
        ("colour", "color"),
        ("cost", "price"),
        ("make", "brand"),
        ("nothing", None),
        ("speed", "top speed"),
    ]
    whole = matcher.lookups(pairs)
    monkeypatch.setattr(matching, "_AT_ONCE", 2)
    parts = matcher.lookups(pairs)
    assert parts.queries.words == whole.queries.words
    for one, other in (
        (parts.queries.meanings, whole.queries.meanings),
        (parts.logits, whole.logits),
    ):
        np.testing.assert_allclose(one, other, atol=1e-4)


SCALES = [(1, -0.15), (1, 0.15), (0.7, 0), (0.7, -0.15), (1.4, 0), (1.4, -0.15), (1.4, 0.15)]


@pytest.mark.parametrize("scale", [Scale(), *(Scale(*each) for each in SCALES)])
def test_the_scale_of_an_embedder_is_found_from_its_answers(default_embedder, scale):
    """Answers that were made at a scale are most probable at it."""
    matcher = Ranker(Plain(default_embedder))
    matcher.add(KEYS)
    queries = [query for query in QUERIES if query not in KEYS]
    asked = [matcher._asked(near) for near in matcher._nearest(queries, 64)]
    made = matcher._base_scores(asked, Calibration(scale=scale))
    pairs = []
    for query, found in zip(queries, made, strict=True):
        shares = found.probabilities()
        for key, share in zip([*found.keys, None], [*shares, 1 - shares.sum()], strict=True):
            pairs += [(query, key)] * round(10 * float(share))
    assert matcher.calibrate(pairs).scale == scale


def test_words_vectors_have_the_scale_that_the_score_was_fitted_to(matcher):
    taught = matcher.calibrate([("colour", "color"), ("hue", "color"), ("zzz", None)])
    assert taught.scale == Scale()


def test_right_answers_make_such_answers_more_probable(default_embedder):
    matcher = Ranker(Plain(default_embedder))
    matcher.add(KEYS)
    pairs = [("autumn", "season"), ("hue", "color"), ("automobile", "car"), ("doctor", "physician")]
    (before,) = matcher.candidates(["cost"])
    taught = matcher.calibrate(pairs * 5)
    assert taught(before.logits).max() > before.logits.max()
    assert matcher.calibrate([("hue", "no such key")]) == Calibration()


def test_a_correction_that_sleeps_beside_its_key_fails_the_check(matcher):
    matcher.learned = LearnedState(corrections={"hue": "color"})
    with pytest.raises(AssertionError):
        matcher.check()
    matcher.learned = LearnedState()
    matcher._active_corrections[Correction("hue", "color")] = ("hue",)
    with pytest.raises(AssertionError):
        matcher.check()


def test_candidates_are_ranked_by_probability_and_then_by_name():
    found = Candidates(["b", "a", "c"], np.array([1, 1, 2], np.float32))
    assert [key for key, _ in found.best(3)] == ["c", "a", "b"]
    assert [key for key, _ in found.best(1)] == ["c"]


class Plain:
    """The vectors of words as those of any embedder."""

    def __init__(self, words):
        self.name, self.encode = "plain", words.encode


KEYS = [
    "color",
    "car",
    "price",
    "season",
    "physician",
    "house",
    "river",
    "teacher",
    "music",
    "bread",
]
QUERIES = ["hue", "automobile", "cost", "autumn", "doctor", "home", "stream", "professor", "song",
           "loaf", "vehicle", "colour", "fee", "winter", "nurse", "school", "water", "piano",
           "food", "parliament", "justice", "seven", "engine", "paint", "money"]  # fmt: skip
