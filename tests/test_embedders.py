"""Everything that turns texts into vectors: tables of words, adapters, and what they refuse."""

import functools
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.model import unknown_words, word_table
from fuzzydict.model.embedders import (
    Embedder,
    EmbedderError,
    WordEmbedder,
    as_embedder,
    fingerprint,
    load,
    model_file,
)
from fuzzydict.model.files import MODEL_FORMAT
from fuzzydict.model.unknown_words import NgramIndex
from fuzzydict.storage.arrays import FileFormatError, read_arrays, write_arrays

SENTENCES = [
    *(["the", "car", "is", "red"], ["the", "colour", "of", "the", "car"], ["a", "fast", "car"]),
    *(["top", "speed", "of", "a", "car"], ["the", "price", "of", "speed"], ["red", "and", "blue"]),
] * 10


@pytest.fixture
def table():
    return WordEmbedder(
        ["red", "colour", "top", "speed", "top speed", "the"],
        [[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, 1], [0, 0.6, 0.8], [0.8, 0, 0.6]],
        counts=[10, 10, 10, 10, 5, 5000],
        name="tiny",
    )


@pytest.fixture
def model(tmp_path):
    """The path of a model file, as training writes one."""
    path = tmp_path / "tiny.safetensors"
    arrays = {
        "words": np.frombuffer(b"red\ncolour\ntop speed", np.uint8),
        "vectors": np.array([[127, 0], [76, 102], [0, 127]], np.int8),
        "scale": np.full(3, 1 / 127, np.float32),
        "counts": np.array([5, 3, 1], np.int64),
    }
    write_arrays(path, arrays, {"name": "tiny"})
    return path


def cosine(embedder, one, other):
    a, b = embedder.encode([one, other])
    return float(a @ b)


# What is an embedder


def test_phrases_of_more_texts_than_are_kept_are_found(monkeypatch):
    monkeypatch.setattr(word_table, "_CACHE_SIZE", 2)
    embedder = WordEmbedder(["top speed"], [[1.0]])
    for n in range(5):
        assert embedder.phrases(("top", "speed", str(n))) == [(0, 2)]


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
def test_rows_of_any_kind_of_number_are_taken(rows):
    np.testing.assert_allclose(as_embedder(lambda _: rows).encode(["a"]), [[5**-0.5, 2 * 5**-0.5]])


def test_an_embedder_stays_what_it_is(table, letters):
    assert as_embedder(table) is table
    adapter = as_embedder(letters)
    assert as_embedder(adapter) is adapter


@pytest.mark.parametrize("source", [None, 5, object(), [1, 2], {}])
def test_what_can_do_none_of_it_is_a_type_error(source):
    with pytest.raises(TypeError, match="embedder must be the name of a model, a callable"):
        as_embedder(source)


# What an embedder must not give back


def broken_embedder(rows, texts):
    return rows


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([[1.0, 2.0]], r"gave the shape \(1, 2\), not \(2, 'd'\)"),
        ([[1.0]] * 3, r"gave the shape \(3, 1\), not \(2, 'd'\)"),
        ([1.0, 2.0], r"gave the shape \(2,\), not \(2, 'd'\)"),
        (np.ones((2, 3, 4)), r"gave the shape \(2, 3, 4\), not \(2, 'd'\)"),
        (np.ones((2, 0)), r"gave the shape \(2, 0\), not \(2, 'd'\)"),
        ([], r"gave the shape \(0,\), not \(2, 'd'\)"),
        (None, r"gave the shape \(\), not \(2, 'd'\)"),
        ([[1.0, 2.0], [float("nan"), 1.0]], "gave NaN or infinity"),
        ([[1.0, 2.0], [float("inf"), 1.0]], "gave NaN or infinity"),
        ([[1.0, 1e300], [1.0, 1.0]], "gave NaN or infinity"),
        ([[1.0, 2.0], [1.0]], "gave no array of numbers"),
        ([["a", "b"], ["c", "d"]], "gave no array of numbers"),
        ((row for row in [[1.0], [2.0]]), "gave no array of numbers"),
        ({"a": [1.0]}, "gave no array of numbers"),
    ],
)
def test_an_answer_that_is_not_one_finite_row_a_text_names_the_embedder(rows, complaint):
    def mine(texts):
        return rows

    with pytest.raises(EmbedderError, match=rf"mine {complaint}") as caught:
        as_embedder(mine).encode(["a", "b"])
    assert isinstance(caught.value, ValueError)


def test_an_embedder_that_changes_its_dimension_is_told_both_shapes():
    widths = iter([3, 4])
    embedder = as_embedder(lambda texts: np.ones((len(texts), next(widths))))
    embedder.encode(["a", "b"])
    with pytest.raises(EmbedderError, match=r"gave the shape \(1, 4\), not \(1, 3\)"):
        embedder.encode(["a"])


