"""One suite for both implementations of a key table, and their parity."""

import csv
import enum
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fuzzydict import implementation
from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.ranking.reference import ReferenceTable
from fuzzydict.ranking.table import ALIAS, NUMBERS, OPPOSITES, SAME_WORDS
from fuzzydict.ranking.tables import scoring_model
from fuzzydict.text import spelling
from fuzzydict.text import tokens as text
from fuzzydict.text.aliases import renamed

native = implementation.native
needs_native = pytest.mark.skipif(native is None, reason="the native implementation is missing")
EVALUATION = Path(os.environ.get("FUZZYDICT_EVAL", "missing"))

LETTERS = st.text(st.sampled_from("aAsSbZ1 _-.'’é,t0Я日²٣ﬁ\u0301"), max_size=30)
TEXTS = LETTERS | st.text(max_size=40)
WORDS = st.sampled_from([
    "color", "colour", "colors", "price", "prices", "cost", "host", "name", "hostname", "top",
    "speed", "velocity", "qty", "quantity", "addr", "address", "date", "of", "birth", "dob",
    "email", "mail", "e", "q1", "1", "01", "2", "12", "twelve", "first", "zzz", "recieve",
    "receive", "naïve", "日本", "running", "run", "went", "go", "turnoff", "on", "off", "the",
    "a", "xyzzy", "paymnt", "payment", "login", "logout", "unlocked", "locked", "98", "1998",
    "dosomethingelse", "c++", "plus", "estonia", "latvia", "burma", "myanmar", "bob", "robert",
    "5a", "kW", "U.S.", "insulin", "fifth", "sixth", "methanol", "ethanol", "id",
])  # fmt: skip
PHRASES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
LONG = st.lists(WORDS | st.text("abe1é", min_size=1, max_size=70), max_size=30).map(" ".join)
few = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def native_table(embedder, dimension=None):
    return native.KeyTable(scoring_model(embedder), dimension)


IMPLEMENTATIONS = {"native": native_table, "reference": ReferenceTable}


@pytest.fixture(scope="module")
def embedder():
    return load("default")


@pytest.fixture(scope="module")
def model(embedder):
    if native is None:
        pytest.skip("the native implementation is missing")
    return scoring_model(embedder)


@pytest.fixture(scope="module", params=[pytest.param("native", marks=needs_native), "reference"])
def table_of(request, embedder):
    """Return a function that makes a table of keys and aliases."""

    def make(keys=(), aliases=(), dimension=None, **options):
        table = IMPLEMENTATIONS[request.param](embedder, dimension)
        if keys:
            table.add(keys, **options)
        if aliases:
            table.add(aliases, aliases=True)
        return table

    return make


def texts_of(table):
    return [table.text(place) for place in range(len(table))]


def scored(table, query, options=None, **arguments):
    """Return for each scored entry of one query its place, logit, plain logit and flags."""
    settings = table.settings(**(options or {}))
    found = table.rank([query], settings, **arguments)
    columns = found.places, found.logits, found.plain, found.flags
    count = found.counts[0]
    rows = zip(*(each[0, :count].tolist() for each in columns), strict=True)
    return {row[0]: row[1:] for row in rows}


# Entries.


def test_an_empty_table_finds_nothing(table_of):
    table = table_of()
    assert len(table) == table.key_count == 0
    assert table.keys() == table.aliases() == []
    assert table.find("color") is None
    assert table.best(["color", ""], 3) == [[], []]
    assert table.best([], 3) == []
    found = table.rank(["color"], rows=True)
    assert found.counts.tolist() == [0]
    assert found.rows.shape == (1, table.width)
    assert table.rows()[0].shape == (0, table.width)


def test_keys_and_aliases_have_places_of_their_own(table_of):
    table = table_of(["top speed"], ["top speed", "how fast"])
    assert texts_of(table) == ["top speed", "top speed", "how fast"]
    assert (table.find("top speed"), table.find_alias("top speed")) == (0, 1)
    assert (table.find("how fast"), table.find_alias("how fast")) == (None, 2)
    assert (table.key_count, table.keys()) == (1, ["top speed"])
    assert sorted(table.aliases()) == ["how fast", "top speed"]
    assert {place: flags for place, (_, _, flags) in scored(table, "top sped").items()} == {
        0: 0, 1: ALIAS, 2: ALIAS
    }  # fmt: skip


