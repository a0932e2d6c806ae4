"""What only the native implementation has: its functions alone, checks of input, memory."""

import gc
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_implementations import LETTERS, LONG, PHRASES, TEXTS, WORDS

from fuzzydict import implementation
from fuzzydict.model.embedders import load
from fuzzydict.model.networks import PAIR_FEATURES, TEXT_FEATURES
from fuzzydict.model.vocabulary import WithoutVectors
from fuzzydict.ranking import guards
from fuzzydict.ranking.features import (
    TextFeatures,
    WordFeatures,
    coverage,
    pair_features,
    text_features,
)
from fuzzydict.ranking.tables import scoring_model
from fuzzydict.resources import data_file
from fuzzydict.text import spelling
from fuzzydict.text import tokens as text

native = implementation.native
pytestmark = pytest.mark.skipif(native is None, reason="the native implementation is missing")
few = settings(deadline=None, max_examples=40)


@pytest.fixture(scope="module")
def embedder():
    return load("default")


@pytest.fixture(scope="module")
def model(embedder):
    return scoring_model(embedder)


def table_of(model, keys):
    table = native.KeyTable(model)
    table.add(keys)
    return table


N_PAIR, N_TEXT = len(PAIR_FEATURES), len(TEXT_FEATURES)


@few
@given(TEXTS | LETTERS)
def test_texts_are_split_into_the_same_words(written):
    assert native.split(written) == text.words(written)


PARTS_OF_VALUES = [
    "1", "2", "5", "05", "12", "30", "2024", "1999", "jan", "May", "sept.", "am", "PM", "a.m.",
    "utc", "GMT", "minus", "to", "abc", "x", "of", "th", "nd", " ", " ", "/", ":", "-", "+", ".",
    ",", "kW", "MHz", "pH", "mAh", "KB", "%", "$", "€", "(", ")", "->", "=>", "0x", "ff", "_", "½",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS_OF_VALUES), max_size=8).map("".join))
def test_dates_amounts_and_the_like_are_split_into_the_same_words(written):
    assert native.split(written) == text.words(written)


@pytest.mark.parametrize(
    "written",
    [
        "HTTPServerURLs",
        "aB" * 600,
        "a_-5 v1.2.3 1.0 .5 -.50 x.5 00.5 1..5 -10 --1 a-1 (-1) 3.10.",
        "0.0 -0 1.",
        "Don't 1,000 it'sA",
        "o'clock's",
        "1,0000 a,123",
        "Ab",
        "URLsA",
        "C++ C# ObjC# a+b x+ UTC+8 issue#5 a ++ b +1",
        "2++to 5+-1 5++.5 C++17 am+ -5",
        "a.m.-",
        "U.T.C. +05:00 k.W. M.I.N.U.S. 5 9 p.m. 9p.m. 5 x.am",
        "U.S. U.S.A.F. S.p.A. a.b.example i.v.2 e.g. A.B_ x.y.z D.C .a.b.",
    ],
)
def test_camel_case_apostrophes_and_commas_are_read_alike(written):
    assert native.split(written) == text.words(written)


@few
@given(st.lists(LONG, max_size=4), st.booleans())
def test_vectors_and_their_trust_are_the_same(model, embedder, texts, guess):
    split = [text.words(each) for each in texts]
    vectors, trust = model.embed(texts, guess=guess)
    expected = embedder.encode_words(split, guess=guess)
    np.testing.assert_allclose(vectors[:, : model.dimension], expected, atol=1e-5)
    letters = spelling.encode([text.compact(words) for words in split])
    np.testing.assert_allclose(vectors[:, model.dimension :], letters, atol=1e-6)
    if guess:
        np.testing.assert_allclose(
            trust, [embedder.confidence(words) for words in split], atol=1e-5
        )


def known(vocabulary, word, guess):
    vectors, *numbers = vocabulary.look_up([word], guess=guess)
    return WordFeatures(word, vectors[0], *(float(number[0]) for number in numbers))


@few
@given(st.lists(st.tuples(WORDS, WORDS | st.text("abé1", min_size=1, max_size=80)), max_size=6))
def test_features_of_words_are_the_same(model, embedder, pairs):
    queries, keys = [one for one, _ in pairs], [other for _, other in pairs]
    for vocabulary, vectors in ((embedder, True), (WithoutVectors(embedder), False)):
        found = model.word_features(queries, keys, vectors=vectors)
        for row, query, key in zip(found, queries, keys, strict=True):
            expected = pair_features(known(vocabulary, query, True), known(vocabulary, key, False))
            np.testing.assert_allclose(row, expected, atol=1e-4)


