"""The native ranking against the one in Python and NumPy, which is its oracle."""

import csv
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from fuzzydict.ranking.scorer import ScoringRequest, WithoutVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.ranking import guards
from fuzzydict.ranking import scorer as scoring
from fuzzydict.ranking.ranker import Candidates, DocumentFrequencies, Ranker
from fuzzydict.resources import data_file
from fuzzydict.text import spelling
from fuzzydict.text import tokens as text

native = pytest.importorskip("fuzzydict._native")
EVALUATION = Path(os.environ.get("FUZZYDICT_EVAL", "missing"))

LETTERS = st.text(st.sampled_from("aAsSbZ1 _-.'’é,t0Я日²٣ﬁ\u0301"), max_size=30)
TEXTS = LETTERS | st.text(max_size=40)
WORDS = st.sampled_from([
    "color", "colour", "colors", "price", "prices", "cost", "host", "name", "hostname", "top",
    "speed", "velocity", "qty", "quantity", "addr", "address", "date", "of", "birth", "dob",
    "email", "mail", "e", "q1", "1", "01", "2", "12", "twelve", "first", "zzz", "recieve",
    "receive", "naïve", "日本", "running", "run", "went", "go", "turnoff", "on", "off", "the",
    "a", "xyzzy", "paymnt", "payment", "login", "logout", "unlocked", "locked", "98", "1998",
    "dosomethingelse",
])  # fmt: skip
PHRASES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
LONG = st.lists(WORDS | st.text("abe1é", min_size=1, max_size=70), max_size=30).map(" ".join)
unhurried = settings(deadline=None, max_examples=60)


def network(of):
    return of.w1, of.b1, of.w2, of.b2


def model_of(embedder):
    """Return the native model of an embedder of words, with the default score."""
    score = load("default").score
    return native.Model(
        embedder._words,
        embedder._table,
        embedder._weights,
        embedder._density,
        network(score.words),
        network(score.phrases),
        scale=embedder._scale,
        irregular=data_file("irregular.tsv").read_bytes(),
        opposites=data_file("opposites.tsv").read_bytes(),
        projection=spelling._projection(),
    )


@pytest.fixture(scope="module")
def embedder():
    return load("default")


@pytest.fixture(scope="module")
def model(embedder):
    return model_of(embedder)


def table_of(model, keys):
    table = native.KeyTable(model)
    table.add(keys)
    return table


def places_of(table, queries):
    return [-1 if (place := table.find(query)) is None else place for query in queries]


def assert_same(matcher, table, queries, atol=1e-4, **options):
    """Assert that both find the same candidates, logits, and best keys."""
    ranking = table.rank(queries, exact=places_of(table, queries), **options)
    keys = [table.text(place) for place in range(len(table))]
    zero_shot = matcher._base_scores(
        [matcher._shortlisted(near) for near in matcher._nearest(queries, 64)],
        matcher.learned.calibration,
    )
    for i, (query, expected) in enumerate(zip(queries, zero_shot, strict=True)):
        count = ranking.counts[i]
        found = [keys[place] for place in ranking.places[i, :count]]
        assert sorted(found) == sorted(expected.keys), query
        logits = dict(zip(found, ranking.logits[i, :count], strict=True))
        np.testing.assert_allclose(
            [logits[key] for key in expected.keys], expected.logits, atol=atol, err_msg=query
        )
        best = Candidates(found, ranking.logits[i, :count]).best(1)
        assert [key for key, _ in best] == [key for key, _ in expected.best(1)], query


@unhurried
@given(TEXTS)
def test_texts_are_split_into_the_same_words(written):
    assert native.split(written) == text.words(written)


@pytest.mark.parametrize(
    "written",
    ["HTTPServerURLs", "aB" * 600, "Don't 1,000 it'sA", "o'clock's", "1,0000 a,123", "Ab"],
)
def test_camel_case_apostrophes_and_commas_are_read_alike(written):
    assert native.split(written) == text.words(written)


