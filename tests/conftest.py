"""What several tests share: the dictionary of a car, and embedders that cost nothing."""

import importlib.util
import os
import shutil
import string

import numpy as np
import pytest

from fuzzydict import FuzzyDict, compiled, projection

# gensim has no wheels for the newest Python.
HAS_GENSIM = importlib.util.find_spec("gensim") is not None
collect_ignore = [] if HAS_GENSIM else ["test_training.py", "test_training_vectors.py"]


def count_letters(texts):
    """Embed texts by how often each letter is in them: small, fast and predictable."""
    letters = string.ascii_lowercase
    return np.array([[text.lower().count(letter) for letter in letters] for text in texts], float)


def untraced():
    """Return the environment for a child that covers nothing new: to trace one takes long."""
    return {name: value for name, value in os.environ.items() if "COVERAGE" not in name}


class CountingEmbedder:
    """Counts letters, and keeps every text that it was asked to embed."""

    def __init__(self):
        self.texts = []

    def encode(self, texts):
        self.texts.extend(texts)
        return count_letters(texts)


@pytest.fixture(scope="module", params=["compiled", "in Python"])
def each_way(request):
    """Run the tests of a module with the compiled loops, and with their twins."""
    if request.param == "compiled" and compiled.loops is None:
        pytest.skip("the loops are not compiled here")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "in Python":
            patch.setattr(compiled, "loops", None)
        yield


@pytest.fixture
def car():
    return FuzzyDict({"color": "red", "top speed": 250, "battery": "80 kWh", "price": 49_000})


@pytest.fixture
def letters():
    return count_letters


@pytest.fixture
def counting():
    return CountingEmbedder()


@pytest.fixture
def short_fits(monkeypatch):
    """Let a fit be over soon: for tests of what comes of it, not of how well it learns."""
    monkeypatch.setattr(projection, "_STEPS", 100)


@pytest.fixture(scope="session")
def binaries():
    """Return where the programs of PostgreSQL are."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    from postgres_server import find_binaries, make_folder

    folder = make_folder()
    try:
        yield find_binaries(folder)
    except LookupError as error:
        pytest.skip(str(error))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(binaries):
    """Return a PostgreSQL server; many tests share it."""
    from postgres_server import Server, make_folder

    folder = make_folder()
    server = Server.create(binaries, folder / "data", fsync="off", max_connections="200")
    yield server
    server.stop()
    shutil.rmtree(folder)
