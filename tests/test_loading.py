"""Model files: shipped models, files of users, and damaged files."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.model.embedders import Embedder, as_embedder
from fuzzydict.model.loading import (
    fingerprint,
    load,
    model_file,
    networks_for,
    vocabulary_for,
    word_embedder_for,
)
from fuzzydict.model.networks import default_networks
from fuzzydict.model.vocabulary import WithoutVectors
from fuzzydict.model.word_embedder import WordEmbedder
from fuzzydict.storage.arrays import FileFormatError, read_arrays, write_arrays


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


def test_the_default_model_is_loaded_by_its_name_and_once():
    assert load("default") is load("default") is as_embedder("default")
    assert "color" in load("default")
    assert isinstance(load("default"), Embedder)


def test_a_shipped_model_pickles_as_its_name():
    data = pickle.dumps(load("default"))
    assert len(data) < 200
    assert pickle.loads(data) is load("default")


@pytest.mark.parametrize("name", ["", "nothing", "no/such/file", "."])
def test_an_unknown_name_lists_the_shipped_models(name):
    for use in (load, as_embedder, model_file):
        with pytest.raises(
            FileNotFoundError, match='"default", "brown" or the path of a model file'
        ):
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
    with pytest.raises(FileFormatError, match="wrong: not a word model"):
        load(wrong)
    arrays = {"words": np.frombuffer(b"a\nb\nc", np.uint8), "vectors": np.ones((2, 2))}
    write_arrays(wrong, {**arrays, "scale": np.ones(2), "counts": np.ones(2)}, {})
    with pytest.raises(FileFormatError, match=r"3 words, vectors of shape \(2, 2\)"):
        load(wrong)


def test_threads_load_a_shipped_model_once():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from fuzzydict.model.loading import load; from conftest import started_together\n"
        "sys.setswitchinterval(1e-5)\n"
        "assert len(set(map(id, started_together(lambda: load('default'))))) == 1"
    )
    folder = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


DAMAGE = {
    "fewer counts": ("counts", lambda array: array[:-1]),
    "fewer scales": ("scale", lambda array: array[:-1]),
    "fewer densities": ("density", lambda array: array[:-1]),
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
    }


def shipped_arrays():
    return read_arrays(model_file("default"))[0]


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_file_is_refused_when_it_is_loaded(tmp_path, whole_model, name):
    part, change = DAMAGE[name]
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {"format": "1"})
    assert FuzzyDict({"top speed": 1}, embedder=path)["topSpeed"] == 1
    with np.errstate(invalid="ignore"):
        changed = whole_model | {part: change(whole_model[part])}
    write_arrays(path, changed, {"format": "1"})
    with pytest.raises(FileFormatError, match=r"model\.safetensors: not a word model"):
        load(path)


@pytest.mark.parametrize("part", ["words", "vectors", "scale", "counts", "score.words.b1"])
def test_a_model_file_without_a_part_is_refused(tmp_path, whole_model, part):
    path = tmp_path / "model.safetensors"
    write_arrays(path, {name: whole_model[name] for name in whole_model.keys() - {part}}, {})
    with pytest.raises(FileFormatError, match=f"not a word model: '{part}'"):
        load(path)


def test_a_model_file_of_another_format_is_refused(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {"format": "9"})
    for use in (load, fingerprint):
        with pytest.raises(FileFormatError, match=r"of format '1', but '9': train it again"):
            use(path)
    FuzzyDict({"color": 1}).save(path)
    with pytest.raises(FileFormatError, match="but 'fuzzydict dictionary'"):
        load(path)


def test_a_file_without_vectors_has_no_fingerprint(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    for wrong in ({}, {"vectors": np.zeros(3)}):
        write_arrays(path, {"words": whole_model["words"], **wrong}, {})
        with pytest.raises(FileFormatError, match="not a word model"):
            fingerprint(path)


def test_a_model_survives_the_truncation_of_its_file(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {})
    embedder = load(path)
    with open(path, "wb"):
        pass
    np.testing.assert_array_equal(embedder.encode(["red"]), [[1, 0, 0, 0]])


def test_fingerprints_of_files_are_those_of_their_models(tmp_path, whole_model):
    path = tmp_path / "model.safetensors"
    write_arrays(path, whole_model, {})
    assert load(path).name == str(path)
    assert fingerprint(path) == load(path).fingerprint()
    assert fingerprint("default") == load("default").fingerprint()


def test_a_shipped_file_that_is_named_by_its_path_is_a_file_of_the_user():
    by_path = load(model_file("default"))
    assert by_path is not load("default")
    assert not by_path.shipped
    assert load("default").shipped
    assert by_path.fingerprint() == load("default").fingerprint()


def test_the_default_model_scores_for_embedders_without_networks(letters):
    own, plain = load("default"), WordEmbedder(["red"], [[1.0]])
    other = as_embedder(letters)
    assert networks_for(own) is own.networks
    assert networks_for(plain) is networks_for(other) is default_networks()
    assert word_embedder_for(plain) is plain
    assert word_embedder_for(other) is own
    assert vocabulary_for(plain) is plain
    assert isinstance(vocabulary_for(other), WithoutVectors)
