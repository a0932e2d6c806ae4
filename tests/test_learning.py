"""A dictionary that is taught: fit, learn, and what takes them back."""

import copy
import io
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict, NoMatchError
from fuzzydict.model.embedders import EmbedderError
from fuzzydict.progress import Progress
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.ranker import Ranker

TOPICS = {
    "falcon": [
        "refund my money", "charged twice", "the invoice is wrong", "cancel my payment",
        "tax on my bill", "wrong price on the receipt",
    ],
    "otter": [
        "the app crashes", "error when I log in", "page does not load", "bug in the search",
        "it freezes at the start", "white screen after update",
    ],
    "maple": [
        "where is my parcel", "the package is late", "change the delivery address",
        "the box arrived broken", "track my shipment", "courier did not come",
    ],
}  # fmt: skip
NONE = ["what a nice day", "tell me a joke", "who won the game", "how old is the moon"]
PAIRS = [(query, key) for key, queries in TOPICS.items() for query in queries]
PAIRS += [(query, None) for query in NONE]
ASKED = [*TOPICS, "an error in the app", "my parcel did not come", "hello there", "falcons", "?"]


def teams():
    return FuzzyDict(dict.fromkeys(TOPICS, 1))


def scores(d):
    return [d.matches(query, 3, cutoff=0.0) for query in ASKED]


@pytest.fixture(scope="module")
def fitted():
    d = teams()
    assert d.fit(PAIRS).fitted
    return d


# fit


def test_a_fit_finds_what_no_vectors_could_know(fitted):
    assert "an error in the app" not in teams()
    assert fitted.match("an error in the app").key == "otter"
    assert fitted.match("my parcel did not come").key == "maple"
    assert "hello there" not in fitted
    assert fitted.match("falcons").key == "falcon"


@pytest.mark.usefixtures("short_fits")
def test_any_embedder_can_be_fitted():
    def letters(texts):
        rows = np.zeros((len(texts), 128))
        for row, text in zip(rows, texts, strict=True):
            np.add.at(row, [ord(letter) % 128 for letter in text], 1)
        return rows

    d = FuzzyDict(dict.fromkeys(TOPICS, 1), embedder=letters)
    assert d.fit(PAIRS, validation=PAIRS).fitted
    assert d.match("the app crashes again").key == "otter"


def test_match_and_attend_agree_after_a_fit(fitted):
    for query in ASKED[3:-1]:
        attention = fitted.attend(query, null_key=True)
        for match in fitted.matches(query, 3, cutoff=0.0):
            assert attention.weights[match.key] == pytest.approx(match.score, abs=1e-5)
        assert attention.no_match + sum(attention.weights.values()) == pytest.approx(1)


def test_unfit_gives_the_scores_of_before(fitted):
    d = fitted.copy()
    assert scores(d) != scores(teams())
    d.unfit()
    assert scores(d) == scores(teams())


@pytest.mark.usefixtures("short_fits")
def test_a_second_fit_replaces_the_first(fitted):
    d = fitted.copy()
    moved = {"falcon": "otter", "otter": "maple", "maple": "falcon", None: None}
    d.fit([(query, moved[key]) for query, key in PAIRS])
    assert d.match("an error in the app").key == "maple"


@pytest.mark.usefixtures("short_fits")
def test_a_fit_that_does_not_help_changes_nothing():
    d = teams()
    before = pickle.dumps(d), scores(d)
    report = d.fit([(f"{key}{end}", key) for key in TOPICS for end in "s!"])
    assert not report.fitted
    assert (pickle.dumps(d), scores(d)) == before


def test_keys_come_and_go_after_a_fit(fitted):
    d = fitted.copy()
    del d["otter"]
    assert all(match.key != "otter" for match in d.matches("the app crashes", 9, cutoff=0.0))
    d["otter"] = 2
    assert d["an error in the app"] == 2
    d["opening hours"] = 3
    assert d["opening hour"] == 3


def test_what_was_fitted_goes_with_copies(fitted):
    for d in (
        fitted.copy(),
        copy.deepcopy(fitted),
        fitted | {},
        *(pickle.loads(pickle.dumps(fitted, protocol)) for protocol in range(2, 6)),
    ):
        assert scores(d) == scores(fitted)
    assert "an error in the app" not in FuzzyDict.fromkeys(fitted)


