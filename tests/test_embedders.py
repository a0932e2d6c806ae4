"""The ``Embedder`` protocol, adapters, and gensim's models."""

import functools
import pickle

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.model.embedders import Embedder, EmbedderError, as_embedder
from fuzzydict.model.word_embedder import WordEmbedder

SENTENCES = [
    *(["the", "car", "is", "red"], ["the", "colour", "of", "the", "car"], ["a", "fast", "car"]),
    *(["top", "speed", "of", "a", "car"], ["the", "price", "of", "speed"], ["red", "and", "blue"]),
] * 10


def cosine(embedder, one, other):
    a, b = embedder.encode([one, other])
    return float(a @ b)


def test_a_callable_from_texts_to_an_array_is_an_embedder(letters):
    embedder = as_embedder(letters)
    assert isinstance(embedder, Embedder)
    assert embedder.name == "count_letters"
    rows = embedder.encode(["abba", "", "Z"])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], atol=1e-6)


def test_anything_with_encode_is_an_embedder(counting):
    embedder = as_embedder(counting)
    assert embedder.name == "CountingEmbedder"
    assert embedder.encode(("ab", "c")).shape == (2, 26)
    assert counting.texts == ["ab", "c"]
    assert FuzzyDict(color=1, embedder=counting)["colour"] == 1


def test_an_embedder_is_given_a_list_of_texts():
    given = []
    as_embedder(lambda texts: given.append(texts) or [[1.0]] * len(texts)).encode(("a", "b"))
    assert given == [["a", "b"]]


@pytest.mark.parametrize(
    "rows", [[[1, 2]], ((1.0, 2.0),), np.array([[1, 2]], np.float16), np.array([[1, 2]], object)]
)
def test_results_may_be_any_array_of_numbers(rows):
    np.testing.assert_allclose(as_embedder(lambda _: rows).encode(["a"]), [[5**-0.5, 2 * 5**-0.5]])


def test_an_embedder_is_returned_as_it_is(letters):
    assert as_embedder(words := WordEmbedder(["red"], [[1.0]])) is words
    adapter = as_embedder(letters)
    assert as_embedder(adapter) is adapter


@pytest.mark.parametrize("source", [None, 5, object(), [1, 2], {}])
def test_anything_else_is_a_type_error(source):
    with pytest.raises(TypeError, match="embedder must be the name of a model, a callable"):
        as_embedder(source)


def broken_embedder(rows, texts):
    return rows


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([[1.0, 2.0]], r"returned the shape \(1, 2\), not \(2, 'd'\)"),
        ([[1.0]] * 3, r"returned the shape \(3, 1\), not \(2, 'd'\)"),
        ([1.0, 2.0], r"returned the shape \(2,\), not \(2, 'd'\)"),
        (np.ones((2, 3, 4)), r"returned the shape \(2, 3, 4\), not \(2, 'd'\)"),
        (np.ones((2, 0)), r"returned the shape \(2, 0\), not \(2, 'd'\)"),
        ([], r"returned the shape \(0,\), not \(2, 'd'\)"),
        (None, r"returned the shape \(\), not \(2, 'd'\)"),
        ([[1.0, 2.0], [float("nan"), 1.0]], "returned NaN or infinity"),
        ([[1.0, 2.0], [float("inf"), 1.0]], "returned NaN or infinity"),
        ([[1.0, 1e300], [1.0, 1.0]], "returned NaN or infinity"),
        ([[1.0, 2.0], [1.0]], "returned no array of numbers"),
        ([["a", "b"], ["c", "d"]], "returned no array of numbers"),
        ((row for row in [[1.0], [2.0]]), "returned no array of numbers"),
        ({"a": [1.0]}, "returned no array of numbers"),
    ],
)
def test_results_must_be_one_finite_vector_per_text(rows, complaint):
    def mine(texts):
        return rows

    with pytest.raises(EmbedderError, match=rf"mine {complaint}") as caught:
        as_embedder(mine).encode(["a", "b"])
    assert isinstance(caught.value, ValueError)


def test_an_embedder_must_not_change_its_dimension():
    widths = iter([3, 4])
    embedder = as_embedder(lambda texts: np.ones((len(texts), next(widths))))
    embedder.encode(["a", "b"])
    with pytest.raises(EmbedderError, match=r"returned the shape \(1, 4\), not \(1, 3\)"):
        embedder.encode(["a"])


