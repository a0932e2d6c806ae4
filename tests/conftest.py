"""What several tests share: the dictionary of a car, and embedders that cost nothing."""

import importlib.util
import os
import shutil
import string

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.learning import fit as fitting

# gensim has no wheels for the newest Python.
HAS_GENSIM = importlib.util.find_spec("gensim") is not None
collect_ignore = [] if HAS_GENSIM else ["test_training.py", "test_training_vectors.py"]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium. A test that uses it is skipped where Playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def count_letters(texts):
    """Embed texts by how often each letter is in them: small, fast and predictable."""
    letters = string.ascii_lowercase
    return np.array([[text.lower().count(letter) for letter in letters] for text in texts], float)


def check_that_reads_agree(d, query, ns=(1, 2, 3, 15, 16, 17, 40, 64, 65)):
    """Assert that all reads of a query give the same answer, with any number of keys."""
    ranked = d.matches(query, 100, cutoff=0.0)
    scores = [match.score for match in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len({match.key for match in ranked}) == len(ranked)
    assert d.match(query, cutoff=0.0) == (ranked[0] if ranked else None)
    match = d.match(query)
    assert match == next((best for best in ranked[:1] if best.score >= d.cutoff), None)
    for n in ns:
        assert d.matches(query, n, cutoff=0.0) == ranked[:n]
        assert d.matches(query, n) == [each for each in ranked[:n] if each.score >= d.cutoff]
    assert (query in d) is (match is not None)
    assert d.get(query, "?") == d.get_many([query, "x"], "?")[0] == (match.value if match else "?")
    if match is not None:
        assert d[query] == match.value
    for cutoff, expected in ((None, match), (0.0, ranked[0] if ranked else None)):
        together, *_ = d.match_many([query, "another", "and another"], cutoff=cutoff)
        assert (together and together[:2]) == (expected and expected[:2])
        assert together is None or together.score == pytest.approx(expected.score, abs=1e-6)
    if query not in list(d):
        weights = d.attend(query, null_key=True).weights
        for each in ranked[: len(weights)]:
            assert weights[each.key] == pytest.approx(each.score, abs=1e-6)
    assert d.explain(query).answer == match


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
    monkeypatch.setattr(fitting, "_STEPS", 20)


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


# Files whose tests start servers, processes, compilers or trainings.
SLOW = frozenset([
    "test_dask.py", "test_dict_conformance.py", "test_forking.py", "test_fuzzy_mappings.py",
    "test_imports.py", "test_learning_benchmarks.py", "test_missing_extension.py",
    "test_play_page.py", "test_postgres.py", "test_postgres_benchmark.py", "test_quality.py",
    "test_recipes.py", "test_sharing.py", "test_speed_benchmark.py", "test_state_machine.py",
    "test_threads.py", "test_training.py", "test_training_vectors.py", "test_typing.py",
])  # fmt: skip


def pytest_collection_modifyitems(items):
    """Mark the tests of slow files as slow."""
    for item in items:
        if item.path.name in SLOW:
            item.add_marker("slow")
