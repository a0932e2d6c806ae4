"""Files, pickles and tables of every version so far can be read.

The fixtures are in ``formats/``, a folder for each commit or version that wrote them: `write.py`
there writes those of the current one. They are never changed.
"""

import importlib
import pickle
import pickletools
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import count_letters

import fuzzydict
from fuzzydict import FuzzyDict, ModelChangedWarning
from fuzzydict.model.embedders import load
from fuzzydict.model.files import MODEL_FORMAT, model_file, model_info
from fuzzydict.ranking.guards import DEFAULT
from fuzzydict.storage import archive
from fuzzydict.storage.arrays import CHECKSUM, FileFormatError, read_arrays, write_arrays

FORMATS = Path(__file__).parent / "formats"
VERSIONS = ["8c6bed1", "8fa112c", "154b6ac", "0.1.0"]
OLD_FITS = VERSIONS[:2]  # in which fit learned in another way
ITEMS = {"color": "red", "top speed": 250, 7: None, ("a", 1): [1.5]}


@pytest.fixture(params=VERSIONS)
def folder(request):
    return FORMATS / request.param


def check_plain(d):
    assert type(d) is FuzzyDict
    assert d == ITEMS
    assert d.cutoff == 0.5
    assert d.corrections == {"how fast": "top speed"}
    assert (d["colour"], d["how fast"], d.get("parliament")) == ("red", 250, None)
    assert d._guards == DEFAULT
    d._check()


def check_fitted(d, version):
    assert d == {"falcon": "ana", "otter": "bob"}
    assert d["the boss"] == "ana"
    if version not in OLD_FITS:
        assert d["pay the invoice"] == "ana"
        assert d["report a crash"] == "bob"
    assert d.get("that joke") is None
    d._check()


def loads(version, name):
    """Return the dictionary of a pickle."""
    return pickle.loads((FORMATS / version / f"{name}.pickle").read_bytes())


# Dictionaries.


@pytest.mark.filterwarnings("ignore::fuzzydict.ModelChangedWarning")  # of the time's model
def test_a_saved_dictionary_loads(folder):
    check_plain(FuzzyDict.load(folder / "plain.fuzzydict"))


@pytest.mark.filterwarnings("ignore:what fit learned was written by an older version")
def test_a_fitted_dictionary_loads(folder):
    d = FuzzyDict.load(folder / "fitted.fuzzydict", embedder=count_letters)
    check_fitted(d, folder.name)


def test_the_items_need_neither_model_nor_embedder(folder):
    assert FuzzyDict.load_items(folder / "plain.fuzzydict") == ITEMS
    assert FuzzyDict.load_items(folder / "fitted.fuzzydict") == {"falcon": "ana", "otter": "bob"}


def test_a_newer_dictionary_is_refused(tmp_path):
    FuzzyDict(color=1).save(tmp_path / "d")
    arrays, metadata = read_arrays(tmp_path / "d", checked=True)
    del metadata[CHECKSUM]
    write_arrays(tmp_path / "d", arrays, metadata | {"version": "3"}, checked=True)
    for read in (FuzzyDict.load, FuzzyDict.load_items):
        with pytest.raises(FileFormatError, match=r"version '3'; .* up to '2': upgrade FuzzyDict"):
            read(tmp_path / "d")


# Pickles.


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_pickle_loads(version):
    check_plain(loads(version, "plain"))


@pytest.mark.filterwarnings("ignore:what fit learned was written by an older version")
@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_pickle_of_a_fitted_dictionary_loads(version):
    check_fitted(loads(version, "fitted"), version)


@pytest.mark.parametrize("name", ["plain", "fitted"])
def test_a_pickle_from_before_the_first_version_says_what_to_do(name):
    with pytest.raises(pickle.UnpicklingError, match=r"load it with that version and .* save\(\)"):
        loads("8c6bed1", name)
    assert not hasattr(fuzzydict.mapping, "other")


def test_a_newer_pickle_is_refused(monkeypatch):
    monkeypatch.setattr("fuzzydict.copying._FORMAT", 3)
    data = pickle.dumps(FuzzyDict(color=1))
    monkeypatch.undo()
    with pytest.raises(pickle.UnpicklingError, match=r"format 3; .* up to 2: upgrade FuzzyDict"):
        pickle.loads(data)