def test_the_last_entry_takes_the_place_of_one_that_is_removed(table_of):
    table = table_of(["a b", "c d"], ["a b", "e f"])
    table.remove_at(1)
    assert texts_of(table) == ["a b", "e f", "a b"]
    assert (table.find_alias("e f"), table.find("c d"), table.find("a b")) == (1, None, 0)
    table.remove_at(0)  # the alias of the same text takes the place of the key
    assert texts_of(table) == ["a b", "e f"]
    assert (table.find("a b"), table.find_alias("a b"), table.key_count) == (None, 0, 0)
    table.remove_at(1)
    table.remove_at(0)
    assert len(table) == 0
    table.add(["a b"])
    assert table.best(["ab"])[0][0][0] == "a b"


@pytest.mark.parametrize("keys", [["top speed"], ["x", "x"]])
def test_a_key_that_is_there_is_refused_and_nothing_is_added(table_of, keys):
    table = table_of(["top speed"])
    with pytest.raises(ValueError, match="keys must be new and different from each other"):
        table.add(keys)
    assert texts_of(table) == ["top speed"]


def test_what_is_not_text_is_refused(table_of):
    table = table_of(["top speed"])
    for wrong in ([1], [None], ["x", b"y"]):
        with pytest.raises(TypeError, match="a text must be a str"):
            table.add(wrong)
    assert texts_of(table) == ["top speed"]


class Speed(str, enum.Enum):
    TOP = "top speed"


def test_strings_of_subclasses_are_texts(table_of):
    class Long(str):
        __slots__ = ()

        def __len__(self):
            return 1 << 40

    table = table_of([Speed.TOP, np.str_("color"), Long("price")])
    assert [table.find(key) for key in ("top speed", "color", "price")] == [0, 1, 2]
    for query in ("velocity", Long("velocity"), np.str_("velocity")):
        assert table.best([query])[0][0][0] == "top speed"


def test_quantised_vectors_restore_the_same_table(table_of):
    keys = ["top speed", "color", "日本 Größe", "", "price of it"]
    table = table_of(keys)
    numbers, scales = table.rows()
    assert (numbers.dtype, numbers.shape, scales.shape) == (np.int8, (5, table.width), (5,))
    restored = table_of(keys, numbers=numbers, scales=scales)
    queries = ["velocity", "colour", "groesse", "cost"]
    assert restored.best(queries, 3) == table.best(queries, 3)
    np.testing.assert_array_equal(table.vectors([1, 0]), (numbers * scales[:, None])[[1, 0]])


def test_a_row_moves_with_its_entry(table_of):
    table = table_of(["top speed", "color", "price"])
    rows = dict(zip(texts_of(table), table.vectors(), strict=True))
    table.remove_at(0)
    for key, row in zip(texts_of(table), table.vectors(), strict=True):
        np.testing.assert_array_equal(row, rows[key])


def test_the_words_of_a_key_count_by_how_many_keys_have_them(table_of):
    keys = ["order date", "order id", "order total", "order order sum"]
    whole, rest = table_of(keys), table_of([keys[1]])
    before = scored(whole, "order di")
    for key in (keys[0], keys[2], keys[3]):
        whole.remove_at(whole.find(key))
    assert scored(whole, "order di")[0] == pytest.approx(scored(rest, "order di")[0])
    assert before[1] != pytest.approx(scored(whole, "order di")[0])
    # Aliases are no keys: their words count for nothing.
    with_aliases = table_of([keys[1]], keys[:1] + keys[2:])
    assert scored(with_aliases, "order di")[0] == pytest.approx(scored(rest, "order di")[0])


def test_the_frequencies_of_a_larger_collection_may_count(table_of):
    table, other = table_of(["order id"]), table_of(["order id"])
    before = scored(table, "order")[0]
    table.set_frequencies({"order": 500, "id": 3}, 1000)
    assert scored(table, "order")[0][0] != pytest.approx(before[0])
    table.add(["order sum"])  # changes nothing
    other.add(["order sum"])
    other.set_frequencies({"order": 500, "id": 3}, 1000)
    assert scored(table, "order")[0] == pytest.approx(scored(other, "order")[0], abs=1e-4)
    table.set_frequencies({}, 1000)
    assert scored(table, "order")[0] == pytest.approx(before, abs=1e-4)