@few
@given(PHRASES | LONG, st.lists(PHRASES | LONG, min_size=1, max_size=3, unique=True))
def test_features_of_texts_are_the_same(model, embedder, query, keys):
    table = table_of(model, keys)
    split = [text.words(key) for key in keys]
    cosines = np.linspace(-0.2, 0.9, len(keys)).astype(np.float32)

    def probability(features):
        return 1 / (1 + np.exp(-float(embedder.score.pairs(features))))

    def idf(word):
        count = sum(word in each for each in split)
        return 1 - np.log(count) / np.log(len(keys) + 1) if count > 1 else 1.0

    def is_used(word):
        return any(word in each for each in split)

    for vocabulary, vectors in ((embedder, True), (WithoutVectors(embedder), False)):
        found = table.phrase_features(query, range(len(keys)), cosines=cosines, vectors=vectors)
        ours = TextFeatures.of(text.words(query), vocabulary, is_query=True)
        for row, words, cosine in zip(found, split, cosines.tolist(), strict=True):
            theirs = TextFeatures.of(words, vocabulary, is_query=False)
            covered = coverage(ours, theirs, probability)
            expected = text_features(ours, theirs, covered, cosine, idf, is_used)
            np.testing.assert_allclose(row, expected, atol=2e-4)


@few
@given(LONG, LONG)
def test_guards_veto_the_same(model, query, key):
    table = table_of(model, [key])
    found = table.rank([query], exact=[0])
    words = text.words(query), text.words(key)
    expected = guards.flags_of(*words, native.ALL_GUARDS) if words[0] else 0
    assert int(found.flags[0, 0]) & native.ALL_GUARDS == expected


STRUCTURE = st.sampled_from([
    "1", "2", "10", "1.0", "1.5", "-1.5", ".5", "3.10", "007", "2024", "24", "kg", "g", "mg", "usd",
    "eur", "s", "ms", "min", "h", "m", "part", "type", "phase", "i", "ii", "iv", "v", "x", "two",
    "second", "eighteenth", "no", "not", "never", "without", "free", "but", "number", "of",
    "neither", "nor", "dont", "unpaid", "paid", "less", "sugarless", "sugar", "valid", "invalid",
    "a", "b", "to", "into", "from", "owes", "alice", "bob", "then", "json", "csv", "touchstart",
    "touchend", "open", "closed",
])  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(STRUCTURE, min_size=1, max_size=5), st.lists(STRUCTURE, min_size=1, max_size=5))
def test_guards_veto_the_same_numbers_negations_units_orders_and_letters(model, query, key):
    query, key = " ".join(query), " ".join(key)
    flags = int(table_of(model, [key]).rank([query], exact=[0]).flags[0, 0])
    expected = guards.flags_of(text.words(query), text.words(key), native.ALL_GUARDS)
    assert flags & native.ALL_GUARDS == expected


def test_words_in_common_may_choose_the_scored_keys(model, embedder):
    keys = ["saint marys school of zwolle"]
    keys += [f"school of mary {word}" for word in embedder.table.texts[:99]]
    options = native.Settings(n_candidates=100, n_scored=1, tokens=5.0, letters=0.0)
    assert table_of(model, keys).rank("zwolle", options).places.tolist() == [[0]]


def test_memory_follows_the_keys(model):
    rng = random.Random(3)
    pool = [
        f"{a} {b}" for a in ("top", "max", "日本", "") for b in ("speed", "speeds", "Größe", "x1")
    ]
    table, present = native.KeyTable(model), []
    for _ in range(300):
        if present and rng.random() < 0.45:
            key = present.pop(rng.randrange(len(present)))
            table.remove(key)
            assert key not in table
        else:
            new = [key for key in rng.sample(pool, 2) if key not in present]
            table.add(new)
            present += new
        assert sorted(table.keys()) == sorted(present)
    same = table_of(model, [table.text(place) for place in range(len(table))])
    assert table.best("top speed", 9) == same.best("top speed", 9)
    for key in present:
        table.remove(key)
    table.add(["x" * 5000])
    table.remove("x" * 5000)
    assert table.nbytes < 100_000


ROW = np.zeros((1, 168), np.int8)