def test_errors_use_the_name_of_an_embedder():
    class Mine:
        name = "sentences v2"

        def encode(self, texts):
            return np.ones(len(texts))

    with pytest.raises(EmbedderError, match="embedder sentences v2 returned the shape"):
        as_embedder(Mine()).encode(["a"])
    with pytest.raises(EmbedderError, match="embedder partial returned the shape"):
        as_embedder(functools.partial(broken_embedder, [1.0])).encode(["a"])


def test_a_failing_embedder_leaves_the_dictionary_intact():
    d = FuzzyDict(color="red", embedder=lambda texts: np.full((len(texts), 2), np.nan))
    for _ in range(2):
        with pytest.raises(EmbedderError, match="NaN"):
            d["colour"]
    assert d["color"] == "red"


def test_an_embedder_that_fails_is_named():
    def broken(texts):
        raise KeyError("no key for the service")

    with pytest.raises(EmbedderError, match=r"broken failed: KeyError: 'no key") as caught:
        as_embedder(broken).encode(["a"])
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_adapter_pickles_as_its_function():
    adapter = as_embedder(len_and_one)
    again = pickle.loads(pickle.dumps(adapter))
    np.testing.assert_array_equal(again.encode(["abc"]), adapter.encode(["abc"]))


def len_and_one(texts):
    return [[len(text), 1.0] for text in texts]


def test_a_class_is_not_an_embedder(counting):
    with pytest.raises(TypeError, match="must be an instance, got the class CountingEmbedder"):
        as_embedder(type(counting))


# Gensim's models


@pytest.fixture(scope="module")
def word2vec():
    models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    return models.Word2Vec(SENTENCES, vector_size=8, min_count=1, epochs=2, seed=1, workers=1)


def test_keyed_vectors_are_a_table_of_words(word2vec):
    embedder = as_embedder(word2vec.wv)
    assert isinstance(embedder, WordEmbedder)
    assert embedder.name == "KeyedVectors"
    assert embedder.dimension == 8
    assert "colour" in embedder
    assert embedder.vector("the")[1] < embedder.vector("blue")[1]
    assert FuzzyDict(colours=1, price=2, embedder=word2vec.wv)["colour"] == 1


def test_a_model_is_taken_by_the_vectors_that_it_carries(word2vec):
    texts = ["red car", "topSpeed", "colours"]
    of_model, of_vectors = as_embedder(word2vec), as_embedder(word2vec.wv)
    np.testing.assert_array_equal(of_model.encode(texts), of_vectors.encode(texts))


def test_cosines_are_those_of_the_vectors_without_their_mean(word2vec):
    rows = word2vec.wv.get_normed_vectors()
    rows = rows - rows.mean(axis=0)
    a, b = (rows[word2vec.wv.key_to_index[word]] for word in ("red", "car"))
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert cosine(as_embedder(word2vec), "red", "car") == pytest.approx(expected, abs=1e-5)


def test_words_that_are_written_in_two_ways_keep_the_more_frequent():
    keyed = pytest.importorskip("gensim.models", reason="gensim is not installed").KeyedVectors(2)
    keyed.add_vectors(["new_york", "New York", "boston", "^", "$"], np.eye(5, 2, dtype=np.float32))
    embedder = as_embedder(keyed)
    assert "new york" in embedder
    assert embedder.terms(("new", "york")) == ["new york"]
    assert cosine(embedder, "newYork", "new york") == pytest.approx(1)
    assert cosine(embedder, "bostonn", "boston") == pytest.approx(1)


def test_keyed_vectors_are_not_changed(word2vec):
    before = word2vec.wv.vectors.copy()
    as_embedder(word2vec).encode(["red", "reddish"])
    np.testing.assert_array_equal(word2vec.wv.vectors, before)


def test_fasttext_places_unknown_words_itself():
    models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    fasttext = models.FastText(
        SENTENCES, vector_size=8, min_count=1, epochs=2, seed=1, workers=1, bucket=500
    )
    embedder = as_embedder(fasttext)
    assert embedder.name == "FastTextKeyedVectors"
    assert "colourful" not in embedder
    vector, _ = embedder.vector("colourful")
    rows = fasttext.wv.get_normed_vectors()
    raw = fasttext.wv.get_vector("colourful", norm=True) - rows.mean(axis=0)
    np.testing.assert_allclose(vector, raw / np.linalg.norm(raw), atol=1e-5)


def test_a_dictionary_with_gensims_vectors_pickles(word2vec):
    d = FuzzyDict(colours=1, embedder=word2vec.wv)
    again = pickle.loads(pickle.dumps(d))
    assert d["colour"] == again["colour"] == 1


def test_an_embedder_of_the_user_says_what_it_is_called():
    def letters(texts):
        return [[1.0] for _ in texts]

    assert "letters" in repr(as_embedder(letters))