def named_in(data):
    """Return the names that a pickle of protocol 0 imports."""
    found = [argument for code, argument, _ in pickletools.genops(data) if code.name == "GLOBAL"]
    return {tuple(name.split(" ")) for name in found}


class Vectors:
    """What gensim's FastText looks like."""

    index_to_key = ("red", "blue")
    key_to_index = {"red": 0, "blue": 1}  # noqa: RUF012
    vectors = np.eye(2, dtype=np.float32)
    vectors_ngrams = vectors
    expandos = {}  # noqa: RUF012

    def get_vector(self, word):
        return self.vectors[0]


@pytest.mark.parametrize(
    "embedder", ["default", count_letters, Vectors(), load("brown"), load(model_file("brown"))]
)
def test_pickles_import_public_names_alone(embedder):
    d = FuzzyDict({"red": 1}, embedder=embedder, guards=[*DEFAULT][:2])
    d.learn("crimson", "red")
    for module, name in named_in(pickle.dumps(d, 0)):
        if module.startswith("fuzzydict"):
            assert name.partition(".")[0] in importlib.import_module(module).__all__, (module, name)


# Another model.


def warns(what="its keys are embedded again; save it again"):
    return pytest.warns(ModelChangedWarning, match=what)


def test_another_model_embeds_the_keys_again_and_says_so_once(tmp_path):
    path = tmp_path / "car.fuzzydict"
    d = FuzzyDict(ITEMS, cutoff=0.5, prior=0.3)
    d.learn("how fast", "top speed")
    d.calibrate([("colours", "color"), ("speed", "top speed"), ("parliament", None)])
    d.save(path)
    with warns("saved with the embedder 'default', .* with 'brown' its keys") as caught:
        other = FuzzyDict.load(path, embedder="brown")
        assert other["how fast"] == 250
        assert other["colour"] == "red"
    assert len(caught) == 1
    assert other.embedder.name == "brown"
    assert other == ITEMS
    assert (other.cutoff, other._prior) == (0.5, 0.3)
    assert other._learned == d._learned
    fresh = FuzzyDict(ITEMS, embedder="brown", cutoff=0.5, prior=0.3)
    fresh._set_learned(lambda _: d._learned)
    assert other.matches("hue", cutoff=0) == fresh.matches("hue", cutoff=0)
    other.save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert FuzzyDict.load(path).embedder.name == "brown"
    for copy in (other.copy(), pickle.loads(pickle.dumps(other))):
        assert copy.matches("hue", cutoff=0) == other.matches("hue", cutoff=0)


def test_an_embedder_of_another_kind_drops_the_calibration(tmp_path):
    path = tmp_path / "car.fuzzydict"
    d = FuzzyDict(ITEMS)
    d.calibrate([("colours", "color"), ("speed", "top speed"), ("parliament", None)])
    d.save(path)
    with warns():
        other = FuzzyDict.load(path, embedder=count_letters)
    assert other._learned == FuzzyDict()._learned


def test_what_was_fitted_of_words_outlives_the_model():
    with warns("and fit should be repeated"):
        d = FuzzyDict.load(FORMATS / "0.1.0" / "fitted.fuzzydict", embedder="brown")
    assert d.match("pay the invoice", cutoff=0.3).key == "falcon"
    assert d.match("report a crash", cutoff=0.3).key == "otter"
    assert d["the boss"] == "ana"
    d._check()


def saved_with_a_lost_model(path, monkeypatch):
    """Save a dictionary as if with a model that is no longer shipped."""
    described = archive.described
    with monkeypatch.context() as patch:
        patch.setattr(archive, "described", lambda e: described(e) | {"name": "gone", "words": "?"})
        FuzzyDict(ITEMS).save(path)


def test_a_model_that_is_no_longer_shipped_is_replaced_by_the_programs(tmp_path, monkeypatch):
    saved_with_a_lost_model(tmp_path / "d", monkeypatch)
    with warns("embedder 'gone', .* with 'default' its keys"):
        assert FuzzyDict.load(tmp_path / "d")["colour"] == "red"


