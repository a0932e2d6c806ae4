"""Saved dictionaries: what is loaded is what was saved, or one clear error."""

import copy
import datetime
import json
import math
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import untraced

from fuzzydict import FuzzyDict, ModelChangedWarning
from fuzzydict.model.embedders import EmbedderError, load
from fuzzydict.ranking import guards
from fuzzydict.ranking.entries import Entries
from fuzzydict.storage import archive
from fuzzydict.storage import arrays as storage
from fuzzydict.storage.arrays import FileFormatError, read_arrays, write_arrays

CAR = {"color": "red", "top speed": 250, "price": 49_000.0, "extras": ["radio", None]}
QUERIES = ["colour", "velocity", "cost", "parliament", "top speeed", "", "hue"]
PAIRS = [
    *((f"{word} my invoice", "falcon") for word in ("refund", "cancel", "pay", "print", "send")),
    *((f"{word} the crash", "otter") for word in ("debug", "report", "see", "fix", "find")),
    *((f"{word} joke", None) for word in ("a", "that", "one", "any")),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "car.fuzzydict"


@pytest.fixture
def embedded(monkeypatch):
    """Return the entries that are embedded from now on, not restored with their vectors."""
    texts, add = [], Entries._add

    def recorded(self, keys, corrections, meanings, vectors=None):
        if vectors is None:
            texts.extend([*keys, *corrections])
        add(self, keys, corrections, meanings, vectors)

    monkeypatch.setattr(Entries, "_add", recorded)
    return texts


def answers(d, queries=QUERIES):
    return [d.matches(query, cutoff=0.0) for query in queries]


def test_what_is_loaded_is_what_was_saved(path):
    d = FuzzyDict(CAR, cutoff=0.5, index="exact")
    d.learn("what does it cost me", "price")
    d.learn("radio", None)
    d.calibrate([("hue", "color"), ("shoe", None)])
    d.save(path)
    found = FuzzyDict.load(path)
    assert type(found) is FuzzyDict
    assert dict(found) == CAR
    assert list(found) == list(CAR)
    assert found.cutoff == 0.5
    assert found.corrections == d.corrections
    assert found.index == "exact"
    queries = [*QUERIES, "radio", "what does it cost me", "what did it cost me"]
    assert answers(found, queries) == answers(d, queries)


@pytest.mark.usefixtures("short_fits")
def test_what_was_fitted_is_saved_too(path):
    d = FuzzyDict(falcon=1, otter=2, maple=3)
    assert d.fit(PAIRS * 2).fitted
    d.save(path)
    found = FuzzyDict.load(path)
    queries = [query for query, _ in PAIRS]
    assert answers(found, queries) == answers(d, queries)
    found["heron"] = d["heron"] = 4
    assert answers(found, queries) == answers(d, queries)
    found.unfit()
    d.unfit()
    assert answers(found, queries) == answers(d, queries)


@pytest.mark.usefixtures("short_fits")
def test_a_dictionary_that_was_emptied_after_a_fit_can_be_saved(path):
    d = FuzzyDict(falcon=1, otter=2, maple=3)
    assert d.fit(PAIRS * 2).fitted
    d.learn("nothing at all", None)
    for key in list(d):
        del d[key]
    assert "falcons" not in d
    d._check()
    d.save(path)
    found = FuzzyDict.load(path)
    assert found == {}
    found["falcon"] = d["falcon"] = 1
    assert answers(found, ["pay my invoice"]) == answers(d, ["pay my invoice"])
    assert "nothing at all" not in found
    found._check()


def test_words_whose_guards_were_lifted_stay_so(path):
    d = FuzzyDict(CAR)
    d._set_learned(
        lambda learned: learned._replace(guard_exemptions={"color": frozenset({"paint"})})
    )
    d.save(path)
    assert FuzzyDict.load(path)._learned == d._learned


def test_an_empty_dictionary_can_be_saved(path):
    FuzzyDict().save(path)
    d = FuzzyDict.load(path)
    assert d == {}
    assert d.get("colour") is None
    d["color"] = 1
    assert d["colour"] == 1


def test_keys_that_are_no_text_are_saved(path):
    keys = [1, 2.5, None, True and "true", (1, ("a", None)), (), math.inf, "\ud800\0\n", ""]
    FuzzyDict.fromkeys(keys).save(path)
    assert list(FuzzyDict.load(path)) == keys


def test_arrays_are_saved(path):
    FuzzyDict(vector=np.arange(3.0)).save(path)
    vector = FuzzyDict.load(path)["vectors"]
    vector += 1
    np.testing.assert_array_equal(vector, [1, 2, 3])


def test_a_value_that_json_cannot_hold_is_refused_with_its_key(path):
    d = FuzzyDict(CAR)
    d.save(path)
    d["sold"] = datetime.date(2020, 1, 1)
    with pytest.raises(TypeError, match=r"value of 'sold' .*datetime.date.*encode="):
        d.save(path)
    d["sold"] = loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="value of 'sold'"):
        d.save(path)
    assert FuzzyDict.load(path) == CAR  # the file is the one that was there