def of_others(table):
    return native.KeyTable(table.model, dimension=3)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda table: table.add([("top",)])),
        (ValueError, lambda table: table.add(["x"], numbers=ROW)),
        (ValueError, lambda table: table.add(["x"], numbers=np.zeros((1, 3), np.int8), scales=[1])),
        (ValueError, lambda table: table.add(["x"], numbers=np.zeros((1, 168)), scales=[1])),
        (ValueError, lambda table: table.add(["x"], numbers=ROW, scales=[np.nan])),
        (ValueError, lambda table: table.add(["x"], meanings=np.zeros((1, 104)))),
        (KeyError, lambda table: table.remove("x")),
        (IndexError, lambda table: table.remove_at(1)),
        (IndexError, lambda table: table.text(1)),
        (IndexError, lambda table: table.words(1)),
        (ValueError, lambda table: table.rows([1])),
        (TypeError, lambda table: table.rank([1])),
        (TypeError, lambda table: table.rank([(1,)])),
        (ValueError, lambda table: table.rank(["x"], threads=0)),
        (ValueError, lambda table: table.rank(["x"], exact=[1])),
        (ValueError, lambda table: table.rank(["x"], exact=[])),
        (ValueError, lambda table: table.rank(["x"], among=[-1])),
        (ValueError, lambda table: table.rank(["x"], bonus=np.zeros((1, 2)))),
        (ValueError, lambda table: table.rank(["x"], bonus=[[np.nan]])),
        (ValueError, lambda table: table.rank(["x"], meanings=np.zeros((1, 104)))),
        (TypeError, lambda table: table.rank(["x"], None)),
        (ValueError, lambda table: table.best(["x"], 0)),
        (ValueError, lambda table: table.phrase_features("x", [0], cosines=[1, 2])),
        (ValueError, lambda table: native.Settings(n_candidates=0)),
        (ValueError, lambda table: native.Settings(n_scored=-1)),
        (ValueError, lambda table: native.Settings(guards=4)),
        (ValueError, lambda table: native.Settings(tokens=np.nan)),
        (ValueError, lambda table: native.KeyTable(table.model, 0)),
        (TypeError, lambda table: native.KeyTable(None)),
        (ValueError, lambda table: native.KeyTable(native.Model.__new__(native.Model))),
        (ValueError, lambda table: of_others(table).add(["x"])),
        (ValueError, lambda table: of_others(table).add(["x"], meanings=[[1, 2, np.inf]])),
        (ValueError, lambda table: of_others(table).phrase_features("x", [])),
        (ValueError, lambda table: table.model.word_features(["a"], [])),
    ],
)  # fmt: skip
def test_bad_input_is_refused(model, error, call):
    table = table_of(model, ["top speed"])
    with pytest.raises(error):
        call(table)
    assert table.best("velocity")[0][0][0] == "top speed"


def arrays(**changes):
    networks = [(np.zeros((n, 2)), np.zeros(2), np.zeros(2), 0) for n in (N_PAIR, N_TEXT)]
    return {
        "words": b"a\nb",
        "vectors": np.zeros((2, 4), np.int8),
        "scale": np.ones(2),
        "weights": np.ones(2),
        "density": np.ones(2),
        "names": np.zeros(2),
        "redundancy": np.zeros(2),
        "word_network": networks[0],
        "phrase_network": networks[1],
        "projection": spelling.projection(),
    } | changes


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": np.zeros((3, 4), np.int8)},
        {"vectors": np.zeros((2, 4), np.float32)},
        {"scale": None},
        {"scale": np.ones(3)},
        {"weights": np.ones(1)},
        {"weights": np.full(2, np.nan)},
        {"vectors": np.full((2, 4), np.inf), "scale": None},
        {"density": np.ones((2, 1))},
        {"names": np.ones(3)},
        {"redundancy": np.full(2, np.inf)},
        {"projection": np.zeros((4, 64), np.int8)},
        {"word_network": (np.zeros((N_PAIR - 1, 2)), np.zeros(2), np.zeros(2), 0)},
        {"phrase_network": (np.zeros((N_TEXT, 0)), np.zeros(0), np.zeros(0), 0)},
    ],
)
def test_a_model_whose_arrays_do_not_fit_is_refused(change):
    assert len(native.Model(**arrays())) == 2
    with pytest.raises(ValueError, match="must"):
        native.Model(**arrays(**change))


def test_a_model_of_huge_numbers_finds_no_meaning():
    huge = arrays(
        words=["a", "b"],
        vectors=np.full((2, 4), 127, np.int8),
        scale=np.full(2, 1e38),
        weights=np.full(2, 1e30),
    )
    table = table_of(native.Model(**huge), [f"a {i}" for i in range(200)])
    assert table.rank(["a", "a b"]).counts.tolist() == [16, 16]


def test_other_networks_share_the_words(model, embedder):
    score = embedder.score.pairs
    unlikely = (np.zeros((N_TEXT, 2)), np.zeros(2), np.zeros(2), -3.0)
    other = model.with_networks((score.w1, score.b1, score.w2, score.b2), unlikely)
    assert table_of(other, ["top speed"]).rank("velocity").logits.tolist() == [[-3.0]]
    assert len(other) == len(model)


def test_a_table_keeps_its_model_alive():
    files = {name: data_file(f"{name}.tsv").read_bytes() for name in ("irregular", "opposites")}
    table = table_of(native.Model(**arrays(**files)), ["a"])
    gc.collect()
    assert table.best("a")[0][0][0] == "a"