def test_a_name_of_its_own_is_what_errors_call_an_embedder():
    class Mine:
        name = "sentences v2"

        def encode(self, texts):
            return np.ones(len(texts))

    with pytest.raises(EmbedderError, match="embedder sentences v2 gave the shape"):
        as_embedder(Mine()).encode(["a"])
    with pytest.raises(EmbedderError, match="embedder partial gave the shape"):
        as_embedder(functools.partial(broken_embedder, [1.0])).encode(["a"])


def test_the_error_comes_out_of_the_dictionary_and_leaves_it_whole():
    d = FuzzyDict(color="red", embedder=lambda texts: np.full((len(texts), 2), np.nan))
    for _ in range(2):
        with pytest.raises(EmbedderError, match="NaN"):
            d["colour"]
    assert d["color"] == "red"


# Names and files


def test_the_default_model_is_loaded_by_its_name_and_once():
    assert load("default") is load("default") is as_embedder("default")
    assert "color" in load("default")
    assert isinstance(load("default"), Embedder)


def test_a_shipped_model_pickles_as_its_name():
    data = pickle.dumps(load("default"))
    assert len(data) < 200
    assert pickle.loads(data) is load("default")


@pytest.mark.parametrize("name", ["", "nothing", "no/such/file", "."])
def test_the_name_of_no_model_says_which_there_are(name):
    for use in (load, as_embedder, model_file):
        with pytest.raises(FileNotFoundError, match="default, open and brown are"):
            use(name)


def test_a_model_file_is_read_by_its_path(model):
    for path in (model, str(model)):
        embedder = as_embedder(path)
        assert repr(embedder) == "<WordEmbedder 'tiny': 3 words, 2 dimensions>"
        np.testing.assert_allclose(embedder.encode(["Red"]), [[1, 0]], atol=1e-6)
        assert FuzzyDict({"top speed": 1}, embedder=path)["topSpeed"] == 1


def test_a_model_that_is_not_shipped_pickles_whole(model):
    again = pickle.loads(pickle.dumps(load(model)))
    model.unlink()
    np.testing.assert_allclose(again.encode(["red"]), [[1, 0]], atol=1e-6)


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path, model):
    wrong = tmp_path / "wrong"
    wrong.write_text("no model")
    with pytest.raises(FileFormatError, match="wrong"):
        load(wrong)
    write_arrays(wrong, {"vectors": np.ones((2, 2))}, {})
    with pytest.raises(FileFormatError, match="wrong: not a model of words"):
        load(wrong)
    arrays = {"words": np.frombuffer(b"a\nb\nc", np.uint8), "vectors": np.ones((2, 2))}
    write_arrays(wrong, {**arrays, "scale": np.ones(2), "counts": np.ones(2)}, {})
    with pytest.raises(FileFormatError, match=r"3 words, vectors of shape \(2, 2\)"):
        load(wrong)


def started_together(work, threads=4):
    """Return what the work returns in each of several threads that start at the same time."""
    barrier, found = threading.Barrier(threads), []

    def run():
        barrier.wait()
        found.append(work())

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return found


def test_threads_load_a_shipped_model_once():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from fuzzydict.model.embedders import load; from test_embedders import started_together\n"
        "sys.setswitchinterval(1e-5)\n"
        "assert len(set(map(id, started_together(lambda: load('default'))))) == 1"
    )
    folder = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_threads_make_the_index_of_spellings_once(table, monkeypatch):
    made = []
    make = unknown_words.NgramIndex.__init__

    def counted(self, words):
        made.append(words)
        make(self, words)

    monkeypatch.setattr(unknown_words.NgramIndex, "__init__", counted)
    words = iter(["colourr", "spedd", "coluor", "topp"])
    found = started_together(lambda: table.look_up([next(words)]).vectors)
    assert all(np.any(each) for each in found)
    assert len(made) == 1