@pytest.mark.parametrize("key", [b"bytes", frozenset(), (1, b""), datetime.date(2020, 1, 1)])
def test_a_key_that_json_cannot_hold_is_refused(path, key):
    with pytest.raises(TypeError, match=r"key .* cannot be saved"):
        FuzzyDict({key: 1}).save(path)
    assert not path.exists()


def test_values_go_through_a_codec_of_the_user(path):
    days = FuzzyDict(start=datetime.date(2020, 1, 1), end=datetime.date(2020, 2, 1))
    days.save(path, encode=datetime.date.isoformat)
    assert FuzzyDict.load(path, decode=datetime.date.fromisoformat) == days
    with pytest.raises(FileFormatError, match="decode="):
        FuzzyDict.load(path)


def test_a_file_is_written_in_the_same_bytes_and_keeps_its_mode(path, tmp_path):
    d = FuzzyDict(CAR)
    d.save(path)
    path.chmod(0o600)
    before = path.read_bytes()
    d.save(path)
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_neither_loading_nor_the_first_read_embeds_a_key(path, embedded):
    d = FuzzyDict(CAR)
    d.learn("what it costs", "price")
    d.save(path)
    assert sorted(embedded) == sorted([*CAR, "what it costs"])
    embedded.clear()
    d = FuzzyDict.load(path)
    assert d["colour"] == "red"
    assert embedded == []


def test_keys_that_come_and_go_after_loading_do_not_touch_the_file(path):
    FuzzyDict(CAR).save(path)
    before = path.read_bytes()
    d = FuzzyDict.load(path)
    del d["price"]
    assert "cost" not in d
    d["weight"] = 1
    assert d["wieght"] == 1
    d["price"] = 2
    assert d["cost"] == 2
    del d["color"]
    assert "colour" not in d
    assert path.read_bytes() == before
    assert answers(d) == answers(FuzzyDict(dict(d)))


def test_a_loaded_dictionary_can_be_cleared(path):
    FuzzyDict(CAR).save(path)
    d = FuzzyDict.load(path)
    d.clear()
    assert "colour" not in d
    d["colors"] = 1
    assert d["color"] == 1


TRUNCATED = """
import sys
from fuzzydict import FuzzyDict
from fuzzydict.storage import arrays as storage
from fuzzydict.storage.arrays import FileFormatError

storage._COPIED = int(sys.argv[2])
FuzzyDict({f"key number {i}": i for i in range(2000)}).save(sys.argv[1])
d = FuzzyDict.load(sys.argv[1])
before = open(sys.argv[1], "rb").read()
open(sys.argv[1], "wb").close()  # as `cp new old` begins
if int(sys.argv[2]) == 0:
    for _ in range(2):
        try:
            d.get("kye number 77")
        except FileFormatError as error:
            assert "changed since it was loaded; load it again" in str(error)
        else:
            raise AssertionError
    assert d["key number 77"] == 77
    open(sys.argv[1], "wb").write(before)
    d = FuzzyDict.load(sys.argv[1])
assert d.get("kye number 77") == 77
"""


@pytest.mark.parametrize("copied", [0, 1 << 26], ids=["mapped", "copied"])
def test_a_file_that_is_truncated_in_place_does_not_end_the_process(path, copied):
    command = [sys.executable, "-c", TRUNCATED, path, str(copied)]
    done = subprocess.run(command, capture_output=True, text=True, env=untraced())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("copied", [0, 1 << 26], ids=["mapped", "copied"])
