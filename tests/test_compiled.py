"""The compiled loops, each against its twin."""

import enum
import gc
import os
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict, compiled, spelling, text
from fuzzydict.embedders import WordEmbedder, _NgramIndex, load
from fuzzydict.matching import WordUsage
from fuzzydict.rows import Rows
from fuzzydict.scoring import Network, Question, Score, WithoutVectors
from fuzzydict.signs import Signs

loops = compiled.loops
needed = pytest.mark.skipif(loops is None, reason="the loops are not compiled here")
pytestmark = needed

FEW = "abcdefè日 \U0001f600"
TEXTS = st.text(st.sampled_from(FEW), max_size=20) | st.text(max_size=70)
WORDS = st.sampled_from([
    "color", "colour", "colors", "price", "prices", "cost", "host", "name", "hostname", "top",
    "speed", "velocity", "qty", "quantity", "addr", "address", "date", "of", "birth", "dob",
    "email", "mail", "e", "q1", "1", "2", "12", "twelve", "zzz", "recieve", "receive", "naïve",
    "naive", "日本", "running", "run", "ran", "turnoff", "the", "a", "xyzzy", "paymnt", "payment",
])  # fmt: skip
TEXTS_OF_WORDS = st.lists(WORDS | st.text("abe1é", min_size=1, max_size=70), max_size=30).map(tuple)

USAGE = WordUsage([("color",), ("top", "speed")])


@pytest.fixture
def in_python(monkeypatch):
    """Return a function that runs another with the twins alone."""

    def run(work, *arguments, **named):
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "loops", None)
            return work(*arguments, **named)

    return run


unchanging = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@unchanging
@given(TEXTS, st.lists(TEXTS, max_size=4))
def test_similarities_are_those_of_rapidfuzz(in_python, query, keys):
    found, expected = (way(spelling.similarities, query, keys) for way in (run, in_python))
    np.testing.assert_array_equal(found, expected)
    found, expected = (way(spelling.ratios, query, keys) for way in (run, in_python))
    np.testing.assert_array_equal(found, expected)


def run(work, *arguments, **named):
    return work(*arguments, **named)


@unchanging
@given(st.text("abeiou日", max_size=9), st.text("abeiou日", max_size=12))
def test_abbreviations_are_the_same(in_python, short, long):
    twin = spelling.abbreviation.__wrapped__
    for brief in (short, long[: len(short)], long[::2]):
        assert loops.abbreviation(brief, long) == in_python(twin, brief, long)


def test_a_short_form_has_at_most_four_fifths_of_the_letters(in_python):
    twin = spelling.abbreviation.__wrapped__
    for n in range(2, 60):
        for m in range(n, 80):
            word = "b" * m
            assert loops.abbreviation(word[:n], word) == in_python(twin, word[:n], word)


@unchanging
@given(st.text(st.sampled_from("aAsSbZ1 _-.'é,t0"), max_size=30) | st.text(max_size=40))
def test_texts_are_split_into_the_same_words(in_python, written):
    assert text.words(written) == in_python(text.words, written)


@pytest.mark.parametrize("written", ["HTTPServerURLs", "aB" * 600, "a" * 999 + "Bc", "URLsA", "Ab"])
def test_the_words_of_camels_and_of_long_texts_are_the_same(in_python, written):
    assert text.words(written) == in_python(text.words, written)


class Kind(str, enum.Enum):
    TOP_SPEED = "topSpeed"


def test_texts_of_a_class_of_their_own_are_read_as_others():
    assert text.words(Kind.TOP_SPEED) == ("top", "speed")
    assert spelling.similarities(Kind.TOP_SPEED, [Kind.TOP_SPEED]).tolist() == [[1], [1], [1]]
    d = FuzzyDict({np.str_("top speed"): 250, "color": "red"})
    assert d[Kind.TOP_SPEED] == d[np.str_("topSpeed")] == 250


@unchanging
@given(st.lists(st.text(st.characters(exclude_characters="\2\3"), max_size=80), max_size=5))
def test_vectors_of_letters_are_the_same(in_python, texts):
    np.testing.assert_array_equal(spelling.encode(texts), in_python(spelling.encode, texts))