def test_a_pickle_embeds_keys_whose_file_was_saved_with_another_model(tmp_path):
    d = FuzzyDict(ITEMS)
    d.save(tmp_path / "d")
    data = pickle.dumps(d)
    other = FuzzyDict(ITEMS, embedder="brown")
    other.save(tmp_path / "d")
    assert pickle.loads(data)["colour"] == "red"
    with warns():
        moved = FuzzyDict.load(tmp_path / "d", embedder="default")
    assert moved.matches("hue", cutoff=0) == d.matches("hue", cutoff=0)


def test_a_pickle_that_was_fitted_with_another_version_of_its_model_says_so(monkeypatch):
    d = FuzzyDict({"falcon": "ana", "otter": "bob"})
    d.fit([
        *((f"{word} invoice", "falcon") for word in ("refund", "cancel", "pay", "print", "send")),
        *((f"{word} crash", "otter") for word in ("debug", "report", "see", "fix", "find")),
        *((f"{word} joke", None) for word in ("a", "that", "one", "any")),
    ])  # fmt: skip
    same = pickle.loads(pickle.dumps(d))
    assert same.match("pay the invoice") == d.match("pay the invoice")
    described = archive.described
    monkeypatch.setattr(archive, "described", lambda e: described(e) | {"words": "changed"})
    data = pickle.dumps(d)
    with warns("the pickle was made with the embedder 'default'"):
        other = pickle.loads(data)
    assert other.matches("pay the invoice", cutoff=0)[0].key == "falcon"


# Models.


def write_small_model(path, **metadata):
    arrays, _ = read_arrays(model_file("brown"))
    write_arrays(path, arrays, {"name": "small", **metadata})


def test_a_model_of_format_1_is_read_without_its_scorer():
    model = load(FORMATS / "8c6bed1" / "model.safetensors")
    assert model.score is None
    d = FuzzyDict({"color": "red", "about": 1}, embedder=model)
    assert (d["abuot"], d["colour"]) == (1, "red")


def test_a_model_of_format_2_is_read(tmp_path):
    write_small_model(tmp_path / "m.safetensors", format="2")
    assert load(tmp_path / "m.safetensors").fingerprint() == load("brown").fingerprint()


def test_a_newer_model_is_refused(tmp_path):
    write_small_model(tmp_path / "m.safetensors", format="4")
    with pytest.raises(FileFormatError, match=f"format '4'; .* up to '{MODEL_FORMAT}': upgrade"):
        load(tmp_path / "m.safetensors")


@pytest.fixture
def packed(tmp_path):
    """Return the path of a model of six words, of which four are packed, and its vectors."""
    rows = np.array([[1, 0.5], [0, 1], [-1, 1], [1, -1 / 7], [0, 0], [3 / 7, -1]], np.float32)
    numbers = np.rint(rows[:2] * 127).astype(np.int8)
    nibbles = (np.rint(rows[2:] * 7) + 8).astype(np.uint8)
    arrays = {
        "words": np.frombuffer(b"a\nb\nc\nd\ne\nf", np.uint8),
        "vectors": numbers,
        "packed": nibbles[:, ::2] << 4 | nibbles[:, 1::2],
        "scale": np.array([1 / 127] * 2 + [1 / 7] * 4, np.float32),
        "counts": np.ones(6, np.uint32),
    }
    path = tmp_path / "packed.safetensors"
    write_arrays(path, arrays, {"name": "packed", "format": "3"})
    return path, arrays, rows


def test_vectors_of_four_bits_are_unpacked(packed):
    path, _, rows = packed
    model = load(path)
    np.testing.assert_allclose(model.table.vectors_at(np.arange(6)), rows, atol=0.005)
    assert model_info(path)[:3] == ("packed", 6, 2)
    assert "f" in model


@pytest.mark.parametrize(
    "change",
    [
        {"packed": np.zeros(4, np.uint8)},
        {"packed": np.zeros((4, 1), np.int8)},
        {"packed": np.zeros((4, 2), np.uint8)},
        {"vectors": np.zeros((2, 2), np.float32)},
    ],
)
def test_packed_vectors_that_do_not_fit_are_refused(packed, change):
    path, arrays, _ = packed
    write_arrays(path, arrays | change, {"format": "3"})
    with pytest.raises(FileFormatError, match=r"packed\.safetensors: not a model of words"):
        load(path)
