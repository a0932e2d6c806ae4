"""From a query to ranked keys: one ranker through all its stages."""

import gc
import math
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fuzzydict import implementation
from fuzzydict.learning.fit import fit
from fuzzydict.learning.lookups import calibrate, labelled_lookups
from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.ranking import ranker as ranker_module
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.candidates import Candidates
from fuzzydict.ranking.evidence import score_breakdowns
from fuzzydict.ranking.guards import DEFAULT, numbers_differ, opposites
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projection import Projection
from fuzzydict.ranking.ranker import Ranker
from fuzzydict.ranking.reference import ReferenceTable
from fuzzydict.ranking.tables import new_table
from fuzzydict.ranking.vetoes import Vetoes

ARTICLE = ["brand", "model", "color", "battery", "top speed", "horse power", "price"]
FIRST = ["order", "shipping", "billing", "customer", "product", "battery", "engine", "red"]
SECOND = ["date", "price", "name", "colour", "cost", "number", "address", "power", "size"]
CROWD = [f"{one} {other}" for one in FIRST for other in SECOND]


class WholeTexts:
    """The default model as an embedder of whole texts; it can fail."""

    name = "whole texts"

    def __init__(self):
        self.texts, self.fails = [], False

    def encode(self, texts):
        if self.fails:
            raise ZeroDivisionError
        self.texts += texts
        return load("default").encode(texts)


def ranker_of(keys, *, embedder=None, guards=DEFAULT, index="auto", **learned):
    ranker = Ranker(embedder or load("default"), guards, LearnedState(**learned), index)
    ranker.entries.add(keys)
    return ranker


def vetoing_guards(ranker, query, key):
    """Return the names of the guards that forbid a key."""
    return Vetoes(ranker.guards, ranker.learned, ranker.table).names(query, key)


