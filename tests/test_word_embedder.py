"""The embedder of words, by both implementations."""

import copy
import pickle
import threading

import numpy as np
import pytest
from conftest import started_together
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzydict import implementation
from fuzzydict.model import unknown_words, word_embedder
from fuzzydict.model.embedders import EmbedderError
from fuzzydict.model.loading import load
from fuzzydict.model.word_embedder import WordEmbedder

native = implementation.native
needs_native = pytest.mark.skipif(native is None, reason="the native implementation is missing")


@pytest.fixture(params=["native", "reference"], autouse=True)
def each_implementation(request, monkeypatch):
    """Run each test with both implementations."""
    if request.param == "reference":
        monkeypatch.setattr(implementation, "native", None)
    elif native is None:
        pytest.skip("the native implementation is missing")
    return request.param


EMBEDDER = WordEmbedder(
    ["red", "colour", "top", "speed", "top speed", "the"],
    [[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, 1], [0, 0.6, 0.8], [0.8, 0, 0.6]],
    counts=[10, 10, 10, 10, 5, 5000],
    name="tiny",
)


@pytest.fixture
def table():
    """Return an embedder that has not been used."""
    return pickle.loads(pickle.dumps(EMBEDDER))


def cosine(embedder, one, other):
    a, b = embedder.encode([one, other])
    return float(a @ b)


def test_a_model_that_was_used_pickles_as_small_as_before_and_works(table):
    before = len(pickle.dumps(table))
    expected = table.encode(["redd", "top speed", "colourr"])
    assert len(pickle.dumps(table)) == before
    again = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(again.encode(["redd", "top speed", "colourr"]), expected)


def test_a_text_is_its_words_however_it_is_written(table):
    expected = table.encode(["red colour"])
    for text in ("redColour", "RED_COLOUR", "Red, colour!"):
        np.testing.assert_array_equal(table.encode([text]), expected)


def test_vectors_are_of_unit_length_or_zero(table):
    rows = table.encode(["red", "red top", "", "?!", "qqqq", "the speed of red"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 0, 0, 1], atol=1e-6)


def test_a_rare_word_weighs_more_than_a_frequent_one(table):
    assert cosine(table, "the red", "red") > cosine(table, "the red", "the")
    assert table.vector("red")[1] > table.vector("the")[1]


def test_a_phrase_of_the_vocabulary_is_one_word(table):
    assert table.terms(("the", "top", "speed", "top")) == ["the", "top speed", "top"]
    assert cosine(table, "topSpeed", "top speed") == pytest.approx(1)
    np.testing.assert_allclose(table.encode(["top speed"]), [[0, 0.6, 0.8]], atol=1e-6)


@pytest.mark.parametrize(
    ("unknown", "known"), [("colours", "colour"), ("reds", "red"), ("colourr", "colour")]
)
def test_a_word_outside_the_vocabulary_is_placed_by_its_spelling(table, unknown, known):
    assert unknown not in table
    assert cosine(table, unknown, known) > 0.9


def test_confidence_is_the_share_of_known_words(table):
    assert not table.encode(["qqqq"]).any()
    assert table.confidence(("qqqq",)) == 0
    assert table.confidence(("red",)) == 1
    assert 0 < table.confidence(("red", "qqqq")) < 1
    assert table.confidence(()) == 0


def test_features_of_a_word(table):
    red, reds, unknown = (table.look_up(word) for word in ("red", "reds", "qqqq"))
    assert (red.text, reds.text) == ("red", "reds")
    np.testing.assert_array_equal(red.vector, [1, 0, 0])
    np.testing.assert_array_equal(reds.vector, red.vector)
    assert red.confidence == 1 > reds.confidence > unknown.confidence == 0
    assert table.look_up("the").weight < red.weight == reds.weight < unknown.weight == 1
    assert red.density == unknown.density == 0.5
    assert not table.look_up("redd", guess=False).vector.any()


def test_features_of_many_words_are_arrays(table):
    words = ["red", "reds", "qqqq"]
    found = table.look_up(words)
    for i, word in enumerate(words):
        one = table.look_up(word)
        np.testing.assert_array_equal(found.vectors[i], one.vector)
        numbers = [found.weight[i], found.confidence[i], found.density[i]]
        np.testing.assert_allclose(numbers, one[2:], rtol=1e-6)
    assert table.look_up([]).vectors.shape == (0, 3)
    assert found.rarity is found.weight
    assert found.trust is found.confidence


def test_unknown_words_without_a_guess_have_no_meaning(table):
    np.testing.assert_allclose(table.encode_words([("redd",)]), [[1, 0, 0]], atol=1e-6)
    assert not table.encode_words([("redd",)], guess=False).any()