@unhurried
@given(st.lists(LONG, max_size=4), st.booleans())
def test_vectors_and_their_trust_are_the_same(model, embedder, texts, guess):
    split = [text.words(each) for each in texts]
    vectors, trust = model.embed(texts, guess=guess)
    expected = embedder.encode_words(split, guess=guess)
    np.testing.assert_allclose(vectors[:, : model.dimension], expected, atol=1e-5)
    letters = spelling.encode([text.compact(words) for words in split])
    np.testing.assert_allclose(vectors[:, model.dimension :], letters, atol=1e-6)
    if guess:
        np.testing.assert_allclose(trust, [embedder.trust(words) for words in split], atol=1e-5)


@unhurried
@given(st.lists(st.tuples(WORDS, WORDS | st.text("abé1", min_size=1, max_size=80)), max_size=8))
def test_features_of_words_are_the_same(model, embedder, pairs):
    queries, keys = [one for one, _ in pairs], [other for _, other in pairs]
    places = np.arange(len(pairs))
    for meaning, vectors in ((embedder, True), (WithoutVectors(embedder), False)):
        expected = scoring.word_features(queries, keys, (places, places), meaning)[0]
        found = model.word_features(queries, keys, vectors=vectors)
        np.testing.assert_allclose(found, expected.reshape(found.shape), atol=1e-4)


@unhurried
@given(PHRASES | LONG, st.lists(PHRASES | LONG, min_size=1, max_size=4, unique=True))
def test_features_of_phrases_are_the_same(model, embedder, query, keys):
    table = table_of(model, keys)
    split = [text.words(key) for key in keys]
    cosines = np.linspace(-0.2, 0.9, len(keys)).astype(np.float32)
    for meaning, vectors in ((embedder, True), (WithoutVectors(embedder), False)):
        question = ScoringRequest(text.words(query), split, cosines)
        expected = scoring.phrase_features(
            [question], embedder.score.words, meaning, DocumentFrequencies(split)
        )
        found = table.phrase_features(query, range(len(keys)), cosines=cosines, vectors=vectors)
        np.testing.assert_allclose(found, expected, atol=1e-4)


@unhurried
@given(
    st.lists(PHRASES | TEXTS, min_size=1, max_size=30, unique=True),
    st.lists(PHRASES | TEXTS, min_size=1, max_size=6),
)
def test_queries_find_the_same_keys_with_the_same_logits(model, embedder, keys, queries):
    matcher = Ranker(embedder)
    matcher.add(keys)
    # A number of a row may be rounded the other way.
    assert_same(matcher, table_of(model, keys), [*queries, keys[0]], atol=5e-3)


@unhurried
@given(LONG, LONG)
def test_guards_forbid_the_same(model, query, key):
    table = table_of(model, [key])
    found = table.rank([query], exact=[0])
    words = text.words(query), text.words(key)
    forbidden = int(found.flags[0, 0]) if words[0] else 0
    assert bool(forbidden & native.NUMBERS) == bool(words[0] and guards.numbers_differ(*words))
    assert bool(forbidden & native.OPPOSITES) == bool(words[0] and guards.opposites(*words))


def test_what_a_guard_forbids_has_a_logit_without_it(model):
    table = table_of(model, ["turn off", "turn on"])
    found = table.rank("turn on", exact=[1])
    off = found.places[0].tolist().index(0)
    assert found.flags[0, off] == native.OPPOSITES
    assert found.logits[0, off] == -np.inf < found.plain[0, off]
    allowed = table.rank("turn on", native.Settings(guards=native.NUMBERS))
    assert np.isfinite(allowed.logits).all()


def test_of_keys_of_the_same_words_one_stands_out(model):
    table = table_of(model, ["top_speed", "topSpeed", "Top Speed"])
    found = table.rank("Top Speeed")
    assert sorted(found.flags[0].tolist()) == [0, native.SAME_WORDS, native.SAME_WORDS]
    assert table.best("Top Speeed")[0][0][0] == "Top Speed"


