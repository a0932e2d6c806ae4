"""Imports point one way, and what only training needs is loaded only there."""

import pkgutil
import subprocess
import sys

import pytest

import fuzzydict

HEAVY = ["gensim", "scipy", "nltk", "pandas", "dask", "matplotlib", "sklearn", "torch"]
MODULES = ["fuzzydict"] + [
    module.name
    for module in pkgutil.walk_packages(fuzzydict.__path__, "fuzzydict.")
    if not module.name.endswith("__main__")
]


def run(program):
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", MODULES)
def test_each_module_imports_alone(module):
    run(f"import {module}")


def test_importing_and_looking_up_loads_nothing_that_only_training_needs():
    assert (
        run(
            "import sys\n"
            "from fuzzydict import FuzzyDict\n"
            "assert FuzzyDict(color='red')['colour'] == 'red'\n"
            f"print([name for name in {HEAVY} if name in sys.modules])"
        )
        == "[]"
    )


def test_importing_reads_no_model():
    assert (
        run(
            "import sys, fuzzydict\n"
            "d = fuzzydict.FuzzyDict(color='red')\n"
            "assert d['color'] == 'red'\n"
            "print(sys.modules['fuzzydict.embedders']._MODELS.loaded)"
        )
        == "{}"
    )


def test_a_dictionary_answers_from_any_folder(tmp_path):
    program = "from fuzzydict import FuzzyDict; print(FuzzyDict(color='red')['colour'])"
    path = str(next(iter(fuzzydict.__path__)) + "/..")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {program}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "red", done.stderr


def test_the_public_names_are_few():
    names = ["FuzzyDict", "Match", "NoMatchError", "join", "resolve"]
    assert sorted(fuzzydict.__all__) == names
    for name in fuzzydict.__all__:
        assert getattr(fuzzydict, name).__doc__


def test_lower_modules_do_not_know_of_higher_ones():
    order = ["storage", "text", "spelling", "guards", "index", "embedders", "matching", "mapping"]
    for place, lower in enumerate(order):
        loaded = run(
            f"import sys, types; package = types.ModuleType('fuzzydict')\n"
            f"package.__path__ = {list(fuzzydict.__path__)!r}\n"
            f"sys.modules['fuzzydict'] = package; import fuzzydict.{lower}\n"
            "print(*[name for name in sys.modules if name.startswith('fuzzydict.')])"
        ).split()
        assert not [name for name in order[place + 1 :] if f"fuzzydict.{name}" in loaded]