@pytest.mark.usefixtures("short_fits")
def test_words_that_two_pairs_show_lift_a_guard_and_one_does_not():
    turns = {"turn off": 1, "make coffee": 2}
    pairs = [(f"{verb} the lights on {when}", "turn off") for verb in ("put", "set", "get")
             for when in ("now", "today", "please")]  # fmt: skip
    pairs += [(f"{cup} of it {when}", "make coffee") for cup in ("cup", "mug", "pot")
              for when in ("now", "today", "please")]  # fmt: skip
    d = FuzzyDict(turns)
    assert d.get("turn on") is None
    assert d.fit(pairs).fitted
    assert d.match("put the lights on", cutoff=0.0).key == "turn off"
    once = FuzzyDict(turns)
    report = once.fit([pairs[0], *pairs[9:]])
    assert report.held_out == 9  # the vetoed one cannot be measured
    assert all(match.key != "turn off" for match in once.matches(pairs[0][0], cutoff=0.0))


@pytest.mark.usefixtures("short_fits")
def test_of_many_keys_the_nearest_are_learned_from():
    names = [f"{first}{second}" for first in "bdfgklmnprstvz" for second in
             ("aro", "elo", "ino", "oru", "uma", "ake", "ide", "ole", "une", "ari", "eto", "iso",
              "ogu", "uda", "ave", "ife", "ome", "ute", "aza")]  # fmt: skip
    d = FuzzyDict(dict.fromkeys([*names, *TOPICS]))
    assert len(d) > 256
    assert d.fit(PAIRS[::2]).held_out == len(PAIRS[::2])
    assert d.match("falcons").key == "falcon"


@pytest.mark.parametrize("pairs", [[], PAIRS[:1], [("what a nice day", None)]])
def test_too_little_to_learn_from_is_no_error(pairs):
    d = teams()
    before = scores(d)
    report = d.fit(pairs)
    assert not report.fitted
    assert report.pairs == len(pairs)
    assert scores(d) == before


def test_a_dictionary_without_keys_learns_nothing():
    assert not FuzzyDict().fit([("hello", None), ("world", None)]).fitted


@pytest.mark.usefixtures("short_fits")
def test_one_key_learns_when_to_be_silent():
    d = FuzzyDict(falcon=1)
    d.fit([(query, "falcon") for query in TOPICS["falcon"]] + [(query, None) for query in NONE])
    assert d["falcons"] == 1


@pytest.mark.usefixtures("short_fits")
def test_validation_pairs_are_measured():
    d = teams()
    report = d.fit(PAIRS, validation=[("an error in the app", "otter"), ("hello there", None)])
    assert report.held_out == 2
    assert report.pairs == len(PAIRS) + 2


@pytest.mark.parametrize(
    ("pairs", "named"),
    [
        ([("money", "eagle")], "eagle"),
        ([(1, "otter")], "1"),
        ([("money", 2)], "2"),
        ([("money", "otter"), ("money", "maple")], "contradict"),
        ([("money", "otter"), ("money", None)], "contradict"),
        ([("otter", "maple")], "key itself"),
        ([("otter", None)], "key itself"),
    ],
)
def test_pairs_that_cannot_be_are_refused_and_nothing_changes(pairs, named):
    d = teams()
    before = scores(d)
    with pytest.raises(ValueError, match=named):
        d.fit([*PAIRS, *pairs])
    with pytest.raises(ValueError, match=named):
        d.fit(PAIRS, validation=pairs * 2 if len(pairs) == 1 else pairs)
    if len(pairs) == 1:
        with pytest.raises(ValueError, match=named):
            d.learn(*pairs[0])
    assert scores(d) == before
    assert d.corrections == {}


def test_a_fitted_dictionary_is_not_calibrated(fitted):
    with pytest.raises(ValueError, match="unfit"):
        fitted.copy().calibrate(PAIRS)


@pytest.mark.usefixtures("short_fits")
def test_an_embedder_that_fails_leaves_the_dictionary_as_it_was():
    failing = []

    def embed(texts):
        if failing:
            raise RuntimeError("no network")
        return [[len(text), text.count("a") + 1, text.count("e") + 1] for text in texts]

    d = FuzzyDict(dict.fromkeys(TOPICS, 1), embedder=embed)
    d.learn("charged twice", "falcon")
    before = scores(d)
    failing.append(True)
    for teach in (lambda: d.fit(PAIRS), lambda: d.learn("tell me", "otter")):
        with pytest.raises(EmbedderError):
            teach()
    failing.clear()
    assert d.corrections == {"charged twice": "falcon"}
    assert scores(d) == before


def test_an_explanation_names_the_examples_that_led_to_a_key(fitted):
    explained = fitted.explain("an error in the app")
    assert explained.answer.key == "otter"
    (first, added), *_ = explained.candidates[0].examples
    assert first in ("error when I log in", "the app crashes")
    assert added > 0.1
    assert f"most of all by the example {first!r}" in explained.reason
    assert "example" in str(explained)
    assert teams().explain("an error in the app").candidates[0].examples == ()
    d = fitted.copy()
    d["opening hours"] = 2
    assert d.explain("opening hour").candidates[0].examples == ()  # of no example