def examples():
    """Yield keys and queries of evaluation data, and random ones."""
    rng = random.Random(5)
    for name in ("misspellings", "synonyms", "commands", "countries", "column_names", "languages"):
        path = EVALUATION / f"{name}.tsv"
        if path.exists():
            rows = [line.split("\t")[:2] for line in path.read_text("utf-8").splitlines()]
            rows = rng.sample(rows, min(len(rows), 80))
            yield list(dict.fromkeys(key for _, key in rows)), [query for query, _ in rows[:30]]
    if (path := EVALUATION / "reports.jsonl").exists():
        reports = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for report in rng.sample(reports, 25):
            yield list(dict.fromkeys(report["keys"])), [report["query"]]
    if (folder := EVALUATION / "autofj" / "Drug").exists():
        with open(folder / "left.csv", encoding="utf-8") as left:
            keys = [row["title"] for row in csv.DictReader(left)][:300]
        with open(folder / "right.csv", encoding="utf-8") as right:
            yield list(dict.fromkeys(keys)), [row["title"] for row in csv.DictReader(right)][:20]
    words = load("default")._words
    keys = rng.sample(words, 300)
    yield keys, [*rng.sample(words, 15), *(key[1:] + key[:1] for key in keys[:15])]
    sentences = [" ".join(rng.sample(words, n)) for n in (1, 5, 20, 30, 70, 200)]
    yield sentences, [each.replace("e", "a", 2) for each in sentences] + ["x" * 80, "z" * 1500]


def test_real_lookups_find_the_same(model, embedder):
    for keys, queries in examples():
        matcher = Ranker(embedder)
        matcher.add(keys)
        assert_same(matcher, table_of(model, keys), queries, atol=5e-3)


def test_another_embedder_gives_the_meanings(model):
    def encode(texts):
        return [[len(each), each.count("e"), each.count("o"), 1.0] for each in texts]

    keys = ["one", "two", "three", "four hundred", "forty-two", "zero"]
    queries = ["oone", "threee", "4 hundred", "nothing"]
    matcher = Ranker(_Unit(encode))
    matcher.add(keys)
    scale = matcher._background.scale(matcher._meanings)
    table = native.KeyTable(model, dimension=4)
    table.add(keys, meanings=_Unit(encode).encode(keys))
    options = {"meanings": _Unit(encode).encode(queries)}
    assert_same(matcher, table, queries, settings=native.Settings(scale=scale), **options)
    found = table.best(queries, 2, native.Settings(scale=scale), **options)
    expected = [matcher.rank(query, 2) for query in queries]
    assert [[key for key, _ in each] for each in found] == [
        [k for k, _ in each] for each in expected
    ]