def test_extremes_are_the_largest_and_smallest_values_of_the_words(table):
    found = table.extremes([("red", "speed"), ()])
    np.testing.assert_allclose(found[0], np.array([1, 0, 1, 0, 0, 0]) / 2**0.5, atol=1e-6)
    assert not found[1].any()


def test_more_texts_than_a_batch_are_embedded_alike(table, monkeypatch):
    texts = ["red", "top speed", "", "colours", "the"]
    expected = table.encode(texts)
    monkeypatch.setattr(word_embedder, "_BATCH", 2)
    np.testing.assert_array_equal(table.encode(texts), expected)


def test_texts_must_be_strs(table):
    for wrong in ([1], [None], [b"red"]):
        with pytest.raises(TypeError, match="must be a str"):
            table.encode(wrong)


def test_threads_share_the_lazy_parts_of_a_model():
    for _ in range(3):
        embedder = pickle.loads(pickle.dumps(EMBEDDER))
        found = started_together(lambda e=embedder: e.encode(["top speed colourr"]))
        for each in found:
            np.testing.assert_array_equal(each, found[0])


def test_a_copy_works_like_the_original(table):
    table.encode(["redd"])
    for again in (copy.copy(table), copy.deepcopy(table)):
        np.testing.assert_array_equal(again.encode(["redd top"]), table.encode(["redd top"]))
        assert again.fingerprint() == table.fingerprint()


def test_words_and_vectors_of_different_number_are_refused():
    for vectors in ([[1.0]], [1.0, 2.0], [[[1.0]], [[2.0]]]):
        with pytest.raises(EmbedderError, match=r"mine: 2 words, vectors of shape \("):
            WordEmbedder(["a", "b"], vectors, name="mine")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"counts": [1]}, r"2 words, counts of shape \(1,\)"),
        ({"counts": 3}, r"2 words, counts of shape \(\)"),
        ({"counts": [1, -1]}, "counts must not be negative"),
        ({"counts": [1, np.nan]}, "counts has NaN or infinity"),
        ({"density": [0.5]}, r"2 words, density of shape \(1,\)"),
        ({"density": [0.5, np.inf]}, "density has NaN or infinity"),
        ({"density": np.nan}, "density has NaN or infinity"),
        ({"scale": np.ones(1)}, r"2 words, scale of shape \(1,\)"),
        ({"scale": np.ones((2, 1))}, r"2 words, scale of shape \(2, 1\)"),
        ({"scale": [1, 1e300]}, "scale has NaN or infinity"),
        ({"vectors": [[1.0, 0.0], [np.nan, 0.0]]}, "the vector in row 1 has NaN or infinity"),
        ({"vectors": [["a"], ["b"]]}, "vectors must be real numbers, got dtype"),
        ({"words": ["red", "red"]}, "words must be unique, but 'red' occurs more than once"),
        ({"words": ["red", 1]}, "words must be strs"),
    ],
)
def test_what_does_not_fit_the_words_is_refused_at_once(options, complaint):
    for vectors in (np.eye(2), np.eye(2, dtype=np.int8)):
        right = {"words": ["red", "car"], "vectors": vectors, "name": "mine"}
        if vectors.dtype == np.int8:
            right["scale"] = np.ones(2)
        assert WordEmbedder(**right).encode(["red car"]).shape == (1, 2)
        with pytest.raises(EmbedderError, match=f"^mine: {complaint}"):
            WordEmbedder(**right | options)


@pytest.mark.parametrize("answer", [[1.0], [1.0, 2.0, 3.0], [[1.0, 0.0]], [np.nan, 0.0], 1.0])
def test_an_unknown_word_gets_one_finite_vector(answer):
    for scale in (None, np.ones(1)):
        dtype = float if scale is None else np.int8
        table = np.ones((1, 2), dtype)
        embedder = WordEmbedder(["red"], table, scale=scale, unknown=lambda word: answer)
        with pytest.raises(EmbedderError, match=r"unknown\('xyz'\) must return 2 finite numbers"):
            embedder.encode(["xyz"])


def test_threads_that_fill_the_caches_of_one_embedder_get_right_answers(monkeypatch, table):
    monkeypatch.setattr(unknown_words, "_CACHE_SIZE", 2)
    texts = [f"{word} top speed {n}" for n in range(40) for word in ("colours", "topspeed", "rde")]
    expected, failures = table.encode(texts), []

    def work():
        try:
            for i, text in enumerate(texts):
                np.testing.assert_array_equal(table.encode([text])[0], expected[i])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_table_without_words_places_nothing():
    empty = WordEmbedder([], np.empty((0, 3)))
    assert not empty.encode(["colour", ""]).any()