DAMAGE = {
    "fewer counts": ("counts", lambda array: array[:-1]),
    "fewer scales": ("scale", lambda array: array[:-1]),
    "fewer densities": ("density", lambda array: array[:-1]),
    "fewer names": ("names", lambda array: array[:-1]),
    "fewer redundancies": ("redundancy", lambda array: array[:-1]),
    "fewer vectors": ("vectors", lambda array: array[:-1]),
    "vectors of one dimension": ("vectors", lambda array: array.reshape(-1)),
    "vectors of booleans": ("vectors", lambda array: array > 0),
    "vectors of NaN": ("vectors", lambda array: np.full(array.shape, np.nan, np.float32)),
    "scales of NaN": ("scale", lambda array: array * np.nan),
    "scales of infinity": ("scale", lambda array: array * np.inf),
    "scales of two columns": ("scale", lambda array: np.stack([array, array], 1)),
    "negative scales": ("scale", np.negative),
    "negative counts": ("counts", lambda array: -array.astype(np.int64)),
    "words that repeat": ("words", lambda array: np.frombuffer(b"red\nred\ntop speed", "u1")),
    "words that are not UTF-8": ("words", lambda array: np.full_like(array, 255)),
    "weights of NaN": ("score.words.w1", lambda array: array * np.nan),
    "weights of fewer features": ("score.words.w1", lambda array: array[:-1]),
    "fewer biases": ("score.phrases.b1", lambda array: array[:-1]),
    "weights of one dimension": ("score.phrases.w1", lambda array: array[0]),
    "no bias": ("score.phrases.b2", lambda array: array[:0]),
    "a bias of infinity": ("score.phrases.b2", lambda array: array + np.inf),
    "a cutoff of NaN": ("score.cutoff", lambda array: array * np.nan),
    "a cutoff above one": ("score.cutoff", lambda array: array + 1),
    "two cutoffs": ("score.cutoff", lambda array: np.repeat(array, 2)),
}


@pytest.fixture(scope="module")
def whole_model():
    """Return the arrays of a small model that has a score."""
    score = {name: array for name, array in shipped_arrays().items() if name.startswith("score.")}
    return score | {
        "words": np.frombuffer(b"red\nblue\ntop speed", np.uint8),
        "vectors": np.eye(3, 4, dtype=np.int8),
        "scale": np.ones(3, np.float32),
        "counts": np.array([1, 2, 3], np.uint32),
        "density": np.zeros(3, np.uint8),
        "names": np.zeros(3, np.uint8),
        "redundancy": np.zeros(3, np.uint8),
    }


def shipped_arrays():
    return read_arrays(model_file("default"))[0]


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_file_is_refused_when_it_is_loaded(tmp_path, whole_model, name):
    part, change = DAMAGE[name]
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {"format": MODEL_FORMAT})
    assert FuzzyDict({"top speed": 1}, embedder=path)["topSpeed"] == 1
    with np.errstate(invalid="ignore"):
        changed = whole_model | {part: change(whole_model[part])}
    write_arrays(path, changed, {"format": MODEL_FORMAT})
    with pytest.raises(FileFormatError, match=r"model\.safetensors: not a model of words"):
        load(path)


@pytest.mark.parametrize("part", ["words", "vectors", "scale", "counts", "score.words.b1"])
def test_a_model_file_without_a_part_is_refused(tmp_path, whole_model, part):
    path = tmp_path / "model.safetensors"
    write_arrays(path, {name: whole_model[name] for name in whole_model.keys() - {part}}, {})
    with pytest.raises(FileFormatError, match=f"not a model of words: '{part}'"):
        load(path)


def test_a_model_file_of_another_format_is_refused(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {"format": "9"})
    for use in (load, fingerprint):
        with pytest.raises(FileFormatError, match="of the format '9'; this version"):
            use(path)
    FuzzyDict({"color": 1}).save(path)
    with pytest.raises(FileFormatError, match="of the format 'fuzzydict dictionary'"):
        load(path)