class _Unit:
    name = "unit"

    def __init__(self, function):
        self._function = function

    def encode(self, texts):
        rows = np.array(self._function(texts), np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_model_of_floats_ranks_as_the_embedder_does():
    words = ["red", "colour", "top speed", "speed", "velocity", "top"]
    vectors = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
    embedder = WordEmbedder(words, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    keys = ["red", "top speed", "velocities", "colours"]
    matcher = Ranker(embedder)
    matcher.add(keys)
    matcher._background = None  # its cosines count as they are
    queries = ["rad", "speed", "top-speed", "redd colour"]
    assert_same(matcher, table_of(model_of(embedder), keys), queries)


def test_one_candidate_more_is_scored_where_it_is_exact(model):
    keys = [f"{word}{i}" for i in range(40) for word in ("key", "name", "speed")]
    table = table_of(model, [*keys, "zzz"])
    found = table.rank("zzz", native.Settings(n_candidates=8, n_scored=4))
    assert found.counts.tolist() == [4]
    assert table.find("zzz") in found.places[0]
    among = table.rank("key7", among=[3, 1, 3])
    assert sorted(among.places[0].tolist()) == [1, 3]
    certain = table.rank("key7", native.Settings(n_scored=4), exact=[table.find("zzz")])
    assert table.find("zzz") in certain.places[0]


def test_all_of_the_nearest_may_be_scored(model):
    table = table_of(model, [f"key {i}" for i in range(90)])
    assert table.rank("key", native.Settings(n_scored=0)).counts.tolist() == [64]
    assert table.rank("key", native.Settings(n_candidates=80, n_scored=70)).counts.tolist() == [70]


def test_words_in_common_may_choose_the_scored_keys(model):
    keys = [
        "saint marys school of zwolle",
        *(f"school of mary {word}" for word in load("default")._words[:99]),
    ]
    settings = native.Settings(n_candidates=100, n_scored=1, tokens=5.0, letters=0.0)
    assert table_of(model, keys).rank("zwolle", settings).places.tolist() == [[0]]


def test_probabilities_are_those_of_the_matcher(model, embedder):
    keys = ["top speed", "color", "price", "turn on", "turn off"]
    matcher = Ranker(embedder)
    matcher.add(keys)
    table = table_of(model, keys)
    for query in ("velocity", "switch on", "colour", "cost", "color", "xyzzy", "..."):
        found, expected = table.best(query, 3)[0], matcher.rank(query, 3)
        assert [key for key, _ in found] == [key for key, _ in expected]
        np.testing.assert_allclose([p for _, p in found], [p for _, p in expected], atol=1e-4)


def test_threads_and_batches_do_not_change_what_is_found(model):
    rng = random.Random(2)
    keys = rng.sample(load("default")._words, 400)
    queries = [key + "x" for key in rng.sample(keys, 50)]
    table = table_of(model, keys)
    together = table.best(queries, 2, threads=3)
    assert together == [table.best(query, 2)[0] for query in queries]
    found = table.rank(queries, threads=2, rows=True)
    vectors, trust = model.embed(queries)
    vectors[:, : model.dimension] *= trust[:, None]
    np.testing.assert_allclose(found.rows, vectors, atol=1e-6)
    assert table.best([]) == []


def test_a_table_is_what_its_last_keys_make_it(model):
    rng = random.Random(3)
    pool = [
        f"{a} {b}" for a in ("top", "max", "日本", "") for b in ("speed", "speeds", "Größe", "x1")
    ]
    table, present = native.KeyTable(model), []
    for _ in range(300):
        if present and rng.random() < 0.45:
            key = present.pop(rng.randrange(len(present)))
            table.remove(key)
        else:
            new = [key for key in rng.sample(pool, 2) if key not in present]
            table.add(new)
            present += new
        assert sorted([table.text(place) for place in range(len(table))]) == sorted(present)
        assert len(table) == len(present)
        assert all(
            [table.text(place) for place in range(len(table))][table.find(key)] == key
            for key in present
        )
    assert table.best("top speed", 9) == table_of(
        model, [table.text(place) for place in range(len(table))]
    ).best("top speed", 9)
    before = table_of(model, []).nbytes
    while present:
        table.remove(present.pop())
    assert table.best("top speed") == [[]]
    assert table.nbytes < before + 20_000


def test_rows_go_out_and_come_back(model):
    keys = ["top speed", "Größe", "price"]
    table = table_of(model, keys)
    numbers, scales = table.rows()
    other = native.KeyTable(model)
    other.add(keys, numbers=numbers, scales=scales)
    assert other.best("velocity", 3) == table.best("velocity", 3)
    np.testing.assert_allclose(table.vectors([1]), (numbers * scales[:, None])[1:2])


def test_frequencies_of_other_keys_may_count(model, embedder):
    keys = ["top speed", "top price"]
    matcher = Ranker(embedder)
    matcher.add(keys)
    matcher._usage = DocumentFrequencies.of({"top": 500, "speed": 3}, 1000)
    table = table_of(model, keys)
    table.set_frequencies({"top": 500, "speed": 3}, 1000)
    assert_same(matcher, table, ["top sped", "best price"])


def test_aliases_are_texts_beside_the_keys(model):
    table = table_of(model, ["top speed"])
    table.add(["top speed", "how fast"], aliases=True)
    assert [table.text(place) for place in range(len(table))] == [
        "top speed",
        "top speed",
        "how fast",
    ]
    assert table.find("how fast") is None
    assert table.find("top speed") == 0
    table.remove_at(1)
    table.remove("top speed")
    assert [table.text(place) for place in range(len(table))] == ["how fast"]
    assert table.rank("how fastt").places.tolist() == [[0]]


def test_strings_of_other_classes_are_read_as_texts(model):
    class Liar(str):
        def __len__(self):
            return 1 << 40

    table = table_of(model, [Liar("top speed")])
    assert table.best(Liar("velocity"))[0][0][0] == "top speed"


ROW = np.zeros((1, 168), np.int8)


def of_others(table):
    return native.KeyTable(table.model, dimension=3)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda table: table.add([1])),
        (TypeError, lambda table: table.add([("top",)])),
        (ValueError, lambda table: table.add(["top speed"])),
        (ValueError, lambda table: table.add(["x", "x"])),
        (ValueError, lambda table: table.add(["x"], numbers=ROW)),
        (ValueError, lambda table: table.add(["x"], numbers=np.zeros((1, 3), np.int8), scales=[1])),
        (ValueError, lambda table: table.add(["x"], numbers=np.zeros((1, 168)), scales=[1])),
        (ValueError, lambda table: table.add(["x"], numbers=ROW, scales=[np.nan])),
        (ValueError, lambda table: table.add(["x"], meanings=np.zeros((1, 104)))),
        (KeyError, lambda table: table.remove("x")),
        (IndexError, lambda table: table.remove_at(1)),
        (ValueError, lambda table: table.rows([1])),
        (TypeError, lambda table: table.rank([1])),
        (TypeError, lambda table: table.rank([(1,)])),
        (ValueError, lambda table: table.rank(["x"], threads=0)),
        (ValueError, lambda table: table.rank(["x"], exact=[1])),
        (ValueError, lambda table: table.rank(["x"], exact=[])),
        (ValueError, lambda table: table.rank(["x"], among=[-1])),
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
        {"projection": np.zeros((4, 64), np.int8)},
        {"word_network": (np.zeros((18, 2)), np.zeros(2), np.zeros(2), 0)},
        {"phrase_network": (np.zeros((28, 0)), np.zeros(0), np.zeros(0), 0)},
    ],
)
def test_a_model_whose_arrays_do_not_fit_is_refused(change):
    arrays = {
        "words": b"a\nb",
        "vectors": np.zeros((2, 4), np.int8),
        "scale": np.ones(2),
        "weights": np.ones(2),
        "density": np.ones(2),
        "word_network": (np.zeros((19, 2)), np.zeros(2), np.zeros(2), 0),
        "phrase_network": (np.zeros((28, 2)), np.zeros(2), np.zeros(2), 0),
        "projection": spelling._projection(),
    }
    assert len(native.Model(**arrays)) == 2
    with pytest.raises(ValueError, match="must"):
        native.Model(**{**arrays, **change})


def test_a_model_of_huge_numbers_finds_no_meaning():
    arrays = {
        "words": ["a", "b"],
        "vectors": np.full((2, 4), 127, np.int8),
        "scale": np.full(2, 1e38),
        "weights": np.full(2, 1e30),
        "density": np.ones(2),
        "word_network": (np.zeros((19, 2)), np.zeros(2), np.zeros(2), 0),
        "phrase_network": (np.zeros((28, 2)), np.zeros(2), np.zeros(2), 0),
        "projection": spelling._projection(),
    }
    table = table_of(native.Model(**arrays), [f"a {i}" for i in range(200)])
    assert table.rank(["a", "a b"]).counts.tolist() == [16, 16]


def test_other_networks_judge_by_the_same_words(model, embedder):
    silent = (np.zeros((28, 2)), np.zeros(2), np.zeros(2), -3.0)
    other = model.with_networks(network(embedder.score.words), silent)
    assert table_of(other, ["top speed"]).rank("velocity").logits.tolist() == [[-3.0]]