# Ranking.


def test_a_typo_a_synonym_and_an_abbreviation_are_found(table_of):
    table = table_of(["quantity", "date of birth", "shipping address", "color", "top speed"])
    expected = {
        "quantiyt": "quantity", "qty": "quantity", "birth_date": "date of birth",
        "dob": "date of birth", "ShippingAddr": "shipping address", "hue": "color",
        "velocity": "top speed", "COLOUR": "color",
    }  # fmt: skip
    found = table.best(list(expected))
    assert [best[0][0] for best in found] == list(expected.values())


def test_a_query_without_words_means_nothing_but_itself(table_of):
    table = table_of(["...", "color"])
    assert scored(table, "?!") == scored(table, "") == {}
    assert table.best(["?!"], 3) == [[]]
    assert list(scored(table, "...")) == [0]
    assert [key for key, _ in table.best(["..."], 3)[0]] == ["..."]
    assert table.best(["color"], 3)[0][0][0] == "color"


def test_the_exact_entry_is_always_scored(table_of):
    keys = [f"{word}{i}" for i in range(40) for word in ("key", "name", "speed")]
    table = table_of([*keys, "zzz"])
    narrow = {"n_candidates": 8, "n_scored": 4}
    assert table.find("zzz") in scored(table, "zzz", narrow)
    for options in (narrow, {"n_candidates": 4, "n_scored": 0}):
        found = scored(table, "key7", options, exact=[table.find("zzz")])
        assert len(found) == 4
        assert table.find("zzz") in found
        assert table.find("zzz") not in scored(table, "key7", options, exact=[-1])
    among = {"among": [0, 1], "exact": [table.find("zzz")]}
    assert sorted(scored(table, "key7", **among)) == [0, 1]  # unless it is not allowed
    assert sorted(scored(table, "zzz", among=[0, 1])) == [0, 1]


def test_only_entries_among_those_allowed_are_candidates(table_of):
    table = table_of([f"key {i}" for i in range(30)])
    assert sorted(scored(table, "key 7", among=[3, 1, 3], exact=[-1])) == [1, 3]
    assert sorted(scored(table, "key 7", among=np.array([29]), exact=[-1])) == [29]
    assert scored(table, "key 7", among=[], exact=[-1]) == {}


def test_keys_that_say_more_than_the_query_share_its_probability(table_of):
    keys = ["tomato soup", "chicken soup", "apple juice", "The Salad", "red salad", "soup spoon"]
    found = scored(table_of(keys), "soup", exact=[-1])
    logits = [found[place][0] for place in (0, 1, 5)]
    assert logits == pytest.approx([logits[0]] * 3, abs=1e-5)
    found = scored(table_of(keys), "salad", exact=[-1])
    assert found[3][0] > found[4][0]  # "the" says nothing more
    alone = scored(table_of(keys[1:]), "soup spoon", exact=[-1])
    assert alone[4][0] > alone[0][0]


def test_a_bonus_chooses_candidates_and_does_not_change_logits(table_of):
    table = table_of([f"key {i}" for i in range(90)])
    bonus = np.zeros((1, 90), np.float32)
    bonus[0, 80:] = 9
    found = scored(table, "my key", {"n_candidates": 10, "n_scored": 0}, bonus=bonus)
    assert sorted(found) == list(range(80, 90))
    every = scored(table, "my key", {"n_candidates": 90, "n_scored": 0})
    for place, row in found.items():
        assert row == pytest.approx(every[place])


def test_so_many_candidates_are_scored(table_of):
    table = table_of([f"key {i}" for i in range(90)])
    for options, count in (
        ({}, 16),
        ({"n_scored": 0}, 64),
        ({"n_candidates": 80, "n_scored": 70}, 70),
        ({"n_candidates": 500, "n_scored": 0}, 90),
        ({"n_candidates": 1, "n_scored": 1}, 1),
    ):
        assert len(scored(table, "key", options)) == count


