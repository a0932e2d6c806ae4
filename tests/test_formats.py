"""Files, pickles and tables of every version so far can be read.

The fixtures are in ``formats/``, a folder for each commit or version that wrote them: `write.py`
there writes those of the current one. They are never changed.
"""

import importlib
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from conftest import count_letters

from fuzzydict import FuzzyDict
from fuzzydict.model.embedders import load
from fuzzydict.model.files import MODEL_FORMAT, model_file
from fuzzydict.ranking.guards import DEFAULT
from fuzzydict.storage import archive
from fuzzydict.storage.archive import ModelChangedWarning
from fuzzydict.storage.arrays import CHECKSUM, FileFormatError, read_arrays, write_arrays

FORMATS = Path(__file__).parent / "formats"
FOLDERS = sorted(path for path in FORMATS.iterdir() if path.is_dir() and "__" not in path.name)
ITEMS = {"color": "red", "top speed": 250, 7: None, ("a", 1): [1.5]}
# The fixtures were saved with the default model of their time.
any_model = pytest.mark.filterwarnings("ignore::fuzzydict.storage.archive.ModelChangedWarning")


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    return request.param


def check_plain(d):
    assert type(d) is FuzzyDict
    assert d == ITEMS
    assert d.cutoff == 0.5
    assert d.corrections == {"how fast": "top speed"}
    assert (d["colour"], d["how fast"], d.get("parliament")) == ("red", 250, None)
    assert d._guards == DEFAULT
    assert FuzzyDict(d).match("colour") == FuzzyDict(ITEMS).match("colour")
    d._check()


def check_fitted(d):
    assert d == {"falcon": "ana", "otter": "bob"}
    assert d["pay the invoice"] == "ana"
    assert d["report a crash"] == "bob"
    assert d["the boss"] == "ana"
    assert d.get("that joke") is None
    d._check()


# Dictionaries.


@any_model
def test_a_saved_dictionary_loads(folder):
    check_plain(FuzzyDict.load(folder / "plain.fuzzydict"))


def test_a_fitted_dictionary_loads(folder):
    check_fitted(FuzzyDict.load(folder / "fitted.fuzzydict", embedder=count_letters))


def test_the_items_need_neither_model_nor_embedder(folder):
    assert FuzzyDict.load_items(folder / "plain.fuzzydict") == ITEMS
    assert FuzzyDict.load_items(folder / "fitted.fuzzydict") == {"falcon": "ana", "otter": "bob"}


def test_items_are_decoded(tmp_path):
    FuzzyDict({"a": {1}}).save(tmp_path / "d", encode=list)
    assert FuzzyDict.load_items(tmp_path / "d", decode=set) == {"a": {1}}
    with pytest.raises(FileFormatError, match="decode="):
        FuzzyDict.load_items(tmp_path / "d")


def test_a_newer_dictionary_is_refused(tmp_path):
    FuzzyDict(color=1).save(tmp_path / "d")
    arrays, metadata = read_arrays(tmp_path / "d", checked=True)
    del metadata[CHECKSUM]
    write_arrays(tmp_path / "d", arrays, metadata | {"version": "3"}, checked=True)
    for read in (FuzzyDict.load, FuzzyDict.load_items):
        with pytest.raises(FileFormatError, match=r"version '3'; .* up to '2': upgrade FuzzyDict"):
            read(tmp_path / "d")


# Pickles.


@any_model
def test_a_pickle_loads(folder):
    check_plain(pickle.loads((folder / "plain.pickle").read_bytes()))


def test_a_pickle_of_a_fitted_dictionary_loads(folder):
    check_fitted(pickle.loads((folder / "fitted.pickle").read_bytes()))


def test_a_pickle_of_an_old_version_becomes_one_of_the_current(folder):
    d = pickle.loads((folder / "fitted.pickle").read_bytes())
    data = pickle.dumps(d)
    assert b"legacy" not in data
    assert b"_made" not in data
    check_fitted(pickle.loads(data))


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
    assert FuzzyDict.load(path).embedder.name == "brown"  # and no warning
    check_copies(other)


def check_copies(d):
    for copy in (d.copy(), pickle.loads(pickle.dumps(d))):
        assert copy.matches("hue", cutoff=0) == d.matches("hue", cutoff=0)


def test_an_embedder_of_another_kind_drops_the_calibration(tmp_path):
    path = tmp_path / "car.fuzzydict"
    d = FuzzyDict(ITEMS)
    d.calibrate([("colours", "color"), ("speed", "top speed"), ("parliament", None)])
    d.save(path)
    with warns():
        other = FuzzyDict.load(path, embedder=count_letters)
    assert other._learned == FuzzyDict()._learned


def test_what_was_fitted_of_words_outlives_the_model(folder):
    with warns("and fit should be repeated"):
        d = FuzzyDict.load(folder / "fitted.fuzzydict", embedder="brown")
    assert d.match("pay the invoice", cutoff=0.3).key == "falcon"
    assert d.match("report a crash", cutoff=0.3).key == "otter"
    assert d["the boss"] == "ana"
    d._check()


def test_a_model_that_is_no_longer_shipped_is_replaced_by_the_programs(tmp_path, monkeypatch):
    path = tmp_path / "car.fuzzydict"
    d = FuzzyDict(ITEMS, embedder="brown")
    d.embedder.name  # noqa: B018
    d.save(path)
    described = archive.described
    monkeypatch.setattr(
        archive, "described", lambda embedder: described(embedder) | {"name": "gone", "words": "?"}
    )
    d.save(path)
    with warns("embedder 'gone', .* with 'default' its keys"):
        assert FuzzyDict.load(path)["colour"] == "red"


def test_a_file_that_was_saved_with_another_model_is_not_reopened(tmp_path, monkeypatch):
    path = tmp_path / "car.fuzzydict"
    d = FuzzyDict(ITEMS)
    d.save(path)
    data = pickle.dumps(d)
    monkeypatch.setattr(archive, "dimension", lambda *_: None)
    assert pickle.loads(data)["colour"] == "red"


def test_a_pickle_that_was_fitted_with_another_model_keeps_what_it_learned_of_words(monkeypatch):
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
    old = d.__reduce__()
    state = old[2][:3]  # as format 1 was
    new = FuzzyDict()
    with warns("the pickle was made with the embedder 'default'"):
        new.__setstate__(state)


# Models.


def write_small_model(path, **metadata):
    arrays, _ = read_arrays(model_file("brown"))
    write_arrays(path, arrays, {"name": "small", **metadata})


def test_a_model_of_format_1_is_read_without_its_scorer():
    model = load(FORMATS / "8c6bed1" / "model.safetensors")
    assert model.score is None
    d = FuzzyDict({"color": "red", "about": 1}, embedder=model)
    assert (d["abuot"], d["colour"]) == (1, "red")


def test_a_newer_model_is_refused(tmp_path):
    write_small_model(tmp_path / "m.safetensors", format="3")
    with pytest.raises(FileFormatError, match=f"format '3'; .* up to '{MODEL_FORMAT}': upgrade"):
        load(tmp_path / "m.safetensors")