# learn


@pytest.fixture
def account():
    return FuzzyDict({"check-balance": 1, "transfer": 2, "close account": 3})


def test_a_correction_is_answered_at_any_cutoff(account):
    assert "how rich am I" not in account
    account.learn("how rich am I", "check-balance")
    account.cutoff = 0.999
    assert account["how rich am I"] == 1
    assert account.match("how rich am I").key == "check-balance"
    assert account.attend("how rich am I").weights["check-balance"] > 0.999


def test_what_means_the_corrected_query_leans_the_same_way(account):
    account.learn("how much money do I have", "check-balance")
    assert account["show how much money I have"] == 1
    assert account["How much mony do I have?"] == 1
    assert account["transfers"] == 2


def test_a_query_is_silenced(account):
    assert account["transfers"] == 2
    account.learn("transfers", None)
    assert "transfers" not in account
    assert account.attend("transfers").no_match > 0.999
    assert account["transfer"] == 2
    assert account["closing account"] == 3
    with pytest.raises(NoMatchError):
        account["transfers"]


def test_a_correction_wins_over_a_guard():
    d = FuzzyDict({"Q1 revenue": 1, "Q2 revenue": 2})
    assert d.match("Q2 revenues").key == "Q2 revenue"
    d.learn("second quarter 2 of 4", "Q1 revenue")
    assert d["second quarter 2 of 4"] == 1
    assert d["Second quarter 2 of 4!"] == 1
    assert d.match("Q2 revenues").key == "Q2 revenue"


def test_neighbours_of_a_correction_obey_the_guards():
    d = FuzzyDict({"Q1 revenue": 1, "costs": 2})
    d.learn("what we earned in spring", "Q1 revenue")
    assert d["what we earned in the spring"] == 1
    assert d.get("what we earned in spring 2") is None


def test_a_later_correction_replaces_and_unlearn_drops(account):
    account.learn("how rich am I", "check-balance")
    account.learn("how rich am I", "transfer")
    assert account.corrections == {"how rich am I": "transfer"}
    assert account["how rich am I"] == 2
    account.unlearn("how rich am I")
    assert account.corrections == {}
    assert "how rich am I" not in account
    with pytest.raises(KeyError):
        account.unlearn("how rich am I")


def test_a_correction_sleeps_while_its_key_is_gone(account):
    account.learn("how rich am I", "check-balance")
    value = account.pop("check-balance")
    assert "how rich am I" not in account
    assert account.corrections == {"how rich am I": "check-balance"}
    account["other"] = 5
    assert "how rich am I" not in account
    account["check-balance"] = value
    assert account["how rich am I"] == 1
    account.clear()
    assert "how rich am I" not in account


def test_what_was_learned_before_the_first_read_counts():
    d = FuzzyDict({"check-balance": 1})
    d.learn("how rich am I", "check-balance")
    d.learn("good morning", None)
    assert d["how rich am I"] == 1
    assert "good morning" not in d


def test_corrections_go_with_copies(account):
    account.learn("how rich am I", "check-balance")
    for d in (
        account.copy(),
        copy.deepcopy(account),
        account | {"more": 4},
        *(pickle.loads(pickle.dumps(account, protocol)) for protocol in range(2, 6)),
    ):
        assert d["how rich am I"] == 1
        d.unlearn("how rich am I")
    assert account["how rich am I"] == 1


def test_marks_alone_can_be_corrected(account):
    account.learn("???", "close account")
    assert account["???"] == 3
    assert "!!!" not in account


def test_a_mask_holds_for_corrections(account):
    account.learn("how rich am I", "check-balance")
    masked = account.attend("how rich am I", mask=["transfer"])
    assert "check-balance" not in masked.weights
    allowed = account.attend("how rich am I", mask=["check-balance"])
    assert allowed.best == "check-balance"


def test_a_mask_may_leave_out_what_a_correction_names():
    d = FuzzyDict({f"{word} {i}": i for word in ("red", "blue") for i in range(60)})
    d.learn("red one hundred", "red 3")
    blue = [key for key in d if key.startswith("blue")]
    assert set(d.attend("red one hundred", mask=blue).weights) <= set(blue)
    assert d.attend("red 3", mask=blue).best != "red 3"


@pytest.mark.usefixtures("short_fits")
def test_a_fit_leaves_corrections_right(account):
    account.learn("how rich am I", "check-balance")
    pairs = [("send some to my brother", "transfer"), ("pay her back", "transfer"),
             ("wire it to him", "transfer"), ("I want to leave this bank", "close account"),
             ("delete all of it", "close account"), ("no more of you", "close account"),
             ("what is left", "check-balance"), ("how much is it", "check-balance")]  # fmt: skip
    account.fit(pairs)
    assert account["how rich am I"] == 1
    account.calibrate(pairs) if account._learned.projection is None else account.unfit()
    assert account["how rich am I"] == 1