def test_a_file_that_is_replaced_or_removed_does_not_matter(path, copied, monkeypatch):
    monkeypatch.setattr(storage, "_COPIED", copied)
    FuzzyDict(CAR).save(path)
    d, other = FuzzyDict.load(path), FuzzyDict.load(path)
    FuzzyDict({"shoe": 1}).save(path)
    assert d["colour"] == "red"
    path.unlink()
    assert other["colour"] == "red"
    other.save(path)
    assert answers(FuzzyDict.load(path)) == answers(other) == answers(d)


# Embedders and guards.


def letters(texts):
    return np.array([[text.count(each) for each in "abcdefghij"] + [1] for text in texts], float)


def more_letters(texts):
    return letters(texts) + np.arange(11)


def wider(texts):
    return np.hstack([letters(texts), letters(texts)])


def test_an_embedder_of_the_user_must_be_given_and_be_the_same(path):
    d = FuzzyDict({"cabbage": 1, "beetroot": 2}, embedder=letters)
    d.save(path)
    assert FuzzyDict.load(path, embedder=letters).match("Cabbage") == d.match("Cabbage")
    with pytest.raises(FileFormatError, match=r"pass the embedder .*'letters'"):
        FuzzyDict.load(path)
    for other in (more_letters, wider, "default", load("brown")):
        with pytest.warns(ModelChangedWarning, match="saved with the embedder 'letters'"):
            assert FuzzyDict.load(path, embedder=other)["Cabbage"] == 1


def test_another_model_is_told_from_the_one_it_was_saved_with(path):
    FuzzyDict(CAR).save(path)
    assert FuzzyDict.load(path, embedder="default")["colour"] == "red"
    assert FuzzyDict.load(path, embedder=load("default"))["colour"] == "red"
    for other in ("brown", load("brown"), letters):
        with pytest.warns(ModelChangedWarning, match="saved with the embedder 'default'"):
            FuzzyDict.load(path, embedder=other)


def test_a_model_of_a_file_must_be_given(path, tmp_path):
    arrays, metadata = read_arrays(archive_of_brown())
    write_arrays(tmp_path / "mine.safetensors", arrays, metadata | {"name": "mine"})
    FuzzyDict(CAR, embedder=tmp_path / "mine.safetensors").save(path)
    with pytest.raises(FileFormatError, match="pass the embedder"):
        FuzzyDict.load(path)
    assert FuzzyDict.load(path, embedder=tmp_path / "mine.safetensors") == CAR


def archive_of_brown():
    from fuzzydict.model.embedders import model_file

    return model_file("brown")


def test_an_embedder_that_fails_leaves_the_file_and_the_dictionary(path):
    def fails(texts):
        raise TimeoutError("no answer in 5 s")

    d = FuzzyDict(CAR, embedder=fails)
    with pytest.raises(EmbedderError, match=r"fails failed: TimeoutError: no answer in 5 s"):
        d.save(path)
    assert not path.exists()
    assert d["color"] == "red"


def never(query, key):
    return True


def test_guards_of_the_user_must_be_given(path):
    FuzzyDict(CAR, guards=[*guards.DEFAULT, never]).save(path)
    with pytest.raises(FileFormatError, match=r"pass its guards, .*never"):
        FuzzyDict.load(path)
    assert "colour" not in FuzzyDict.load(path, guards=[never])


# Damage and malice.


def test_a_file_that_is_cut_short_or_has_a_flipped_bit_is_refused(path):
    FuzzyDict(CAR).save(path)
    data = path.read_bytes()
    rng = random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        if rng.random() < 0.3:
            del changed[rng.randrange(len(data)) :]
        else:
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(FileFormatError):
            FuzzyDict.load(path)


def parts_of(path):
    arrays, metadata = read_arrays(path, checked=True)
    return {name: array.copy() for name, array in arrays.items()}, metadata


def text(value):
    return np.frombuffer((value if isinstance(value, str) else json.dumps(value)).encode(), "u1")


