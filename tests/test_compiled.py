"""The compiled loops, each against its twin."""

import enum
import gc
import os
import subprocess
import sys
import tracemalloc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import untraced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict, compiled
from fuzzydict.index import quantized as rows_module
from fuzzydict.index.binary_codes import BinaryCodes
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.ranking import scorer as scoring
from fuzzydict.ranking.ranker import DocumentFrequencies
from fuzzydict.ranking.scorer import MLP, Scorer, ScoringRequest, WithoutVectors
from fuzzydict.text import spelling
from fuzzydict.text import tokens as text

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

USAGE = DocumentFrequencies([("color",), ("top", "speed")])


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
@given(st.lists(st.text("ab\0\1\2\3") | st.text(max_size=80), max_size=5))
def test_vectors_of_letters_are_the_same(in_python, texts):
    np.testing.assert_array_equal(spelling.encode(texts), in_python(spelling.encode, texts))


@unchanging
@given(st.lists(TEXTS_OF_WORDS, max_size=4), st.booleans())
def test_vectors_of_texts_are_the_same(in_python, texts, guess):
    embedder = load("default")
    found, expected = (way(embedder.encode_words, texts, guess=guess) for way in (run, in_python))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def asked(queries, keys, seed=0):
    rng = np.random.default_rng(seed)
    return [
        ScoringRequest(query, held, rng.uniform(-1, 1, len(held)).astype(np.float32))
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
    usage = DocumentFrequencies(key for _, keys in lookups for key in keys)
    score = Scorer.of(load("default").networks)
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
        return MLP(w1, 3 * b1, w2, 0.5)

    score = Scorer(network(19), network(28), 0.5)
    questions = asked([("top", "speed")], [[("velocity",), ("price",)]])
    arguments = questions, load("default"), USAGE
    found, expected = score.logits(*arguments)[0], in_python(score.logits, *arguments)[0]
    np.testing.assert_allclose(found, expected, atol=1e-4 * hidden)


def test_more_words_than_are_kept_are_judged_as_few(in_python, monkeypatch):
    score, meaning = Scorer.of(load("default").networks), WithoutVectors(load("default"))
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnop"))
    for _ in range(3):
        keys = [("".join(rng.choice(letters, 6)),) for _ in range(9000)]
        questions = asked([("abcdef",)], [keys])
        found = score.logits(questions, meaning, USAGE)[0]
    expected = in_python(score.logits, questions, meaning, USAGE)[0]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_network_of_another_shape_is_refused():
    score, meaning = Scorer.of(load("default").networks), load("default")
    one = asked([("color",)], [[("colour",)]])
    right = score.logits(one, meaning, USAGE)
    for words, phrases in ((score.phrases, score.phrases), (score.words, score.words)):
        with pytest.raises(ValueError, match=r"not \[(19|28), H\]"):
            Scorer(words, phrases, 0.5).logits(one, meaning, USAGE)
    np.testing.assert_array_equal(score.logits(one, meaning, USAGE), right)


def test_what_does_not_fit_together_is_refused():
    score, meaning = Scorer.of(load("default").networks), load("default")
    one = asked([("color",)], [[("colour",)]])
    with pytest.raises(ValueError, match="cosines"):
        score.logits([one[0]._replace(cosines=np.zeros(2, np.float32))], meaning, USAGE)
    with pytest.raises(ValueError, match="usage"):
        score.logits(one, meaning, lambda words: np.ones(1, np.float32))
    rows, query = QuantizedVectors.of(np.ones((3, 4), np.float32)), np.ones(4, np.float32)
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
    with pytest.raises(TypeError, match="a text must be a str, not int"):
        spelling.similarities("a", [3])


def test_rows_that_are_not_finite_are_told():
    rows = QuantizedVectors.of(np.ones((3, 4), np.float32))
    rows.scales[:] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        rows.nearest(np.ones((1, 4), np.float32), 2)


@pytest.mark.parametrize("shuffles", [True, False])
@unchanging
@given(
    seed=st.integers(0, 99),
    count=st.integers(1, 700),
    n=st.integers(1, 800),
    threads=st.integers(1, 4),
)
def test_signs_are_estimated_alike(in_python, shuffles, seed, count, n, threads):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(1, size=(count, 40)).astype(np.float32)
    vectors[rng.integers(count, size=count // 2)] = vectors[0]
    signs = BinaryCodes(vectors)
    signs.put(0, vectors)
    query = rng.normal(size=40).astype(np.float32)
    expected = in_python(signs.nearest, query, n, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "SHUFFLES", shuffles)
        patch.setattr(rows_module, "_A_THREAD", 1)
        patch.setenv("FUZZYDICT_THREADS", str(threads))
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
            loops.top_k(*arguments)
    for found in loops.top_k(blocks, tables, 1, 0, 96, 0, 0):
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
    meaning = weakref.ref(d._synced_ranker()._meaning)
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


class Lying(str):
    """A string whose methods say something else than its contents."""

    def __len__(self):
        return 60

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return True

    def __lt__(self, other):
        raise AssertionError("compared")

    def __getitem__(self, place):
        return "zzz"

    def __iter__(self):
        return iter("zzz")

    def __format__(self, spec):
        return "zzz"

    def __str__(self):
        return "zzz"

    lower = upper = casefold = strip = encode = isascii = islower = isupper = __str__


@pytest.mark.parametrize("way", ["compiled", "in Python"])
@pytest.mark.parametrize("written", ["topSpeed", "", "Kapazität", "\ud800", "don't", "top speed"])
def test_the_contents_of_a_string_count_and_not_what_its_class_says(in_python, way, written):
    ask = run if way == "compiled" else in_python
    lying = Lying(written)
    assert ask(text.words, lying) == ask(text.words, written)
    assert text.fold(lying) == text.fold(written)
    for function in (spelling.similarities, spelling.ratios):
        expected = ask(function, written, ["top", written])
        np.testing.assert_array_equal(ask(function, lying, ["top", lying]), expected)
    np.testing.assert_array_equal(ask(spelling.encode, [lying]), ask(spelling.encode, [written]))
    assert loops.abbreviation(Lying("addr"), Lying("address")) == 1.0
    for embedder in (load("default"), WordEmbedder(["top", "speed"], np.eye(2))):
        for function in (
            embedder.encode_words,
            lambda each, e=embedder: e.look_up(each[0]).vectors,
        ):
            expected = ask(function, [(written,)])
            np.testing.assert_array_equal(ask(function, [(lying,)]), expected)


def test_queries_and_keys_of_a_class_of_their_own_are_read_by_their_contents():
    d = FuzzyDict({"top speed": 250, "topSpeed": 251, "color": "red"})
    expected = {query: d.matches(query, cutoff=0.0) for query in ("topspeed", "colour", "velocity")}
    for _ in range(2):  # from the cache, too
        for query, matches in expected.items():
            assert d.matches(Lying(query), cutoff=0.0) == matches
            assert d.get(Lying(query)) == d.get(query)
            assert d.explain(Lying(query)).verdict == d.explain(query).verdict
            assert d.attend(Lying(query)).weights == d.attend(query).weights

    class Identified(str):
        __hash__ = object.__hash__
        __eq__ = object.__eq__
        __lt__ = Lying.__lt__
        __len__ = Lying.__len__
        casefold = encode = Lying.casefold

    keys = [Identified("top speed"), Identified("top speed"), Identified("color")]
    d = FuzzyDict({key: place for place, key in enumerate(keys)})
    assert {match.value for match in d.matches("topspeed", cutoff=0.0)[:2]} == {0, 1}
    assert d["colour"] == 2
    del d[keys[2]]
    assert "colour" not in d


def test_an_embedder_gets_exact_strings(letters):
    seen = []

    def embed(texts):
        seen.extend(texts)
        return letters(texts)

    class Mine(str):
        encode = None

    d = FuzzyDict({Mine("color"): 1, Mine("price"): 2}, embedder=embed)
    assert d[Mine("colours")] == 1
    assert {type(each) for each in seen} == {str}


VOCABULARY = {"red": 0, "car": 1, "red car": 0}
TABLE = np.ones((2, 3), np.int8)
ONES = np.ones(2, np.float32)


def elsewhere(word, guess):
    return np.ones(3, np.float32), 1.0, 1.0, 1.0


def embed(
    texts=(("red",),), rows=VOCABULARY, opening=frozenset(), table=TABLE, scale=ONES,
    weights=ONES, elsewhere=elsewhere, most_words=64, most_of_phrase=4, out=None,
):  # fmt: skip
    out = np.zeros((1, 3), np.float32) if out is None else out
    numbers = most_words, most_of_phrase
    loops.embed(texts, rows, set(opening), table, scale, weights, elsewhere, True, *numbers, out)
    return out


@pytest.mark.parametrize("wrong", [
    {"texts": (("red",), ("car",))},
    {"texts": ("red",)},
    {"texts": ((1,),)},
    {"texts": (None,)},
    {"texts": None},
    {"most_of_phrase": 0},
    {"most_of_phrase": -1},
    {"rows": None},
    {"rows": {"red": 2}},
    {"rows": {"red": -1}},
    {"rows": {"red": "1"}},
    {"table": None},
    {"table": TABLE[:1]},
    {"table": TABLE[:, :2]},
    {"table": TABLE.astype(float)},
    {"scale": None},
    {"scale": ONES[:1]},
    {"weights": None},
    {"weights": ONES[:1]},
    {"out": np.zeros((0, 3), np.float32)},
    {"out": np.zeros((1, 2), np.float32)},
    {"texts": (("no",),), "elsewhere": lambda word, guess: (ONES, 1, 1, 1)},
    {"texts": (("no",),), "elsewhere": lambda word, guess: (None, 1, 1, 1)},
    {"texts": (("no",),), "elsewhere": lambda word, guess: 3},
])  # fmt: skip
def test_embedding_checks_what_it_is_given(wrong):
    assert embed().tolist() == [[pytest.approx(3**-0.5)] * 3]
    with pytest.raises((ValueError, TypeError)):
        embed(**wrong)


def test_numbers_of_words_may_be_any():
    for most_of_phrase in (1, 2**31 - 1):
        text = [("red", "car", "red")]
        for most_words in (-1, 0, 2, 2**31 - 1):
            found = embed(
                text, opening={"red"}, most_words=most_words, most_of_phrase=most_of_phrase
            )
            assert found.any() == (most_words > 0)


@pytest.mark.parametrize("wrong", [
    {"words": "red"}, {"words": [1]}, {"words": None}, {"rows": None}, {"rows": {"red": 2}},
    {"rows": {"red": -1}}, {"rows": {"red": 10**9}}, {"table": None}, {"table": TABLE[:1]},
    {"scale": None}, {"scale": ONES[:1]}, {"weights": None}, {"weights": ONES[:1]},
    {"density": None}, {"density": ONES[:1]},
    {"words": ["no"], "elsewhere": lambda word, guess: (ONES, 1, 1, 1)},
])  # fmt: skip
def test_looking_up_checks_what_it_is_given(wrong):
    right = {
        "words": ["red"], "rows": VOCABULARY, "table": TABLE, "scale": ONES, "weights": ONES,
        "density": ONES, "elsewhere": elsewhere,
    }  # fmt: skip
    assert loops.look_up(*right.values(), True)[0].tolist() == [[1, 1, 1]]
    with pytest.raises((ValueError, TypeError)):
        loops.look_up(*(right | wrong).values(), True)


def test_a_callback_may_change_the_lists():
    words = ["no"]

    def longer(word, guess):
        words.extend(["red"] * 10_000)
        return elsewhere(word, guess)

    found = loops.look_up(words, VOCABULARY, TABLE, ONES, ONES, ONES, longer, True)
    assert found[0].shape == (1, 3)
    texts = [("no",)]

    def more(word, guess):
        texts.extend([("red",)] * 10_000)
        return elsewhere(word, guess)

    assert embed(texts, elsewhere=more).shape == (1, 3)


@pytest.mark.parametrize("wrong", [
    {"grams": np.array([2], np.uint32)}, {"grams": np.array([2**32 - 1], np.uint32)},
    {"grams": None}, {"owners": None}, {"starts": None}, {"sizes": None},
    {"owners": np.array([0, 2], np.int32)}, {"owners": np.array([0, -1], np.int32)},
    {"owners": np.array([0], np.int32)}, {"starts": np.array([0, 1, 3], np.intp)},
    {"starts": np.array([0, -1, 2], np.intp)}, {"starts": np.array([0, 2, 1], np.intp)},
    {"starts": np.array([], np.intp)},
])  # fmt: skip
def test_shared_ngrams_are_checked(wrong):
    right = {
        "grams": np.array([0, 1], np.uint32), "owners": np.array([0, 1], np.int32),
        "starts": np.array([0, 1, 2], np.intp), "sizes": ONES,
    }  # fmt: skip
    assert loops.sharing(*right.values(), 5) == [0, 1]
    assert loops.sharing(*right.values(), 0) == loops.sharing(*right.values(), -1) == []
    assert loops.sharing(*right.values(), sys.maxsize) == [0, 1]
    with pytest.raises((ValueError, TypeError)):
        loops.sharing(*(right | wrong).values(), 5)


def test_texts_are_checked():
    for wrong in ("abc", [1], None, [b"a"]):
        for function in (loops.similarities, loops.ratios):
            with pytest.raises(TypeError):
                function("a", wrong)
        with pytest.raises(TypeError):
            loops.encode(wrong, spelling._projection(), np.zeros((1, 64), np.float32))
    for function in (loops.similarities, loops.ratios, loops.abbreviation):
        with pytest.raises(TypeError, match="must be a str, not NoneType"):
            function(None, ["a"])
    for arguments in ((None, np.zeros((0, 64), np.float32)), (spelling._projection(), None)):
        with pytest.raises(TypeError):
            loops.encode([], *arguments)
    with pytest.raises(ValueError, match="longest"):
        loops.split("top speed", -1)
    assert loops.split("top speed", 0) == ()
    assert loops.split(b"top", 5) is loops.split(None, 5) is None


def test_searches_and_blocks_are_checked_for_none_and_odd_strides():
    rows, query = QuantizedVectors.of(np.ones((3, 4), np.float32)), np.ones(4, np.float32)
    for wrong in (
        (None, rows.scales, 0, query),
        (rows.numbers, None, 0, query),
        (rows.numbers, rows.scales, 0, None),
    ):
        with pytest.raises(TypeError):
            loops.Search(*wrong)
    packed = np.ones(3, np.dtype([("scale", "f4"), ("more", "i2")]))["scale"][:, None]
    with pytest.raises(ValueError):  # noqa: PT011 - NumPy may refuse it first
        loops.Search(rows.numbers, packed, 0, query)
    blocks, tables = np.zeros((3, 18, 32), np.uint8), np.zeros((32, 16), np.uint8)
    for arguments in ((None, tables), (blocks, None)):
        with pytest.raises(TypeError):
            loops.top_k(*arguments, 1, 0, 96, 5, 0)
    with pytest.raises(ValueError, match="at most 63"):
        loops.top_k(blocks, tables + 64, 1, 0, 96, 5, 0)


class Changed:
    """A vocabulary that answers as another one does, but for what is changed."""

    def __init__(self, look_up=None, phrases=None):
        self.meaning = load("default")
        self._look_up, self._phrases = look_up, phrases

    def look_up(self, words, /, *, guess=True):
        info = self.meaning.look_up(words, guess=guess)
        return info if self._look_up is None else self._look_up(info, guess)

    def phrases(self, words, /):
        return self.meaning.phrases(words) if self._phrases is None else self._phrases(words)


@pytest.mark.parametrize("changed", [
    {"look_up": lambda info, guess: info._replace(vectors=info.vectors[:-1])},
    {"look_up": lambda info, guess: info._replace(vectors=info.vectors[0])},
    {"look_up": lambda info, guess: info._replace(rarity=info.rarity[:-1])},
    {"look_up": lambda info, guess: info._replace(vectors=info.vectors[:, : 9 if guess else 104])},
    {"look_up": lambda info, guess: None},
    {"phrases": lambda words: [(0, 3)]},
    {"phrases": lambda words: [(-1, 2)]},
    {"phrases": lambda words: [(1, 1)]},
    {"phrases": lambda words: None},
])  # fmt: skip
def test_what_a_vocabulary_answers_is_checked(changed):
    score = Scorer.of(load("default").networks)
    one = asked([("top", "speed")], [[("velocity", "max"), ("speed", "price")]])
    assert len(score.logits(one, Changed(), USAGE)[0]) == 2
    with pytest.raises((ValueError, TypeError, AttributeError)):
        score.logits(one, Changed(**changed), USAGE)


def test_what_knows_words_by_their_letters_is_checked():
    score, meaning = Scorer.of(load("default").networks), load("default")

    def changed(**parts):
        def written(words):
            return scoring._written(words)._replace(**parts)

        return loops.Vocabulary(SimpleNamespace(**vars(scoring._LANGUAGE) | {"written": written}))

    question = asked([("top", "speed")], [[("topspeed",), ("a", "b")]])
    arguments = question, score.words, score.phrases, meaning, USAGE
    assert len(changed().logits(*arguments)) == 2
    for wrong in (
        {"words": ("a",) * 9}, {"words": ()}, {"bag": None}, {"ordered": None}, {"joined": None},
        {"joined": {"topspeed": 7}}, {"joined": {"topspeed": -1}}, {"letters": None},
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError)):
            changed(**wrong).logits(*arguments)
    with pytest.raises(TypeError):
        loops.Vocabulary(None)


@pytest.mark.parametrize("cosines", [None, np.zeros((1, 1)), np.zeros(0), "a"])
def test_cosines_are_one_number_a_key(cosines):
    score = Scorer.of(load("default").networks)
    one = [ScoringRequest(("color",), [("colour",)], cosines)]
    with pytest.raises((ValueError, TypeError)):
        loops.Vocabulary(scoring._LANGUAGE).logits(
            one, score.words, score.phrases, load("default"), USAGE
        )


def test_a_network_may_come_in_columns(in_python):
    def in_columns(network):
        return MLP(np.asfortranarray(network.w1), network.b1, network.w2, network.b2)

    score = Scorer.of(load("default").networks)
    one = asked([("top", "speed")], [[("velocity",), ("price",)]])
    expected = score.logits(one, load("default"), USAGE)
    other = Scorer(in_columns(score.words), in_columns(score.phrases), score.cutoff)
    np.testing.assert_array_equal(other.logits(one, load("default"), USAGE), expected)


def test_empty_words_are_scored_alike(in_python):
    one = asked([("", "top")], [[("",), ("top", ""), ()]])
    score = Scorer.of(load("default").networks)
    found, expected = (
        way(score.logits, one, load("default"), USAGE)[0] for way in (run, in_python)
    )
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_another_thread_may_pass_other_networks_meanwhile():
    """What another thread does while a vocabulary looks words up is done by that look-up here."""
    score, disturbing = Scorer.of(load("default").networks), []
    rng = np.random.default_rng(0)
    other = Scorer(*(
        MLP(rng.normal(size=each.w1.shape).astype(np.float32), each.b1, each.w2, each.b2)
        for each in (score.words, score.phrases)
    ), 0.5)  # fmt: skip
    many = [(f"w{i}",) for i in range(17_000)]  # more than are kept: all are dropped

    def disturbed(info, guess):
        if disturbing:
            disturbing.pop()
            other.logits(asked([("price",)], [many]), meaning, USAGE)
        return info

    meaning = Changed(disturbed)
    question = asked([("top", "speed")], [[("velocity",), ("price",), ("maximum", "speed")]])
    expected = score.logits(question, load("default"), USAGE)[0]
    for words in (question, asked([("top", "sped")], [[("fast",), ("price",)]])):
        disturbing.append(True)
        found = score.logits(words, meaning, USAGE)[0]
        assert not disturbing
        np.testing.assert_allclose(found, score.logits(words, load("default"), USAGE)[0], atol=1e-6)
    assert len(expected) == 3


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_vectors_may_have_no_dimension(in_python, dtype):
    scale = np.ones(2) if dtype is np.int8 else None
    embedder = WordEmbedder(["top", "top speed"], np.zeros((2, 0), dtype), scale=scale)
    assert embedder.encode(["top speed", "spede", ""]).shape == (3, 0)
    d = FuzzyDict({"top speed": 1, "color": 2}, embedder=embedder)
    for way in (run, in_python):
        assert way(d.get, "topspeed") == 1
        d.cutoff = None


def test_nothing_is_embedded_scored_or_searched():
    empty = WordEmbedder([], np.zeros((0, 3), np.int8), scale=[])
    assert empty.encode([]).shape == (0, 3)
    assert not empty.encode(["colour", ""]).any()
    assert empty.look_up([]).vectors.shape == (0, 3)
    assert loops.similarities("", []).shape == (3, 0)
    assert loops.similarities("", [""]).tolist() == [[1], [1], [1]]
    score = Scorer.of(load("default").networks)
    vocabulary = loops.Vocabulary(scoring._LANGUAGE)
    assert vocabulary.logits([], score.words, score.phrases, load("default"), USAGE).shape == (0,)


def test_a_missing_extension_is_reported_once_where_the_package_is_called(monkeypatch):
    monkeypatch.setattr(compiled, "_may_warn", True)
    dictionaries = [FuzzyDict({"color": "red"}) for _ in range(2)]
    with pytest.warns(compiled.PerformanceWarning, match="Install a C compiler") as caught:
        assert [d.get("colour") for d in dictionaries] == ["red", "red"]
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.parametrize("setting", [None, "0"])
def test_where_the_extension_is_missing_the_first_inexact_read_warns(setting):
    code = """
import sys
sys.modules["fuzzydict._compiled"] = None
from fuzzydict import FuzzyDict
d = FuzzyDict({"color": "red"})
assert d["color"] == "red"
print("exact", file=sys.stderr)
for _ in range(3):
    assert d["colour"] == FuzzyDict(d)["colours"] == "red"
"""
    env = {name: value for name, value in untraced().items() if name != "FUZZYDICT_COMPILED"}
    if setting is not None:
        env["FUZZYDICT_COMPILED"] = setting
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    before, after = done.stderr.split("exact\n")
    assert "PerformanceWarning" not in before
    assert after.count("<string>:9: PerformanceWarning: ") == (setting is None)
    assert after.count("PerformanceWarning") == (setting is None)