def test_of_the_nearest_those_with_the_most_similar_letters_are_scored(table_of, embedder):
    first = ["order", "shipping", "billing", "customer", "product", "battery", "engine", "red"]
    second = ["date", "price", "name", "colour", "cost", "number", "address", "power", "size"]
    table = table_of([f"{one} {other}" for one in first for other in second])
    for query in ("ship costs", "adress of customers", "Engine Powr", "hue of the product"):
        products = table.vectors() @ table.query_vectors([query])[0]
        nearest = np.argsort(-products, kind="stable")[:64].tolist()
        letters = " ".join(text.words(query))
        shared = [spelling.ratios(letters, [table.text(place).casefold()])[0] for place in nearest]
        order = np.argsort(-(products[nearest] + shared), kind="stable")[:16]
        assert set(scored(table, query)) == {nearest[i] for i in order}


def test_calibration_and_scale_change_logits_and_cosines(table_of):
    table = table_of(["top speed", "color"])
    plain = scored(table, "velocty")
    twice = scored(table, "velocty", {"calibration": (2.0, -1.0)})
    for place, (logit, *_) in plain.items():
        assert twice[place][0] == pytest.approx(2 * logit - 1, abs=1e-4)
    assert scored(table, "velocty", {"scale": (0.1, 0.0)}) == plain  # the cosines are its own


def test_without_vectors_the_spelling_alone_counts(table_of):
    table = table_of(["top speed", "velocities"])
    by_meaning = scored(table, "velocity")
    by_spelling = scored(table, "velocity", {"vectors": False, "cosines": False})
    assert by_spelling[1][0] > by_spelling[0][0]
    assert by_spelling[0][0] < by_meaning[0][0]


def test_guards_veto_and_may_be_left_out(table_of):
    table = table_of(["turn off 1", "turn on 1", "turn on 2"])
    found = scored(table, "turn on 1")
    assert [found[place][2] for place in range(3)] == [OPPOSITES, 0, NUMBERS]
    assert [np.isneginf(found[place][0]) for place in range(3)] == [True, False, True]
    assert all(np.isfinite(row[1]) for row in found.values())
    only = scored(table, "turn on 1", {"guards": NUMBERS})
    assert [only[place][2] for place in range(3)] == [0, 0, NUMBERS]
    none = scored(table, "turn on 1", {"guards": 0})
    assert all(row[0] == row[1] and not row[2] for row in none.values())
    assert [key for key, _ in table.best(["turn on 1"], 3)[0]] == ["turn on 1"]


def test_of_keys_with_the_same_words_the_closest_spelling_is_preferred(table_of):
    table = table_of(["top_speed", "topSpeed", "Top Speed", "color"])
    found = scored(table, "Top Speeed")
    assert [found[place][2] for place in range(4)] == [SAME_WORDS, SAME_WORDS, 0, 0]
    for place in range(2):
        logit, plain, _ = found[place]
        assert logit == pytest.approx(plain - 4, abs=1e-5)
    assert table.best(["Top Speeed"])[0][0][0] == "Top Speed"
    table.add(["fast"], aliases=True)  # then entries stand for keys, and none is preferred
    assert not any(flags & SAME_WORDS for _, _, flags in scored(table, "Top Speeed").values())


def test_an_exact_key_is_above_all_others_and_above_a_floor(table_of):
    table = table_of(["top_speed", "topSpeed", "Top Speed", "qxz"])
    for key in list(table.keys()):
        ranked = table.best([key], 9)[0]
        assert ranked[0][0] == key
        assert ranked[0][1] > 0.7
    assert table.best(["qxz"])[0][0][1] > 0.999


def test_probabilities_of_keys_and_of_no_match_sum_to_one(table_of):
    table = table_of(["top speed", "color", "price", "turn on", "turn off"])
    for query in ("velocity", "switch on", "colour", "cost", "xyzzy"):
        ranked = table.best([query], 9)[0]
        scores = [score for _, score in ranked]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) < 1
        assert table.best([query], 2)[0] == ranked[:2]
        logits = [row[0] for row in scored(table, query).values()]
        total = 1 + sum(np.exp(logits))
        assert scores[0] == pytest.approx(np.exp(max(logits)) / total, abs=1e-6)