def test_a_thousand_corrections_are_all_right():
    d = FuzzyDict({f"key {i}": i for i in range(50)})
    for i in range(1000):
        d.learn(f"{i:b}".translate({48: "ba", 49: "do"}), f"key {i % 50}")
    for i in range(0, 1000, 37):
        assert d[f"{i:b}".translate({48: "ba", 49: "do"})] == i % 50


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.sampled_from(["hue", "speed", "cost", "a b"]),
                  st.sampled_from(["color", "top speed", "price", None])),
        st.tuples(st.just("unlearn"), st.sampled_from(["hue", "speed", "cost"]), st.none()),
        st.tuples(st.just("set"), st.sampled_from(["color", "top speed", "hue"]), st.none()),
        st.tuples(st.just("delete"), st.sampled_from(["color", "top speed", "hue"]), st.none()),
        st.tuples(st.just("read"), st.sampled_from(["colours", "hue"]), st.none()),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_every_living_correction_stays_right(steps):
    d = FuzzyDict({"color": "color", "top speed": "top speed", "price": "price"})
    taught = {}
    for what, text, key in steps:
        if what == "learn" and text not in dict(d) and (key is None or key in dict(d)):
            d.learn(text, key)
            taught[text] = key
        elif what == "unlearn" and text in taught:
            d.unlearn(text)
            del taught[text]
        elif what == "set":
            d[text] = text
        elif what == "delete":
            d.pop(text, None)
        elif what == "read":
            d.get(text)
        for query, right in taught.items():
            if query in dict(d):
                assert d[query] == query
            elif right is None or right in dict(d):
                assert d.get(query) == right
    assert d.corrections == taught


# Many at once


def test_many_queries_are_answered_as_each_alone(account):
    account.learn("how rich am I", "check-balance")
    queries = ["transfers", "transfer", "parliament", 5, None, "how rich am I", "transfers", "?"]
    assert account.get_many(queries, "none") == [account.get(query, "none") for query in queries]
    for one, many in zip(map(account.match, queries), account.match_many(queries), strict=True):
        assert (one is None) == (many is None)
        if one is not None:
            assert one[:2] == many[:2]
            assert one.score == pytest.approx(many.score, abs=1e-5)
    assert account.match_many(["parliament"], cutoff=0.0)[0] is not None
    assert account.match_many([], cutoff=0.0) == account.get_many(iter([])) == []
    assert FuzzyDict().get_many(["a"]) == [None]
    assert FuzzyDict(a=1, cutoff=1.0).get_many(["a", "as"]) == [1, None]
    with pytest.raises(TypeError):
        account.get_many([[]])


@pytest.mark.parametrize(("terminal", "steps"), [(False, 300), (True, 300), (True, 3)])
def test_progress_is_shown_of_much_work_in_a_terminal(monkeypatch, terminal, steps):
    stderr = io.StringIO()
    stderr.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr("fuzzydict.progress._DELAY", 0.0)
    with Progress("work", steps) as step:
        for _ in range(steps):
            step(1)
    assert bool(stderr.getvalue()) is (terminal and steps == 300)


def test_a_fitted_dictionary_can_be_corrected(fitted):
    d = fitted.copy()
    assert d.match("please open the gate", cutoff=0.9) is None
    d.learn("please open the gate", "maple")
    assert d.match("please open the gate").key == "maple"
    assert d.match("please open the gat").key == "maple"
    assert d.match("an error in the app").key == "otter"
    d._check()


def test_what_was_fitted_is_kept_apart_from_the_meanings_in_a_row(fitted):
    projection = fitted._learned.projection
    ranker = Ranker(fitted.embedder, learned=fitted._learned)
    ranker.entries.add(["falcon"])
    numbers, _ = ranker.table.rows()
    ranker.entries.set_learned(LearnedState())
    np.testing.assert_array_equal(ranker.table.rows()[0], numbers)
    assert projection.width > 0


def test_a_correction_leaves_the_other_keys_of_a_fit_as_they_were(fitted):
    corrected = fitted.copy()
    corrected.learn("the app is stuck", "maple")

    def odds(d, query):
        (found,) = d._synced_ranker().candidates([query])
        return dict(zip(found.keys, found.logits.tolist(), strict=True))

    for query in ("the app was stuck", "stuck in the app", "an app is stuck"):
        before, after = odds(fitted, query), odds(corrected, query)
        for key in ("falcon", "otter"):
            assert after[key] == pytest.approx(before[key], abs=1e-3)
        assert after["maple"] > before["maple"]