def told(path, change):
    arrays, metadata = parts_of(path)
    about = json.loads(arrays["about"].tobytes())
    change(about)
    return arrays | {"about": text(about)}, metadata


HOSTILE = {
    "keys repeat": {"keys": text(["color", "color", "price", "extras"])},
    "keys are dicts": {"keys": text([{}, {}, {}, {}])},
    "keys are a number": {"keys": text(4)},
    "a value is missing": {"values": text([1, 2, 3])},
    "JSON nests a million deep": {"values": text("[" * 1_000_000)},
    "a key nests deep": {"keys": text("[" * 900 + "]" * 900)},
    "no JSON": {"keys": text("nothing")},
    "a row of a key that is no text": {"keys": text(["color", 2, "price", "extras"])},
    "a row of no key": {"entries.keys": np.array([0, 1, 2, 9], np.uint32)},
    "a key of two rows": {"entries.keys": np.array([0, 1, 2, 2], np.uint32)},
    "a row of no correction": {"entries.corrections": np.array([0], np.uint32)},
    "negative places": {"entries.keys": np.array([0, 1, 2, -1], np.int32)},
    "places that are no numbers": {"entries.keys": np.array([0, 1, 2, 3], np.float32)},
    "fewer keys than rows": {"entries.keys": np.array([0, 1, 2], np.uint32)},
    "fewer rows": {"rows.numbers": np.zeros((3, 168), np.int8)},
    "rows of another width": {"rows.numbers": np.zeros((4, 99), np.int8)},
    "rows of floats": {"rows.numbers": np.zeros((4, 168), np.float32)},
    "rows of one dimension": {"rows.numbers": np.zeros(4, np.int8)},
    "scales of NaN": {"rows.scales": np.full((4, 1), np.nan, np.float32)},
    "scales of another shape": {"rows.scales": np.zeros((4, 2), np.float32)},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_lies_is_refused(path, name):
    FuzzyDict(CAR).save(path)
    arrays, metadata = parts_of(path)
    write_arrays(path, arrays | HOSTILE[name], metadata, checked=True)
    with pytest.raises(FileFormatError):
        FuzzyDict.load(path)


LIES = {
    "no options": lambda about: about.pop("options"),
    "an option more": lambda about: about["options"].update(evil=1),
    "a cutoff above one": lambda about: about["options"].update(cutoff=2),
    "a cutoff of text": lambda about: about["options"].update(cutoff="1"),
    "a prior of one": lambda about: about["options"].update(prior=1),
    "an index of another kind": lambda about: about["options"].update(index="server"),
    "an embedder that is a path": lambda about: about["embedder"].update(name="../data/brown"),
    "an embedder that is a number": lambda about: about.update(embedder=3),
    "a correction to a number": lambda about: about["learned"].update(corrections={"a": 3}),
    "a calibration of text": lambda about: about["learned"].update(calibration=["a"] * 4),
    "a projection of nothing": lambda about: about["learned"].update(projection={}),
    "nothing learned": lambda about: about.pop("learned"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_tells_lies_of_itself_is_refused(path, name):
    FuzzyDict(CAR).save(path)
    arrays, metadata = told(path, LIES[name])
    write_arrays(path, arrays, metadata, checked=True)
    with pytest.raises(FileFormatError):
        FuzzyDict.load(path)


@pytest.mark.usefixtures("short_fits")
def test_a_projection_whose_parts_do_not_fit_is_refused(path):
    d = FuzzyDict(falcon=1, otter=2, maple=3)
    assert d.fit(PAIRS * 2).fitted
    whole = archive.plain(d._learned)
    assert archive.plain(archive.learned(whole)).keys() == whole.keys()
    for name in ("grams", "weights", "query", "key", "residuals"):
        for wrong in (whole["projection"][name][:-1], whole["projection"][name].astype("f8")):
            with pytest.raises(ValueError, match=r"projection|shape"):
                archive.learned(whole | {"projection": whole["projection"] | {name: wrong}})
    wrong = np.full_like(whole["projection"]["key"], np.nan)
    with pytest.raises(ValueError, match="projection"):
        archive.learned(whole | {"projection": whole["projection"] | {"key": wrong}})


def test_a_file_of_another_kind_is_refused(path):
    for content in (b"", b"{}", b"PK\x03\x04", os.urandom(1000)):
        path.write_bytes(content)
        with pytest.raises(FileFormatError):
            FuzzyDict.load(path)
    with pytest.raises(FileFormatError):
        FuzzyDict.load(archive_of_brown())
    write_arrays(path, {}, {"format": "another", "version": "1"}, checked=True)
    with pytest.raises(FileFormatError, match="another"):
        FuzzyDict.load(path)


def test_a_file_that_is_not_there_is_an_os_error(path):
    with pytest.raises(FileNotFoundError):
        FuzzyDict.load(path)
    with pytest.raises(FileNotFoundError):
        FuzzyDict(CAR).save(path / "no" / "folder")


# Processes.


def saves(d, path, started):
    started.set()
    while True:
        d["turn"] += 1
        d.save(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.slow
def test_a_process_that_is_killed_leaves_the_old_file_or_the_new_one(path):
    d = FuzzyDict({"turn": 0, **{f"key {i}": i for i in range(500)}})
    d.save(path)
    begin = time.perf_counter()
    for _ in range(3):
        d.save(path)
    three = time.perf_counter() - begin
    rng, turns = random.Random(0), []
    fork = multiprocessing.get_context("fork")
    for _ in range(200):
        started = fork.Event()
        child = fork.Process(target=saves, args=(d, path, started))
        child.start()
        assert started.wait(60)
        time.sleep(rng.uniform(0.0, three))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        found = FuzzyDict.load(path)
        assert len(found) == 501
        assert found["KEY_499"] == 499
        turns.append(found["turn"])
    assert max(turns) > 1


def asked(path, n):
    d = FuzzyDict.load(path)
    return [d.get(query) for query in QUERIES] * n


def test_eight_processes_share_one_file(path):
    d = FuzzyDict(CAR)
    d.save(path)
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        found = pool.starmap(asked, [(path, 2)] * 8)
    assert found == [[d.get(query) for query in QUERIES] * 2] * 8


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_finds_the_vectors_in_the_file(path, protocol, embedded):
    d = FuzzyDict(CAR)
    d.save(path)
    d["weight"] = 2
    data = pickle.dumps(d, protocol)
    embedded.clear()
    found = pickle.loads(data)
    assert found["colour"] == "red"
    assert embedded == ["weight"]
    assert copy.copy(found)["colour"] == "red"
    assert copy.deepcopy(found)["colour"] == "red"


@pytest.mark.parametrize("after", ["gone", "another", "damaged"])
def test_a_pickle_does_without_the_file(path, after):
    d = FuzzyDict(CAR)
    d.save(path)
    data = pickle.dumps(d)
    if after == "gone":
        path.unlink()
    elif after == "another":
        FuzzyDict({"shoe": 1}).save(path)
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert answers(pickle.loads(data)) == answers(d)


@pytest.mark.usefixtures("short_fits")
def test_what_is_learned_after_saving_goes_with_a_pickle(path):
    d = FuzzyDict(CAR)
    d.learn("old wish", "color")
    d.save(path)
    d.unlearn("old wish")
    d.learn("new wish", "price")
    found = pickle.loads(pickle.dumps(d))
    assert found["new wish"] == CAR["price"]
    assert found.corrections == {"new wish": "price"}
    assert answers(found, ["old wish", "new wish"]) == answers(d, ["old wish", "new wish"])
    e = FuzzyDict(falcon=1, otter=2, maple=3)
    e.save(path)
    assert e.fit(PAIRS * 2).fitted
    queries = [query for query, _ in PAIRS]
    assert answers(pickle.loads(pickle.dumps(e)), queries) == answers(e, queries)


class Never:
    def __call__(self, query, key):
        return False


def test_a_guard_without_a_name_goes_by_that_of_its_class(path):
    FuzzyDict(CAR, guards=[Never()]).save(path)
    with pytest.raises(FileFormatError, match="Never"):
        FuzzyDict.load(path)


@pytest.mark.usefixtures("short_fits")
def test_lessons_other_than_a_fit_leave_a_dictionary_its_file(path):
    d = FuzzyDict(falcon=1, otter=2, maple=3)
    d.save(path)
    d.learn("bird", "falcon")
    d.calibrate([("tree", "maple")])
    assert d._saved_as is not None
    assert d.fit(PAIRS * 2).fitted
    assert d._saved_as is None


def test_a_copy_of_a_loaded_dictionary_embeds_no_key(path, embedded):
    FuzzyDict(CAR).save(path)
    for made in (FuzzyDict.load(path).copy(), pickle.loads(pickle.dumps(FuzzyDict.load(path)))):
        embedded.clear()
        assert made["colour"] == "red"
        assert embedded == []


def test_a_deep_copy_copies_what_a_subclass_keeps_once():
    class Named(FuzzyDict):
        pass

    shared = ["red"]
    d = Named(color=shared)
    d.tags = shared
    found = copy.deepcopy(d)
    assert found.tags == ["red"]
    assert found.tags is found["color"]
    assert found.tags is not shared


def test_the_kind_of_index_is_kept_by_copies_and_files(path):
    d = FuzzyDict(CAR, index="exact")
    d.save(path)
    for each in (d, d.copy(), pickle.loads(pickle.dumps(d)), FuzzyDict.load(path)):
        assert each.get("colour") == CAR["color"]
        assert each.index == "exact"


def test_items_are_read_without_a_model(path, tmp_path):
    made = FuzzyDict(CAR, embedder=lambda texts: [[len(text), 1.0] for text in texts])
    made.save(path)
    assert FuzzyDict.load_items(path) == CAR
    assert type(FuzzyDict.load_items(path)) is dict
    days = FuzzyDict(sold=datetime.date(2024, 5, 1))
    days.save(path, encode=datetime.date.isoformat)
    assert FuzzyDict.load_items(path, decode=datetime.date.fromisoformat) == days
    with pytest.raises(FileFormatError, match="decode="):
        FuzzyDict.load_items(path)
    other = tmp_path / "other.safetensors"
    write_arrays(other, {"rows": np.zeros(1)}, {"format": "other"}, checked=True)
    with pytest.raises(FileFormatError, match="not a dictionary of this format"):
        FuzzyDict.load_items(other)
    arrays, metadata = read_arrays(path)
    del arrays["keys"]
    about = {name: metadata[name] for name in ("format", "version")}
    write_arrays(other, arrays, about, checked=True)
    with pytest.raises(FileFormatError, match="not a dictionary: KeyError"):
        FuzzyDict.load_items(other)


def test_what_an_older_version_learned_is_kept_but_for_fits():
    older = {
        "calibration": [1.5, 0.0, 1.0, 0.0],
        "lifted": {"color": ["off"]},
        "corrections": {"hue": "color"},
        "projection": {"grams": np.zeros(1, np.uint32)},
    }
    with pytest.warns(UserWarning, match="fit again"):
        taught = archive.learned(older)
    assert (taught.projection, taught.corrections) == (None, {"hue": "color"})
    assert taught.calibration.slope == 1.5


def test_a_file_of_the_first_format_loads_without_what_fit_learned(path):
    made = FuzzyDict(falcon="ana", otter="bob")
    assert made.fit(PAIRS).fitted
    made.save(path)
    arrays, _ = read_arrays(path, checked=True)
    about = archive.codec.loads(arrays["about"].tobytes())
    fitted = about["learned"]["projection"]
    del about["learned"]["lifted_guards"], fitted["examples"]
    learned_part = fitted["query"].shape[1] + 1
    tail = np.ones((len(arrays["rows.numbers"]), learned_part), np.int8)
    arrays["rows.numbers"] = np.hstack([arrays["rows.numbers"], tail])
    arrays["rows.scales"] = np.repeat(arrays["rows.scales"].reshape(-1, 1), 2, axis=1)
    arrays["about"] = np.frombuffer(archive.codec.dumps(about).encode(), np.uint8)
    first = {"format": "fuzzydict dictionary", "version": "1"}
    write_arrays(path, arrays, first, checked=True)
    with pytest.warns(UserWarning, match="fit again"):
        loaded = FuzzyDict.load(path)
    assert loaded == made
    assert loaded.get("Falcons") == "ana"
    assert "refund my invoice" not in loaded