@unchanging
@given(st.lists(TEXTS_OF_WORDS, max_size=4), st.booleans())
def test_vectors_of_texts_are_the_same(in_python, texts, guess):
    embedder = load("default")
    found, expected = (way(embedder.encode_words, texts, guess=guess) for way in (run, in_python))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_is_known_of_words_is_the_same(in_python):
    embedder = load("default")
    words = ["color", "paymnt", "xyzzy", "12", "hostname", "top speed", ""]
    for guess in (True, False):
        for found, expected in zip(
            embedder._looked_up(words, guess),
            in_python(embedder._looked_up, words, guess),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("word", ["recieve", "paymnt", "zzzz", "q", "日本", "aaaaaaa"])
def test_the_words_that_share_most_are_the_same(in_python, word):
    known = _NgramIndex(["receive", "payment", "deceive", "pay", "aaaa", "aaaaaaaaa", "日本語"])
    for n in (1, 3, 50):
        assert known.search(word, n) == in_python(known.search, word, n)


def asked(queries, keys, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Question(query, held, rng.uniform(-1, 1, len(held)).astype(np.float32))
        for query, held in zip(queries, keys, strict=True)
    ]


@settings(unchanging, max_examples=200)
@given(
    st.lists(st.tuples(TEXTS_OF_WORDS, st.lists(TEXTS_OF_WORDS, max_size=5)), max_size=4),
    st.booleans(),
)
def test_the_scores_are_the_same(in_python, lookups, is_blind):
    meaning = WithoutVectors(load("default")) if is_blind else load("default")
    questions = asked(*zip(*lookups, strict=True)) if lookups else []
    usage = WordUsage(key for _, keys in lookups for key in keys)
    score = load("default").score
    found, expected = (way(score.logits, questions, meaning, usage) for way in (run, in_python))
    assert [len(each) for each in found] == [len(keys) for _, keys in lookups]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


@pytest.mark.parametrize("hidden", [1, 7, 128, 129, 300])
def test_a_network_may_have_any_number_of_hidden_ones(in_python, hidden):
    rng = np.random.default_rng(hidden)

    def network(inputs):
        w1 = rng.normal(size=(inputs, hidden)).astype(np.float32)
        b1, w2 = rng.normal(size=(2, hidden)).astype(np.float32)
        return Network(w1, 3 * b1, w2, 0.5)

    score = Score(network(19), network(28), 0.5)
    questions = asked([("top", "speed")], [[("velocity",), ("price",)]])
    arguments = questions, load("default"), USAGE
    found, expected = score.logits(*arguments)[0], in_python(score.logits, *arguments)[0]
    np.testing.assert_allclose(found, expected, atol=1e-4 * hidden)


def test_more_words_than_are_kept_are_judged_as_few(in_python, monkeypatch):
    score, meaning = load("default").score, WithoutVectors(load("default"))
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnop"))
    for _ in range(3):
        keys = [("".join(rng.choice(letters, 6)),) for _ in range(9000)]
        questions = asked([("abcdef",)], [keys])
        found = score.logits(questions, meaning, USAGE)[0]
    expected = in_python(score.logits, questions, meaning, USAGE)[0]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_network_of_another_shape_is_refused():
    score, meaning = load("default").score, load("default")
    one = asked([("color",)], [[("colour",)]])
    right = score.logits(one, meaning, USAGE)
    for words, phrases in ((score.phrases, score.phrases), (score.words, score.words)):
        with pytest.raises(ValueError, match=r"not \[(19|28), H\]"):
            Score(words, phrases, 0.5).logits(one, meaning, USAGE)
    np.testing.assert_array_equal(score.logits(one, meaning, USAGE), right)


def test_what_does_not_fit_together_is_refused():
    score, meaning = load("default").score, load("default")
    one = asked([("color",)], [[("colour",)]])
    with pytest.raises(ValueError, match="cosines"):
        score.logits([one[0]._replace(cosines=np.zeros(2, np.float32))], meaning, USAGE)
    with pytest.raises(ValueError, match="usage"):
        score.logits(one, meaning, lambda words: np.ones(1, np.float32))
    rows, query = Rows.of(np.ones((3, 4), np.float32)), np.ones(4, np.float32)
    for wrong in (
        (rows.numbers, rows.scales, 0, query[:3]),
        (rows.numbers, rows.scales[:2], 0, query),
        (rows.numbers, rows.scales, 5, query),
        (rows.numbers, rows.scales, 2, query),
        (rows.numbers[:, ::2], rows.scales, 0, query[:2]),
    ):
        with pytest.raises(ValueError, match=r"rows|side by side"):
            loops.Search(*wrong)
    search = loops.Search(*rows, query)
    with pytest.raises(ValueError, match="no rows"):
        search.look(0, 4)
    with pytest.raises(ValueError, match="vectors"):
        loops.encode(["a"], spelling._projection(), np.zeros((2, 64), np.float32))
    with pytest.raises(ValueError, match="projection"):
        loops.encode(["a"], spelling._projection()[:5], np.zeros((1, 64), np.float32))
    with pytest.raises(TypeError, match="a text is a string"):
        spelling.similarities("a", [3])


def test_rows_that_are_not_finite_are_told():
    rows = Rows.of(np.ones((3, 4), np.float32))
    rows.scales[:] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        rows.nearest(np.ones((1, 4), np.float32), 2)


@pytest.mark.parametrize("shuffles", [True, False])
@unchanging
@given(seed=st.integers(0, 99), count=st.integers(1, 700), n=st.integers(1, 800))
def test_signs_are_estimated_alike(in_python, shuffles, seed, count, n):
    rng = np.random.default_rng(seed)
    rows = rng.normal(1, size=(count, 40)).astype(np.float32)
    rows[rng.integers(count, size=count // 2)] = rows[0]
    signs = Signs(rows)
    signs.put(0, rows)
    query = rng.normal(size=40).astype(np.float32)
    expected = in_python(signs.nearest, query, n, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "SHUFFLES", shuffles)
        np.testing.assert_array_equal(signs.nearest(query, n, count), expected)


def test_blocks_that_do_not_fit_are_refused():
    blocks, tables = np.zeros((3, 18, 32), np.uint8), np.zeros((32, 16), np.uint8)
    for arguments in (
        (blocks[:, :17], tables, 1, 0, 96, 5, 0),
        (blocks[:, :, :16], tables, 1, 0, 96, 5, 0),
        (np.zeros((3, 32, 18), np.uint8).swapaxes(1, 2), tables, 1, 0, 96, 5, 0),
        (blocks, tables[:31], 1, 0, 96, 5, 0),
        (blocks, np.zeros((32, 8), np.uint8), 1, 0, 96, 5, 0),
        (blocks, tables, 1, 0, 97, 5, 0),
        (blocks, tables, 1, 0, -1, 5, 0),
    ):
        with pytest.raises(ValueError, match=r"block|table|row"):
            loops.likeliest(*arguments)
    for found in loops.likeliest(blocks, tables, 1, 0, 96, 0, 0):
        assert len(found) == 0


def test_a_table_that_is_too_short_is_refused():
    embedder = WordEmbedder(["red", "car"], np.ones((2, 3), np.int8), scale=np.ones(2))
    assert embedder.encode(["red car"]).shape == (1, 3)
    embedder._scale = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="a table of 2 rows"):
        embedder.encode(["red car"])
    with pytest.raises(ValueError, match="a table of 2 rows"):
        embedder.look_up(["red"])


def test_a_table_may_come_in_columns():
    vectors = np.arange(-6, 6, dtype=np.int8).reshape(2, 6)
    one = WordEmbedder(["red", "car"], vectors, scale=np.ones(2))
    other = WordEmbedder(["red", "car"], np.asfortranarray(vectors), scale=np.ones(2))
    texts = ["red", "red car", "car car red"]
    np.testing.assert_array_equal(one.encode(texts), other.encode(texts))
    other._table = np.asfortranarray(vectors)
    with pytest.raises(ValueError, match="side by side"):
        other.encode(texts)


def test_nothing_is_held_on_to():
    d = FuzzyDict({"top speed": 250, "color": "red", "x" * 70: 0, "battery": 1})
    queries = ["velocty", "colour", "x" * 69, "btt", "top-speeds", "Kapazität"]

    def ask():
        for query in queries:
            d.matches(query)
        d.match_many(queries)

    for _ in range(3):
        ask()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50):
        ask()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 20_000


def test_a_vocabulary_goes_with_who_asked():
    d = FuzzyDict({"top speed": 250}, embedder=lambda texts: [[1.0, len(each)] for each in texts])
    d.match("topspeed")
    meaning = weakref.ref(d._up_to_date()._meaning)
    del d
    gc.collect()
    assert meaning() is None


@pytest.mark.parametrize("way", ["0", "1"])
def test_the_environment_may_leave_the_work_to_the_twins(way):
    code = "from fuzzydict import FuzzyDict, compiled; print(compiled.loops is None, *FuzzyDict({"
    code += "'color': 'red'}).match('colour')[:2])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "FUZZYDICT_COMPILED": way},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.split() == [str(way == "0"), "color", "red"]


def test_where_nothing_could_be_compiled_the_twins_do_the_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "fuzzydict._compiled", None)
    monkeypatch.delattr("fuzzydict._compiled")
    assert compiled._loops() is None
