"""The model of a program: how it is chosen, who uses it, and what models say of themselves."""

import json
import subprocess
import sys

import numpy as np
import pytest

from fuzzydict import FuzzyDict, ModelChangedWarning, join, use_model
from fuzzydict.__main__ import main
from fuzzydict.model import choice
from fuzzydict.model.embedders import load, model_file, networks_for
from fuzzydict.model.files import SHIPPED, model_info
from fuzzydict.storage.arrays import FileFormatError, read_arrays, write_arrays


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setattr(choice, "_chosen", None)
    monkeypatch.delenv(choice.VARIABLE, raising=False)


def test_the_model_is_the_default_one_unless_another_is_chosen(monkeypatch):
    before = FuzzyDict(color=1)
    assert before.embedder.name == "default"
    monkeypatch.setenv("FUZZYDICT_MODEL", "brown")
    assert FuzzyDict(color=1).embedder.name == "brown"
    use_model("default")
    assert FuzzyDict(color=1).embedder.name == "default"
    use_model("brown")
    assert FuzzyDict(color=1).embedder.name == FuzzyDict.fromkeys("ab").embedder.name == "brown"
    assert FuzzyDict(color=1, embedder="default").embedder.name == "default"
    assert before.copy().embedder.name == "default"


def test_subclasses_that_do_not_call_init_use_it_too():
    class Lazy(FuzzyDict):
        def __init__(self):
            pass

    use_model("brown")
    assert Lazy().embedder.name == "brown"


def test_a_model_file_can_be_chosen(tmp_path):
    arrays, metadata = read_arrays(model_file("brown"))
    path = tmp_path / "my model.safetensors"
    write_arrays(path, arrays, metadata | {"name": "mine"})
    use_model(path)
    d = FuzzyDict(color=1)
    assert d.embedder.name == "mine"
    assert d["colors"] == 1


def test_a_model_that_is_not_there_is_an_error_at_once(monkeypatch):
    with pytest.raises(FileNotFoundError, match="no model 'huge': neither shipped, as default, "):
        use_model("huge")
    assert FuzzyDict().embedder.name == "default"
    monkeypatch.setenv("FUZZYDICT_MODEL", "huge")
    with pytest.raises(FileNotFoundError, match="FUZZYDICT_MODEL: no model 'huge'"):
        FuzzyDict()


def test_an_embedder_without_a_scorer_uses_that_of_the_chosen_model(letters):
    mine = FuzzyDict({"color": 1}, embedder=letters).embedder
    assert networks_for(mine) is load("default").score
    use_model("brown")
    assert networks_for(mine) is load("brown").score
    assert FuzzyDict({"color": 1}, embedder=letters)["colors"] == 1


def test_joins_use_it():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"color": ["red", "blue"]})
    use_model("brown")
    assert len(join(table, table, on="color")) == 2
    assert "open" not in repr(load("brown"))


def test_the_environment_chooses_it_for_a_whole_program():
    program = (
        "import os; os.environ['FUZZYDICT_MODEL'] = 'brown'\n"
        "from fuzzydict import FuzzyDict, use_model\n"
        "from fuzzydict.model.loading import _MODELS\n"
        "d = FuzzyDict(color='red'); print(d['colors'], list(_MODELS.loaded))\n"
        "d = FuzzyDict(d, embedder=lambda texts: [[len(text), 1] for text in texts])\n"
        "print(d['colors'], d.explain('colors').answer.key, list(_MODELS.loaded))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "red ['brown']\nred color ['brown']\n", done.stderr


# What models say of themselves.


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_model_says_what_it_is(name):
    info = model_info(name)
    table = load(name).table
    assert (info.name, info.words, info.dimension) == (name, len(table), table.dimension)
    assert info.size == model_file(name).stat().st_size
    assert info.licence != "unknown"
    assert info.sources != "unknown"


def test_a_file_of_another_kind_is_no_model(tmp_path):
    FuzzyDict(color=1).save(tmp_path / "d")
    with pytest.raises(FileFormatError, match="not a model of words"):
        model_info(tmp_path / "d")


def test_the_command_lists_models(capsys):
    assert main(["models", "default", "brown"]) == 0
    default, brown = capsys.readouterr().out.split("brown: ")
    assert default.startswith("default: ")
    assert "licence: " in default
    assert "sources: Brown (non-commercial use), WordNet 3.0" in default
    assert "sources: Brown (non-commercial use)" in brown
    assert main(["models", "huge"]) == 2
    assert capsys.readouterr().err.startswith("fuzzydict models: no model 'huge'")


def test_commands_take_a_model(tmp_path, capsys):
    path = tmp_path / "car.json"
    path.write_text('{"color": "red", "top speed": 250}')
    assert main(["lookup", str(path), "hue", "--model", "default"]) == 0
    assert main(["lookup", str(path), "hue", "--model", "brown"]) == 1
    assert main(["explain", str(path), "colors", "--model", "brown"]) == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["lookup", str(path), "hue", "--model", "huge"])
    assert "argument --model: no model 'huge'" in capsys.readouterr().err
    saved = tmp_path / "car.fuzzydict"
    FuzzyDict({"color": "red"}).save(saved)
    assert main(["lookup", str(saved), "colors"]) == 0
    with pytest.warns(ModelChangedWarning):
        assert main(["lookup", str(saved), "colors", "--model", "brown"]) == 0


def test_models_of_other_programs_and_older_versions_tell_what_they_can(tmp_path):
    path = tmp_path / "mine.safetensors"
    arrays, _ = read_arrays(model_file("brown"))
    write_arrays(path, arrays, {"format": "2", "licence": "MIT", "sources": "my text"})
    info = model_info(path)
    assert (info.name, info.licence, info.sources) == ("mine", "MIT", "my text")
    write_arrays(path, arrays, {"format": "1", "sources": "my text"})
    assert model_info(path).licence == "unknown"
    older = load(path)  # without the scorer, whose features were others
    assert older.score is None
    assert FuzzyDict({"color": 1}, embedder=older)["colors"] == 1
    path.write_bytes((4).to_bytes(8, "little") + b"{no}" + bytes(8))
    with pytest.raises(FileFormatError):
        model_info(path)


def test_a_strict_dictionary_has_no_other_cutoff(tmp_path):
    path = tmp_path / "car.fuzzydict"
    FuzzyDict({"color": 1}, strict=True).save(path)
    arrays, metadata = read_arrays(path, checked=True)
    metadata.pop("checksum", None)
    about = json.loads(arrays["about"].tobytes())
    about["options"]["cutoff"] = 0.5
    changed = np.frombuffer(json.dumps(about).encode(), np.uint8)
    kept = {name: metadata[name] for name in ("format", "version")}
    write_arrays(path, arrays | {"about": changed}, kept, checked=True)
    with pytest.raises(FileFormatError, match="strict is True with a cutoff of 0"):
        FuzzyDict.load(path)