def test_keys_of_equal_scores_are_in_alphabetical_order(table_of):
    keys = ["qxqxzb", "qxqxza", "qxqxzc"]
    row = {"numbers": np.ones((3, 1 + spelling.DIMENSION), np.int8), "scales": np.ones(3)}
    table = table_of(keys, dimension=1, **row)
    options = table.settings(cosines=False)
    ranked = table.best(["vvvvvv"], 3, options, meanings=np.ones((1, 1), np.float32))[0]
    assert len({score for _, score in ranked}) == 1
    assert [key for key, _ in ranked] == sorted(keys)


def test_many_queries_at_once_find_what_each_finds_alone(table_of):
    keys = random.Random(2).sample(load("default").table.texts, 120)
    queries = [key + "x" for key in keys[:20]] + ["", "日本"]
    table = table_of(keys)
    together = table.rank(queries, threads=3, rows=True)
    np.testing.assert_allclose(together.rows, table.query_vectors(queries), atol=1e-6)
    assert table.best(queries, 2, threads=2) == [table.best([query], 2)[0] for query in queries]


def test_long_texts_are_read_up_to_a_thousand_characters(table_of):
    long = "top speed " * 100
    table = table_of([long, long + "color", "z" * 1500, "price " * 30])
    assert table.find(long + "color") == 1
    first, second = table.vectors([0, 1])
    np.testing.assert_array_equal(first, second)
    assert table.best(["z" * 1500])[0][0][0] == "z" * 1500
    assert table.best(["price " * 29])[0][0][0] == "price " * 30


@pytest.mark.parametrize(
    "key",
    ["Größe", "日本語", "naïve café", "ﬁle ²", "\ud800 lone", "e\u0301te\u0301", "\0", "🎉"],
)
def test_any_unicode_may_be_a_key_and_a_query(table_of, key):
    table = table_of(["color", key], [key + "x"])
    assert table.find(key) == 1
    assert table.text(1) == key
    if text.words(key):
        assert table.best([key], 1)[0][0][0] == key
    table.remove_at(1)
    assert table.find(key) is None


def test_the_trust_in_a_query_is_the_length_of_its_meaning(table_of, embedder):
    queries = ["receive", "recieve", "recieve the price", "xqzvw"]
    meanings = table_of().query_vectors(queries)[:, : embedder.dimension]
    trusts = [embedder.confidence(text.words(query)) for query in queries]
    np.testing.assert_allclose(np.linalg.norm(meanings, axis=1), trusts, atol=1e-5)
    assert trusts[0] == 1 > trusts[1] > 0
    # A key is written as it was meant.
    assert not table_of(["recieve"]).vectors()[:, : embedder.dimension].any()


# Another embedder.