def test_a_table_of_scaled_bytes_is_the_table_of_its_products():
    rows, scale = np.array([[127, 0], [76, 102]], np.int8), np.array([0.5, 2], np.float32)
    bytes_ = WordEmbedder(["red", "colour"], rows, scale=scale)
    floats = WordEmbedder(["red", "colour"], rows * scale[:, None])
    texts = ["red", "colour", "red colour", "colours"]
    np.testing.assert_allclose(bytes_.encode(texts), floats.encode(texts), atol=1e-6)


# The native implementation

WORDS = st.sampled_from([
    "color", "colours", "top", "speed", "hostname", "date", "of", "birth", "e", "1", "zzz",
    "recieve", "naïve", "日本", "went", "turnoff", "xyzzy", "paymnt",
])  # fmt: skip
TEXTS = st.lists(WORDS | st.text("abe1é", min_size=1, max_size=70), max_size=70).map(tuple)


@needs_native
@settings(deadline=None, max_examples=30)
@given(st.lists(TEXTS, max_size=4), st.booleans())
def test_both_implementations_return_the_same_vectors(texts, guess):
    embedder = load("default")
    found = {}
    for name, module in (("native", native), ("reference", None)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(implementation, "native", module)
            found[name] = embedder.encode_words(texts, guess=guess)
    np.testing.assert_allclose(found["native"], found["reference"], atol=1e-5)


def test_the_model_exists_where_the_native_implementation_is_used(each_implementation):
    embedder = pickle.loads(pickle.dumps(EMBEDDER))
    assert (embedder.model is not None) == (each_implementation == "native")
    assert (load("default").model is not None) == (each_implementation == "native")


@needs_native
@pytest.mark.parametrize("options", [
    {"vectors": np.ones((1, 2)), "unknown": lambda word: [1.0, 0.0]},
    {"vectors": np.ones((1, 2), np.int16), "scale": [0.5]},
    {"vectors": np.ones((1, 0))},
    {"vectors": np.ones((1, 1 << 16), np.int8), "scale": [0.5]},
])  # fmt: skip
def test_vectors_that_the_native_implementation_lacks_use_the_reference(options):
    embedder = WordEmbedder(["red"], **options)
    assert embedder.model is None
    vector = embedder.encode(["red"])
    assert vector.shape == (1, embedder.dimension)
    assert vector.any() == (embedder.dimension > 0)


@needs_native
@pytest.mark.parametrize("kind", [float, np.float32, np.float16, np.int64, np.int8])
def test_unscaled_vectors_of_any_kind_become_floats(kind, each_implementation):
    embedder = WordEmbedder(["red", "car"], np.array([[1, 0], [1, 1]], kind))
    np.testing.assert_allclose(embedder.encode(["car"]), [[0.5**0.5] * 2])
    assert (embedder.model is not None) == (each_implementation == "native")


@needs_native
def test_the_networks_of_the_model_are_those_of_the_embedder_or_the_defaults(monkeypatch):
    monkeypatch.setattr(implementation, "native", native)
    default = load("default")

    def logit(embedder):
        table = native.KeyTable(embedder.model)
        table.add(["top speed"])
        return float(table.rank("top sped").logits[0, 0])

    def variant(networks):
        arrays = default.table
        return WordEmbedder(
            arrays.words, arrays.vectors, scale=arrays.scale, networks=networks, name="variant"
        )

    silent = default.networks._replace(texts=default.networks.texts._replace(w2=np.zeros(96), b2=3))
    assert logit(variant(silent)) == 3
    assert logit(variant(None)) == logit(variant(default.networks)) != 3


@needs_native
def test_an_encoded_text_decodes_no_words(monkeypatch):
    """Only Python code that looks words up needs them as strs."""
    monkeypatch.setattr(implementation, "native", native)
    arrays = load("default").table
    embedder = WordEmbedder(arrays.words, arrays.vectors, scale=arrays.scale)
    assert embedder.encode(["colour", "colourrz"]).any(axis=1).all()
    assert repr(embedder).startswith("<WordEmbedder 'words': 9")
    assert embedder.fingerprint() == load("default").fingerprint()
    assert embedder.table._texts is embedder.table._rows is None
    assert "colour" in embedder


def test_words_as_bytes_are_the_words(each_implementation):
    words = ["red", "größe", "top speed"]
    encoded = np.frombuffer("\n".join(words).encode(), np.uint8)
    listed, packed = (WordEmbedder(each, np.eye(3)) for each in (words, encoded))
    assert packed.table.texts == words
    assert packed.fingerprint() == listed.fingerprint()
    texts = ["topSpeed", "Größe", "reds"]
    np.testing.assert_array_equal(packed.encode(texts), listed.encode(texts))
    assert WordEmbedder(np.array(words), np.eye(3)).table.texts == words
    assert len(WordEmbedder(np.empty(0, np.uint8), np.empty((0, 3))).table) == 0