def test_a_file_without_vectors_has_no_fingerprint(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    for wrong in ({}, {"vectors": np.zeros(3)}):
        write_arrays(path, {"words": whole_model["words"], **wrong}, {})
        with pytest.raises(FileFormatError, match="not a model of words"):
            fingerprint(path)


def test_a_model_that_was_used_pickles_as_small_as_before_and_works(table):
    before = len(pickle.dumps(table))
    expected = table.encode(["redd", "top speed", "colourr"])
    assert len(pickle.dumps(table)) == before
    again = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(again.encode(["redd", "top speed", "colourr"]), expected)


def test_a_model_file_that_is_truncated_in_place_goes_on_answering(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {})
    embedder = load(path)
    with open(path, "wb"):
        pass
    np.testing.assert_array_equal(embedder.encode(["red"]), [[1, 0, 0, 0]])


# Words


def test_a_text_is_its_words_however_it_is_written(table):
    expected = table.encode(["red colour"])
    for text in ("redColour", "RED_COLOUR", "Red, colour!"):
        np.testing.assert_array_equal(table.encode([text]), expected)


def test_vectors_are_of_unit_length_or_zero(table):
    rows = table.encode(["red", "red top", "", "?!", "qqqq", "the speed of red"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 0, 0, 1], atol=1e-6)


def test_a_text_without_words_has_a_vector_of_zeros(table):
    assert table.encode([]).shape == (0, table.dimension)
    assert not table.encode(["", "?!"]).any()
    one, none = table.encode(["color", ""])
    assert one.any()
    assert not none.any()
    assert NgramIndex(["color"]).search("", 3) == []


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


def test_a_word_written_of_two_words_is_placed_between_them(table):
    assert table.split("topspeed") == ("top", "speed")
    assert cosine(table, "topspeed", "top") > 0.5 < cosine(table, "topspeed", "speed")
    assert table.split("qqqqqq") is None


@pytest.mark.parametrize(("counts", "parts"), [([9, 9, 1, 1], 3), ([1, 1, 9, 9], 4)])
def test_a_word_is_written_of_the_most_usual_two(counts, parts):
    table = WordEmbedder(["sea", "tear", "seat", "ear"], np.eye(4), counts=counts)
    assert table.split("seatear") == ("seatear"[:parts], "seatear"[parts:])


def test_what_is_like_no_word_has_no_place_and_no_trust(table):
    assert not table.encode(["qqqq"]).any()
    assert table.confidence(("qqqq",)) == 0
    assert table.confidence(("red",)) == 1
    assert 0 < table.confidence(("red", "qqqq")) < 1
    assert table.confidence(()) == 0


def test_looking_up_returns_what_is_known_about_words(table):
    vectors, weights, confidence, density, names, redundancy = table.look_up(
        ["red", "reds", "qqqq"]
    )
    assert vectors.shape == (3, 3)
    np.testing.assert_allclose(vectors[0], vectors[1])
    assert confidence[0] == 1 > confidence[1] > confidence[2] == 0
    assert weights.shape == density.shape == names.shape == redundancy.shape == (3,)
    assert names.tolist() == [0, 0, 0.5]  # an unknown word may be a name
    assert not redundancy.any()
    assert table.look_up([]).vectors.shape == (0, 3)


def test_the_memory_of_unknown_words_is_bounded(table):
    for i in range(9000):
        table.vector(f"q{i}z")
    assert len(table._unknown_words._placed) <= 8192


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
        ({"words": ["red", "red"]}, "words must be unique, 'red' is there more than once"),
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
    monkeypatch.setattr(word_table, "_CACHE_SIZE", 2)
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
    assert not empty.look_up(["colour"]).vectors.any()


def test_the_function_for_unknown_words_is_asked_for_them_alone():
    asked = []
    embedder = WordEmbedder(
        ["red"], [[1.0, 0.0]], unknown=lambda word: asked.append(word) or [0.0, 1.0]
    )
    assert embedder.encode(["red", "", "blue"]).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert not embedder.encode([""]).any()
    assert asked == ["blue"]


def test_a_table_of_scaled_bytes_is_the_table_of_its_products():
    rows, scale = np.array([[127, 0], [76, 102]], np.int8), np.array([0.5, 2], np.float32)
    bytes_ = WordEmbedder(["red", "colour"], rows, scale=scale)
    floats = WordEmbedder(["red", "colour"], rows * scale[:, None])
    texts = ["red", "colour", "red colour", "colours"]
    np.testing.assert_allclose(bytes_.encode(texts), floats.encode(texts), atol=1e-6)


def test_encoded_words_are_the_same_vocabulary():
    words = ["red", "colour", "top speed", "größe", "top"]
    vectors = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    encoded = np.frombuffer("\n".join(words).encode(), np.uint8)
    one, other = WordEmbedder(words, vectors), WordEmbedder(encoded, vectors)
    again = pickle.loads(pickle.dumps(other))
    texts = ["Red", "colours", "topSpeed", "Größe", "qqq", "gröse top"]
    for embedder in (other, again):
        np.testing.assert_array_equal(embedder.encode(texts), one.encode(texts))
        assert embedder.fingerprint() == one.fingerprint()
        assert embedder.terms(("the", "top", "speed")) == ["the", "top speed"]
        assert embedder.table.texts == words
        assert "größe" in embedder
        assert "grösse" not in embedder
    with pytest.raises(EmbedderError, match=r"5 words, vectors of shape \(4, 4\)"):
        WordEmbedder(encoded, vectors[:4])


def test_words_in_an_array_of_strings_are_checked():
    with pytest.raises(EmbedderError, match="words must be unique"):
        WordEmbedder(np.array(["red", "red"]), np.eye(2))


def test_marks_among_the_words_do_not_shift_their_neighbours():
    words = ["^", "colour", "$", "^$^", "", "speed"]
    index = NgramIndex(words)
    assert words[index.search("colou", 1)[0]] == "colour"
    assert words[index.search("spead", 1)[0]] == "speed"


def test_the_default_places_words_that_it_never_saw():
    default = load("default")
    for unknown, known in (("colourr", "colour"), ("velocitty", "velocity")):
        assert unknown not in default
        assert cosine(default, unknown, known) > 0.5


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