@pytest.fixture(params=["native", "reference"])
def any_table(request):
    """Use either implementation in a test."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "reference":
            patch.setattr(implementation, "native", None)
        elif implementation.native is None:
            pytest.skip("the native implementation is missing")
        yield request.param


@pytest.fixture
def article():
    return ranker_of(ARTICLE)


@pytest.fixture(scope="module")
def crowd():
    """More keys than are candidates."""
    return ranker_of(CROWD)


def logits_of(found):
    return dict(zip(found.keys, found.logits.tolist(), strict=True))


# The dictionary of the article that explains attention by dictionaries.


@pytest.mark.usefixtures("any_table")
def test_the_article_is_right():
    ranker = ranker_of(ARTICLE)
    for query, key in (("colour", "color"), ("hue", "color"), ("velocity", "top speed")):
        assert ranker.rank(query, 1)[0][0] == key
    shares = dict(ranker.rank("performance", 9))
    for key in ("battery", "top speed", "horse power"):
        assert shares[key] > shares["color"]
    assert ranker.rank("parliament", 1)[0][1] < 0.1


def test_the_table_is_that_of_the_implementation(any_table):
    table = new_table(load("default"))
    assert isinstance(table, ReferenceTable) is (any_table == "reference")
    assert table.own
    assert not new_table(WholeTexts(), 3).own


# Keys.


def test_a_ranker_without_keys_finds_nothing():
    for embedder in (load("default"), WholeTexts()):
        ranker = ranker_of([], embedder=embedder, corrections={"x": None})
        steps = []
        assert ranker.rank("x", 2) == []
        assert ranker.rank_many(["x", "y"], 2, steps.append) == [[], []]
        assert steps == [2]
        assert ranker.candidates([]) == ranker.rank_many([], 1) == []
        assert ranker.candidates(["x"])[0].keys == []
        assert (len(ranker), ranker.entries.keys()) == (0, [])
        ranker.entries.check()


@pytest.mark.parametrize("embedder", [None, WholeTexts()])
def test_keys_are_ranked_the_same_in_whatever_order_they_came(embedder):
    one, other = ranker_of(ARTICLE, embedder=embedder), ranker_of([], embedder=embedder)
    for key in reversed(ARTICLE):
        other.entries.add([key])
    for query in ("hue", "velocity", "mdoel", "cost", "color"):
        first, second = one.rank(query, 7), other.rank(query, 7)
        assert [key for key, _ in first] == [key for key, _ in second]
        np.testing.assert_allclose([s for _, s in first], [s for _, s in second], atol=1e-4)


def test_a_key_that_was_removed_is_never_an_answer(article):
    article.entries.remove("color")
    article.entries.remove("no such key")
    assert "color" not in article
    assert 1 not in article
    assert "color" not in dict(article.rank("colour", 9))
    article.entries.add(["color"])
    assert article.rank("colour", 1)[0][0] == "color"
    article.entries.check()


@pytest.mark.parametrize("embedder", [None, WholeTexts()])
def test_all_keys_may_go_and_come_back(embedder):
    ranker = ranker_of(ARTICLE, embedder=embedder, corrections={"hue": "price", "x": None})
    for key in ARTICLE:
        ranker.entries.remove(key)
        ranker.entries.check()
    assert ranker.rank_many(["color"], 1) == [[]]
    ranker.entries.add(["price"])
    ranker.entries.check()
    assert ranker.rank("hue", 1)[0][0] == "price"


def test_nothing_changes_if_the_embedder_fails():
    embedder = WholeTexts()
    ranker = ranker_of(ARTICLE, embedder=embedder)
    before = ranker.rank("hue", 9)
    embedder.fails = True
    with pytest.raises(ZeroDivisionError):
        ranker.entries.add(["new"])
    with pytest.raises(ZeroDivisionError):
        ranker.entries.set_learned(LearnedState(corrections={"hue": "price"}))
    ranker.entries.check()
    embedder.fails = False
    assert ranker.rank("hue", 9) == before


def test_a_snapshot_restores_a_ranker_without_embedding():
    for embedder in (load("default"), WholeTexts()):
        learned = {"corrections": {"hue": "price", "no": None, "gone": "no key"}}
        ranker = ranker_of(ARTICLE, embedder=embedder, **learned)
        snapshot = ranker.entries.snapshot()
        restored = Ranker(embedder, DEFAULT, LearnedState(**learned))
        embedder.texts = []
        restored.entries.restore(snapshot)
        assert embedder.texts == []
        restored.entries.check()
        for query in ("hue", "huee", "velocity", "colour"):
            assert restored.rank(query, 9) == ranker.rank(query, 9)
        some = ranker.entries.snapshot({"color", "price", 1})
        assert sorted(some.keys) == ["color", "price"]
        assert len(some.vectors) == 4


@pytest.mark.parametrize("embedder", [None, WholeTexts()])
def test_frequencies_and_scale_last(embedder):
    for late in (True, False):
        ranker = ranker_of([], embedder=embedder)
        if late:
            ranker.entries.add(["order id"])
        before = None if not late else ranker.rank("order", 1)
        ranker.entries.set_frequencies({"order": 500}, 1000)
        ranker.entries.set_scale(Scale(0.1, -0.2) if embedder else None)
        if not late:
            ranker.entries.add(["order id"])
        found = ranker.rank("order", 1)
        if late:
            assert found[0][1] != before[0][1]
            expected = found
    assert found[0] == (expected[0][0], pytest.approx(expected[0][1], abs=1e-5))
    if embedder:
        assert ranker.entries.cosine_scale(Calibration()) == pytest.approx((0.1, -0.2))


# Ranking.


def test_a_smaller_n_is_the_beginning_of_the_same_ranking(crowd):
    for query in ("ship costs", "order date", "Engine Powr", "xyz", ""):
        ranked = crowd.rank(query, 200)
        scores = [score for _, score in ranked]
        assert scores == sorted(scores, reverse=True)
        assert len({key for key, _ in ranked}) == len(ranked)
        for n in (1, 15, 16, 17, 40, 64, 65, 70):
            assert crowd.rank(query, n) == ranked[:n]
        assert sum(scores[:16]) < 1
    assert len(crowd.rank("order", 200)) == len(CROWD)


def test_many_queries_rank_as_each_does(crowd, monkeypatch):
    queries = ["ship costs", "order date", "Engine Powr", "", "hue", "x" * 2000]
    steps = []
    monkeypatch.setattr(ranker_module, "_BATCH", 4)
    together = crowd.rank_many(queries, 3, steps.append)
    assert steps == [4, 2]
    for query, found in zip(queries, together, strict=True):
        alone = crowd.rank(query, 3)
        assert [key for key, _ in found] == [key for key, _ in alone]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in alone], atol=1e-6)


class Lying(str):
    def __hash__(self):
        return 7

    def __eq__(self, other):
        return True


def test_the_contents_of_a_query_count_and_not_what_its_class_says(article):
    for query in ("color", "colour"):
        expected = article.rank(query, 2)
        assert article.rank(Lying(query), 2) == expected
        (found,) = article.rank_many([Lying(query)], 2)
        assert [key for key, _ in found] == [key for key, _ in expected]
        assert found[0][1] == pytest.approx(expected[0][1], abs=1e-6)


def test_candidates_can_be_chosen_among_some_keys(article):
    (found,) = article.candidates(["color"], among=["price", "brand"])
    assert set(found.keys) == {"price", "brand"}
    (found,) = article.candidates(["color"], among=["no such key"])
    assert found.keys == []
    corrected = ranker_of(ARTICLE, corrections={"hue": "color", "tint": "price", "x": None})
    (found,) = corrected.candidates(["hue"], among=["price", "brand"])
    assert set(found.keys) == {"price", "brand"}


def test_so_many_of_the_nearest_are_scored(crowd):
    for n, count in ((None, 16), (10, 10), (64, 64), (500, len(CROWD))):
        (found,) = crowd.candidates(["ship costs"], n)
        assert len(found.keys) == count


def test_required_keys_are_scored(crowd):
    keys = ["red size", None, "order date"]
    scored = crowd.score(["chief expense", "chief expense", "order date"], 3, required=keys)
    found = [[crowd.table.text(place) for place in each.places] for each in scored]
    assert "red size" in found[0]
    assert "red size" not in found[1]
    assert "order date" in found[2]
    assert all(len(each) == 3 for each in found)


def test_the_spelling_alone_may_count(article):
    (found,) = article.score(["hue"], meaning=False)
    (whole,) = article.score(["hue"])
    color = article.table.find("color")
    assert found.logits[found.places.index(color)] < whole.logits[whole.places.index(color)]


def test_an_exact_key_is_above_all_others_and_above_a_floor(article):
    article.entries.add(["qxz"])
    for query in ("color", "top speed", "qxz"):
        (zero,) = article.score([query])
        (found,) = article.candidates([query])
        assert logits_of(found)[query] == pytest.approx(max(zero.logits.max() + 1, 8), abs=1e-3)


def test_keys_of_the_same_words_are_found_by_their_spelling():
    keys = ["top speed", "TOP_SPEED", "topSpeed", "Top-Speed"]
    ranker = ranker_of(keys)
    for query, best in (("TOP_SPEEED", "TOP_SPEED"), ("top speeed", "top speed")):
        ranked = ranker.rank(query, 4)
        assert ranked[0][0] == best
        assert ranked[0][1] > 0.6
        assert all(score < 0.2 for _, score in ranked[1:])
    many = ranker_of([f"top{' ' * n}speed" for n in range(1, 90)])
    for key in many.entries.keys()[::11]:
        assert many.rank(key, 1)[0][0] == key


# Guards.


def test_vetoed_keys_are_left_out_and_can_be_seen_without_guards():
    ranker = ranker_of(["turn on", "turn left"])
    assert "turn on" not in dict(ranker.rank("turn off", 9))
    (found,) = ranker.candidates(["turn off"])
    assert logits_of(found)["turn on"] == -np.inf
    (found,) = ranker.candidates(["turn off"], guards=False)
    assert np.isfinite(found.logits).all()
    assert vetoing_guards(ranker, "turn off 1", "turn on 2") == (
        numbers_differ.__name__, opposites.__name__
    )  # fmt: skip


def never_red(query, key):
    return "red" in key


@pytest.mark.parametrize("guards", [[never_red], [never_red, opposites], [*DEFAULT, never_red]])
def test_guards_of_the_user_veto_beside_the_others(guards):
    ranker = ranker_of(["red car", "blue car", "car off", "car 2"], guards=guards)
    assert ranker.guards.all == tuple(guards)
    found = dict(ranker.rank("red car on 1", 9))
    assert "red car" not in found
    assert ("car off" in found) == (opposites not in guards)
    assert ("car 2" in found) == (numbers_differ not in guards)
    assert dict(ranker.rank_many(["red car on 1"], 9)[0]).keys() == found.keys()
    assert vetoing_guards(ranker, "x", "red car") == ("never_red",)


def test_a_vetoed_key_keeps_further_keys_in_order():
    ranker = ranker_of([*CROWD, "order off"], guards=[lambda query, key: key[0] != "order"])
    ranked = ranker.rank("order", 100)
    assert {key.split()[0] for key, _ in ranked} == {"order"}
    assert len(ranked) == 10


def test_an_exempt_word_is_not_seen_by_guards():
    exempt = {"guard_exemptions": {"turn off 1": frozenset({"on"})}}
    ranker = ranker_of(["turn off 1", "turn on 1", "price"], **exempt)
    assert "turn off 1" in dict(ranker.rank("turn on 1 now", 9))
    assert vetoing_guards(ranker, "turn on 2", "turn off 1") == ("numbers_differ",)
    assert "turn off 1" not in dict(ranker.rank("turn on 2", 9))
    assert "turn off 1" not in dict(ranker_of(["turn off 1"]).rank("turn on 1 now", 9))


def test_a_correction_can_overrule_a_guard():
    ranker = ranker_of(["turn off", "price"], corrections={"switch it on again": "turn off"})
    assert ranker.rank("switch it on again", 1)[0][0] == "turn off"
    assert ranker.rank("switch it on again please", 1)[0][0] == "turn off"
    other = ranker_of(["price", "turn off 1"], corrections={"stop the heating": "turn off 1"})
    assert other.rank("stop heating", 1)[0][0] == "turn off 1"
    assert "turn off 1" not in dict(other.rank("stop the heating 2", 9))  # the key is vetoed


# Corrections.


def test_a_corrected_query_is_certain():
    corrections = {"colour": "price", "hue": None, "xqzj": "brand", "vwkq": None, "a b": "no key"}
    ranker = ranker_of(ARTICLE, corrections=corrections)
    ranker.entries.check()
    for query, key in corrections.items():
        (found,) = ranker.candidates([query])
        logits = logits_of(found)
        if key in ARTICLE:
            assert logits.pop(key) == pytest.approx(20)
        if key != "no key":
            assert max(logits.values()) <= -20 + 1e-3
    assert ranker.rank("a b", 1)[0][1] < 0.5
    # The key itself comes first.
    exact = ranker_of(ARTICLE, corrections={"color": "price"})
    assert exact.rank("color", 1)[0][0] == "color"


def test_the_key_of_a_correction_is_scored_however_unlike_the_query():
    ranker = ranker_of(CROWD, corrections={"chief": "red size"})
    assert ranker.rank("chief", 1)[0] == ("red size", pytest.approx(1))
    (found,) = ranker.candidates(["chief"], 10)
    assert "red size" in found.keys


def test_what_is_like_a_correction_means_its_key_less_than_what_is_like_the_key():
    keys = ["check-balance", "transfer"]
    ranker = ranker_of(keys, corrections={"how rich am I": "check-balance"})
    (key, near) = ranker.rank("how rich am I toda", 1)[0]
    assert key == "check-balance"
    (other, plain) = ranker_of(["how rich am I", "transfer"]).rank("how rich am I toda", 1)[0]
    assert other == "how rich am I"
    assert near < plain
    none = ranker_of(keys, corrections={"how rich am I": None})
    assert none.rank("how rich I am", 1)[0][1] < near


def test_corrections_follow_their_keys(article):
    article.entries.set_learned(LearnedState(corrections={"hue": "price", "tint": None}))
    article.entries.check()
    assert article.rank("hue", 1)[0][0] == "price"
    article.entries.remove("price")
    article.entries.check()
    assert article.rank("hue", 1)[0][0] == "color"
    article.entries.add(["price"])
    article.entries.check()
    assert article.rank("hue", 1)[0][0] == "price"
    article.entries.set_learned(LearnedState(corrections={"hue": "model"}))
    article.entries.check()
    assert article.rank("hue", 1)[0][0] == "model"
    article.entries.set_learned(LearnedState())
    article.entries.check()
    assert article.rank("hue", 1)[0][0] == "color"


def test_the_check_finds_corrections_that_are_no_entries(article):
    article.entries.learned = LearnedState(corrections={"hue": "color"})
    with pytest.raises(AssertionError):
        article.entries.check()


def test_a_query_that_is_an_alias_and_a_key_is_the_key():
    ranker = ranker_of(["hue", "price"], corrections={"hue": "price"})
    assert ranker.rank("hue", 1)[0][0] == "hue"
    ranker.entries.remove("hue")
    ranker.entries.check()
    assert ranker.rank("hue", 1)[0][0] == "price"


# Projections.

TOPICS = [
    ("money was taken", "falcon"), ("the bill is wrong", "falcon"), ("charged twice", "falcon"),
    ("app crashes", "otter"), ("black screen", "otter"), ("it freezes", "otter"),
    ("parcel is late", "maple"), ("no delivery", "maple"), ("where is my box", "maple"),
] * 4  # fmt: skip


@pytest.fixture(scope="module")
def projection():
    ranker = ranker_of(["falcon", "otter", "maple"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fuzzydict.learning.fit._STEPS", 100)
        fitted, _ = fit(labelled_lookups(ranker, TOPICS))
    assert isinstance(fitted, Projection)
    return fitted


@pytest.mark.usefixtures("any_table")
def test_a_projection_moves_logits_and_chooses_candidates(projection):
    names = ["falcon", "otter", "maple", *CROWD]
    ranker, plain = ranker_of(names, projection=projection), ranker_of(names)
    for query, key in (("charged twice", "falcon"), ("black screens", "otter")):
        assert ranker.rank(query, 1)[0][0] == key
        assert dict(plain.rank(query, 200))[key] < dict(ranker.rank(query, 200))[key]
        assert ranker.rank_many([query], 1)[0][0][0] == key


def test_a_projection_follows_keys_and_corrections(projection):
    keys = ["falcon", "otter", "maple"]
    whole = ranker_of(keys, projection=projection, corrections={"gate": "maple"})
    grown = ranker_of(["a", "b", "c"], projection=projection)
    for key in keys:
        grown.entries.add([key])
    grown.entries.set_learned(LearnedState(projection=projection, corrections={"gate": "maple"}))
    for key in ("b", "a", "c"):
        grown.entries.remove(key)
        grown.entries.check()
    late = ranker_of(keys)
    late.entries.set_learned(LearnedState(projection=projection, corrections={"gate": "maple"}))
    for query in ("charged twice", "gates", "gate", "otter", "parcel"):
        expected = whole.rank(query, 3)
        for ranker in (grown, late):
            found = ranker.rank(query, 3)
            assert [key for key, _ in found] == [key for key, _ in expected]
            assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-4)
    late.entries.set_learned(LearnedState())
    assert late.rank("charged twice", 3) == ranker_of(keys).rank("charged twice", 3)


def test_a_projection_and_an_approximate_index_search_exactly(projection):
    ranker = ranker_of(["falcon", *CROWD], index="approximate", projection=projection)
    assert ranker.index == "approximate"
    assert ranker.rank("charged twice", 1)[0][0] == "falcon"


# Other embedders.


def test_an_embedder_of_whole_texts_embeds_each_text_once():
    embedder = WholeTexts()
    ranker = ranker_of(ARTICLE, embedder=embedder, corrections={"tint": "color"})
    assert sorted(embedder.texts) == sorted([*ARTICLE, "tint"])
    embedder.texts.clear()
    assert ranker.rank_many(["hue", "cost"], 1)
    assert embedder.texts == ["hue", "cost"]
    projection = Projection(
        *(np.zeros(shape, np.float32) for shape in (1, 1)),
        *(np.zeros((size, 2), np.float32) for size in (105, 104)),
        {},
        np.zeros(3, np.float32),
        1.0,
    )
    pairs = [("hue", "color"), ("cost", None)]
    for learned in (LearnedState(), LearnedState(projection=projection)):
        ranker.entries.set_learned(learned)
        for ask in (
            lambda: ranker.candidates(["hue"]),
            lambda: ranker.rank("hue", 7),
            lambda: score_breakdowns(ranker, "hue"),
        ):
            embedder.texts.clear()
            ask()
            assert embedder.texts == ["hue"]
        for teach in (calibrate, labelled_lookups):
            embedder.texts.clear()
            teach(ranker, pairs)
            assert embedder.texts == ["hue", "cost"]
    assert ranker.entries.meanings(["price"]) == pytest.approx(
        load("default").encode(["price"]), abs=0.01
    )


def test_the_scale_of_cosines_is_that_of_the_keys():
    ranker = ranker_of(ARTICLE, embedder=WholeTexts())
    slope, offset = ranker.entries.cosine_scale(Calibration())
    assert ranker.entries.cosine_scale(Calibration(scale=Scale(2.0, 0.5))) == pytest.approx(
        (2 * slope, 2 * offset + 0.5)
    )
    before = ranker.rank("hue", 3)
    ranker.entries.set_scale(Scale(0.01, -1.0))
    assert ranker.rank("hue", 3) != before
    assert ranker_of(ARTICLE).entries.cosine_scale(Calibration(scale=Scale(2.0, 0.5))) == (1, 0)


def test_a_vocabulary_of_its_own_is_scored_by_the_default_networks():
    words = ["fast", "quick", "car", "top", "speed", "top speed", "velocity"]
    rows = np.eye(5, dtype=np.float32)[[0, 0, 1, 2, 3, 4, 4]]
    ranker = ranker_of(["fast", "car"], embedder=WordEmbedder(words, rows))
    assert ranker.rank("quick", 1)[0][0] == "fast"


def test_a_model_without_its_score_ranks_nothing(monkeypatch):
    monkeypatch.setattr(implementation, "native", None)
    monkeypatch.setattr(load("default"), "score", None)
    with pytest.raises(LookupError, match="without its score"):
        Ranker(load("default"))


# Candidates.


def test_candidates_are_ordered_by_probability_and_then_by_name():
    found = Candidates(["b", "a", "c", "d"], np.array([1, 1, 2, -np.inf], np.float32))
    assert [key for key, _ in found.best(9)] == ["c", "a", "b"]
    assert [key for key, _ in found.best(1)] == ["c"]
    assert sum(found.probabilities()) == pytest.approx(
        (2 * math.e + math.e**2) / (1 + 2 * math.e + math.e**2)
    )
    assert Candidates([], np.empty(0, np.float32)).best(3) == []


# Any order of changes, against a new ranker.

NAMES = st.sampled_from([*ARTICLE, "TOP_SPEED", "hue", "turn on", "turn off", "falcon", "", "日本"])
QUERIES = ("hue", "velocity", "turn it on", "charged twice", "pirce", "", "top speed")


class AnyOrder(RuleBasedStateMachine):
    """A ranker that changes answers as one that is made of the same keys and lessons."""

    embedder = None

    def __init__(self):
        super().__init__()
        self.present, self.learned = [], LearnedState()
        self.ranker = ranker_of([], embedder=self.embedder)

    @rule(keys=st.lists(NAMES, max_size=4, unique=True))
    def add(self, keys):
        keys = [key for key in keys if key not in self.present]
        self.ranker.entries.add(keys)
        self.present += keys

    @precondition(lambda self: self.present)
    @rule(data=st.data())
    def remove(self, data):
        key = data.draw(st.sampled_from(self.present))
        self.present.remove(key)
        self.ranker.entries.remove(key)

    @rule(query=NAMES, key=st.none() | NAMES)
    def learn(self, query, key):
        self._set(corrections={**self.learned.corrections, query: key})

    @precondition(lambda self: self.learned.corrections)
    @rule(data=st.data())
    def unlearn(self, data):
        query = data.draw(st.sampled_from(sorted(self.learned.corrections)))
        left = {one: key for one, key in self.learned.corrections.items() if one != query}
        self._set(corrections=left)

    @rule(slope=st.sampled_from([0.5, 1.0, 2.0]))
    def calibrate(self, slope):
        self._set(calibration=Calibration(slope, -0.5))

    @rule(exempt=st.booleans())
    def exempt(self, exempt):
        self._set(guard_exemptions={"turn off": frozenset({"on"})} if exempt else {})

    @rule(projected=st.booleans())
    def project(self, projected):
        self._set(projection=self.projection if projected else None)

    def _set(self, **changes):
        self.learned = self.learned._replace(**changes)
        self.ranker.entries.set_learned(self.learned)

    @rule()
    def copy(self):
        snapshot = self.ranker.entries.snapshot()
        if snapshot.keys:
            self.ranker = Ranker(self.ranker.embedder, learned=self.learned)
            self.ranker.entries.restore(snapshot)

    @rule()
    def compare(self):
        fresh = Ranker(self.ranker.embedder, learned=self.learned)
        fresh.entries.add(self.present)
        for query in QUERIES:
            one, other = dict(self.ranker.rank(query, 20)), dict(fresh.rank(query, 20))
            assert one == pytest.approx(other, abs=2e-3), query

    @invariant()
    def entries_are_those_of_the_keys(self):
        self.ranker.entries.check()
        assert sorted(self.ranker.entries.keys()) == sorted(self.present)


@pytest.mark.parametrize("embedder", [None, WholeTexts()], ids=["words", "whole texts"])
def test_any_order_of_changes_ranks_as_a_new_ranker(projection, embedder):
    if embedder is not None:  # it has no extremes of words
        ranker = ranker_of(["falcon", "otter", "maple"], embedder=embedder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("fuzzydict.learning.fit._STEPS", 100)
            projection, _ = fit(labelled_lookups(ranker, TOPICS))
    machine = type("Machine", (AnyOrder,), {"embedder": embedder, "projection": projection})
    run_machine(machine, max_examples=10, stateful_step_count=14)


@pytest.mark.slow
def test_any_long_order_of_changes_ranks_as_a_new_ranker(projection):
    machine = type("Machine", (AnyOrder,), {"projection": projection})
    run_machine(machine, max_examples=100, stateful_step_count=40)


def run_machine(machine, **options):
    run_state_machine_as_test(machine, settings=settings(deadline=None, **options))


# Threads, processes, memory.


def test_threads_rank_alike(crowd):
    queries = [f"{one} {other[:-1]}" for one in FIRST[:4] for other in SECOND]
    expected = crowd.rank_many(queries, 2)
    found, errors = [], []

    def work():
        try:
            found.append(crowd.rank_many(queries, 2))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert found == [expected] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_ranks_alike(crowd, monkeypatch):
    monkeypatch.setenv("FUZZYDICT_THREADS", "3")
    expected = crowd.rank_many(["ship cost"] * 100, 2)
    child = os.fork()
    if not child:
        os._exit(0 if crowd.rank_many(["ship cost"] * 100, 2) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.usefixtures("any_table")
def test_a_ranker_is_freed_with_its_keys():
    class Key(str):
        __slots__ = ("__weakref__",)

    ranker = ranker_of([])
    key = Key("top speed " + "x" * 2000)
    ranker.entries.add([key])
    ranker.rank_many(["top speeds", "velocity"], 2)
    freed = weakref.ref(ranker), weakref.ref(ranker.table), weakref.ref(key)
    del ranker, key
    gc.collect()
    assert [each() for each in freed if each() is not None] == []


RSS = """
import ctypes, gc
from fuzzydict import FuzzyDict

trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda kept: 0)

def memory():
    gc.collect()
    trim(0)  # what is free goes back to the system
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

def use(form, count):
    texts = [form.format(i, i * 7919) for i in range(count)]
    d = FuzzyDict.fromkeys(texts)
    for query in ["velocity of it", "colour", texts[0][:50] + "x"]:
        d.matches(query, 16, cutoff=0.0)
        d.explain(query)
    d.get_many([text[:30] for text in texts[:200]])

use("some word {} {} " + "x" * 60, 100)
for form, count in (("key {} " + "x" * 1_000_000, 10), ("some key {} {}", 20_000)):
    before = memory()
    use(form, count)
    print(round(memory() - before, 1))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(implementation.native is None, reason="of the native implementation")
def test_the_memory_of_a_deleted_dictionary_is_freed():
    done = subprocess.run([sys.executable, "-c", RSS], capture_output=True, text=True, check=True)
    assert all(float(line) < 5 for line in done.stdout.split()), done.stdout