def unit(rows):
    rows = np.array(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def meanings_of(texts):
    return unit([[len(each), each.count("e"), each.count("o"), 1.0] for each in texts])


def test_another_embedder_supplies_the_meanings(table_of):
    keys = ["color", "price", "three", "four hundred", "zero"]
    table = table_of(keys, dimension=4, meanings=meanings_of(keys))
    assert not table.own
    assert table.width == 4 + spelling.DIMENSION
    np.testing.assert_allclose(table.vectors()[:, :4], meanings_of(keys), atol=0.01)
    queries = ["threee", "4 hundred"]
    meanings = meanings_of(queries)
    vectors = table.query_vectors(queries, meanings)
    np.testing.assert_allclose(vectors[:, :4], meanings, atol=1e-6)
    best = table.best(queries, 1, table.settings(scale=(0.2, 0.0)), meanings=meanings)
    assert best[0][0][0] == "three"
    high, low = (
        scored(table, "4 hundred", {"scale": scale}, meanings=meanings[1:])[3][0]
        for scale in ((1.0, 0.5), (1.0, -0.5))
    )
    assert high > low


# Parity.


def assert_same(embedder, keys, queries, aliases=(), atol=1e-4, dimension=None, **options):
    """Assert that both implementations score the same entries alike."""
    one, other = native_table(embedder, dimension), ReferenceTable(embedder, dimension)
    arguments = {}
    if dimension is not None:
        arguments["meanings"] = meanings_of(queries)
        one.add(keys, meanings=meanings_of(keys))
    else:
        one.add(keys)
    if aliases:
        one.add(aliases, aliases=True)
    # A number of a row may be rounded the other way: that is tested elsewhere.
    numbers, scales = one.rows()
    end = len(keys)
    other.add(keys, numbers=numbers[:end], scales=scales[:end])
    other.add(aliases, numbers=numbers[end:], scales=scales[end:], aliases=True)
    found, expected = (
        each.rank(queries, each.settings(**options), rows=True, **arguments)
        for each in (one, other)
    )
    np.testing.assert_allclose(found.rows, expected.rows, atol=2e-5)
    for i, query in enumerate(queries):
        ours, theirs = (
            dict(
                zip(
                    each.places[i, : each.counts[i]].tolist(),
                    np.stack([each.logits[i], each.plain[i], each.flags[i]], 1).tolist(),
                    strict=False,
                )
            )
            for each in (found, expected)
        )
        if renamed(text.words(query), other._has_word):  # each name chooses candidates of its own
            assert max(ours.values()) == pytest.approx(max(theirs.values()), abs=1e-3), query
            continue
        assert len(ours) == len(theirs), query
        assert_same_choice(other, expected.rows[i], query, set(ours) ^ set(theirs))
        shared = sorted(ours.keys() & theirs.keys())
        if len(shared) == len(ours):
            np.testing.assert_allclose(
                [ours[place] for place in shared],
                [theirs[place] for place in shared],
                atol=atol,
                err_msg=query,
            )
        else:  # the preferred key of some words may be another one
            np.testing.assert_allclose(
                [ours[place][1] for place in shared],
                [theirs[place][1] for place in shared],
                atol=atol,
                err_msg=query,
            )


def assert_same_choice(table, vector, query, different):
    """Assert that entries that only one implementation scores are nearly equally similar."""
    if different:
        letters = " ".join(text.words(query))
        texts = [table.text(place)[: text.MAX_LENGTH].casefold() for place in different]
        products = table.vectors(different) @ vector
        both = products + spelling.ratios(letters, texts)
        assert min(np.ptp(both), np.ptp(products)) < 1e-4, (query, texts)


def examples(per_file, n_keys, n_queries):
    """Yield keys and queries of evaluation data, and random ones."""
    rng = random.Random(5)
    for path in sorted(EVALUATION.glob("*.tsv")):
        rows = [line.split("\t")[:2] for line in path.read_text("utf-8").splitlines()]
        rows = [row for row in rows if len(row) == 2]
        rows = rng.sample(rows, min(len(rows), n_keys))
        yield list(dict.fromkeys(key for _, key in rows)), [row[0] for row in rows[:n_queries]]
    if (path := EVALUATION / "reports.jsonl").exists():
        reports = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for report in rng.sample(reports, min(len(reports), per_file)):
            yield list(dict.fromkeys(report["keys"])), [report["query"]]
    for folder in sorted((EVALUATION / "autofj").glob("*"))[:per_file]:
        with (
            open(folder / "left.csv", encoding="utf-8") as left,
            open(folder / "right.csv", encoding="utf-8") as right,
        ):
            keys, queries = (
                [row["title"] for row in csv.DictReader(file)] for file in (left, right)
            )
        yield list(dict.fromkeys(keys[:n_keys])), queries[:n_queries]
    known = load("default").table.texts
    for size in (1, 17, n_keys):
        keys = rng.sample(known, size)
        yield keys, [*rng.sample(known, n_queries), *(key[1:] + key[:1] for key in keys[:5])]
    sentences = [" ".join(rng.sample(known, n)) for n in (1, 5, 20, 30, 70, 200)]
    yield sentences, [each.replace("e", "a", 2) for each in sentences] + ["x" * 80, "z" * 1500]


@needs_native
def test_some_real_lookups_are_scored_alike(embedder):
    for keys, queries in examples(4, 60, 4):
        assert_same(embedder, keys, queries)


@needs_native
def test_the_case_of_letters_does_not_choose_among_candidates_of_long_queries(embedder):
    query = "the amount of the invoice of the customer of the other office in the north of the city"
    keys = [f"{query.title()} {number}" for number in range(5)]
    keys += [f"{word} amount of an invoice of a customer" for word in "abcdefghijklmnop"]
    assert_same(embedder, keys, [query])
    assert_same(embedder, list(map(str.upper, keys)), [query])


@needs_native
@pytest.mark.slow
def test_many_real_lookups_are_scored_alike(embedder):
    for keys, queries in examples(60, 2000, 25):
        assert_same(embedder, keys, queries)


@needs_native
@few
@given(
    st.lists(PHRASES | TEXTS | LONG, min_size=1, max_size=25, unique=True),
    st.lists(PHRASES | TEXTS | LONG, min_size=1, max_size=4),
    st.lists(PHRASES, max_size=2, unique=True),
    st.booleans(),
    st.sampled_from([None, 4]),
)
def test_any_texts_are_scored_alike(embedder, keys, queries, aliases, vectors, dimension):
    options = {"vectors": vectors, "calibration": (1.5, -0.5)}
    if dimension is not None:
        options |= {"scale": (0.7, 0.1)}
        aliases = []
    assert_same(embedder, keys, [*queries, keys[0]], aliases, 2e-4, dimension=dimension, **options)


@needs_native
@few
@given(st.lists(PHRASES | TEXTS | LONG, min_size=1, max_size=9, unique=True))
def test_vectors_of_keys_are_the_same_but_for_rounding(embedder, keys):
    one, other = native_table(embedder), ReferenceTable(embedder)
    one.add(keys)
    other.add(keys)
    (numbers, scales), (expected, of_expected) = one.rows(), other.rows()
    assert np.abs(numbers.astype(int) - expected).max() <= 1
    np.testing.assert_allclose(scales, of_expected, rtol=1e-4, atol=1e-29)
    assert [one.words(i) for i in range(len(keys))] == [other.words(i) for i in range(len(keys))]


@needs_native
def test_a_model_of_floats_is_scored_alike():
    words = ["red", "colour", "top speed", "speed", "velocity", "top"]
    vectors = unit(np.random.default_rng(1).normal(size=(6, 5)))
    embedder = WordEmbedder(words, vectors)
    keys = ["red", "top speed", "velocities", "colours"]
    assert_same(embedder, keys, ["rad", "speed", "top-speed", "redd colour"])


class TablesInStep(RuleBasedStateMachine):
    """Both implementations through the same changes: add, remove, restore."""

    def __init__(self):
        super().__init__()
        self.tables = native_table(load("default")), ReferenceTable(load("default"))

    @rule(texts=st.lists(PHRASES, max_size=3, unique=True), aliases=st.booleans())
    def add(self, texts, aliases):
        first, second = self.tables
        there = first.aliases() if aliases else first.keys()
        texts = [each for each in texts if each not in there]
        first.add(texts, aliases=aliases)
        numbers, scales = first.rows(range(len(first) - len(texts), len(first)))
        second.add(texts, numbers=numbers, scales=scales, aliases=aliases)

    @precondition(lambda self: len(self.tables[0]))
    @rule(data=st.data())
    def remove(self, data):
        place = data.draw(st.integers(0, len(self.tables[0]) - 1))
        for table in self.tables:
            table.remove_at(place)

    @rule(query=PHRASES)
    def rank(self, query):
        one, other = (scored(table, query) for table in self.tables)
        assert one.keys() == other.keys()
        for place in one:
            assert one[place] == pytest.approx(other[place], abs=2e-4)

    @invariant()
    def entries_are_the_same(self):
        one, other = self.tables
        assert texts_of(one) == texts_of(other)
        assert sorted(one.keys()) == sorted(other.keys())
        assert sorted(one.aliases()) == sorted(other.aliases())
        keys = one.keys()
        assert all(one.text(one.find(key)) == key for key in keys)
        np.testing.assert_array_equal(one.rows()[0], other.rows()[0])


TestTablesInStep = needs_native(TablesInStep.TestCase)
TablesInStep.TestCase.settings = settings(deadline=None, max_examples=15, stateful_step_count=12)
