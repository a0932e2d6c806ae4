"""Progress bars: in terminals and notebooks, unless they are turned off."""

import io
import sys
import types

import pytest

from fuzzydict import FuzzyDict, join

QUERIES = [f"colour {i}" for i in range(150)]


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.fixture
def redirected(monkeypatch):
    """Return a function that replaces standard error, for bars that are shown without a delay."""
    monkeypatch.setattr("fuzzydict.progress._DELAY", 0.0)
    monkeypatch.delenv("FUZZYDICT_PROGRESS", raising=False)

    def redirect(*, terminal):
        monkeypatch.setattr(sys, "stderr", stream := Stream(terminal))
        return stream

    return redirect


@pytest.fixture
def small(letters):
    return FuzzyDict(color=1, price=2, embedder=letters)


def test_a_terminal_shows_bars_unless_they_are_turned_off(small, redirected):
    stderr = redirected(terminal=True)
    small.get_many(QUERIES, progress=False)
    small.match_many(QUERIES, progress=False)
    assert stderr.getvalue() == ""
    small.get_many(QUERIES)
    assert "lookups" in stderr.getvalue()


def test_elsewhere_bars_are_shown_on_demand_only(small, redirected):
    stderr = redirected(terminal=False)
    small.get_many(QUERIES)
    small.match_many(QUERIES)
    assert stderr.getvalue() == ""
    small.match_many(QUERIES, progress=True)
    assert "lookups" in stderr.getvalue()


def test_the_environment_turns_bars_off(small, redirected, monkeypatch):
    stderr = redirected(terminal=True)
    monkeypatch.setenv("FUZZYDICT_PROGRESS", "0")
    small.get_many(QUERIES)
    assert stderr.getvalue() == ""
    small.get_many(QUERIES, progress=True)
    assert "lookups" in stderr.getvalue()


def test_the_environment_turns_bars_on(small, redirected, monkeypatch):
    stderr = redirected(terminal=False)
    monkeypatch.setenv("FUZZYDICT_PROGRESS", "1")
    small.get_many(QUERIES, progress=False)
    assert stderr.getvalue() == ""
    small.get_many(QUERIES)
    assert "lookups" in stderr.getvalue()


def test_a_choice_holds_for_the_embedding_of_keys_and_for_one_call(redirected, letters):
    stderr = redirected(terminal=True)

    def made():
        return FuzzyDict.fromkeys(QUERIES) | FuzzyDict(embedder=letters)

    made().get_many(["color"], progress=False)
    assert stderr.getvalue() == ""
    made().get_many(["color"])
    assert "keys" in stderr.getvalue()


def test_a_fit_shows_bars_unless_they_are_turned_off(small, redirected):
    stderr = redirected(terminal=True)
    pairs = [("hue", "color"), ("cost", "price"), ("tint", "color"), ("fee", "price")]
    small.fit(pairs, progress=False)
    assert stderr.getvalue() == ""
    small.fit(pairs)
    assert "fit" in stderr.getvalue()


def test_a_join_shows_bars_unless_they_are_turned_off(redirected, letters):
    stderr = redirected(terminal=True)
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    left, right = pandas.DataFrame({"name": QUERIES}), pandas.DataFrame({"name": ["color"]})
    join(left, right, "name", embedder=letters, progress=False)
    assert stderr.getvalue() == ""
    join(left, right, "name", embedder=letters)
    assert "lookups" in stderr.getvalue()


def test_a_notebook_without_widgets_shows_bars_of_text_and_no_warning(
    small, redirected, monkeypatch
):
    stderr = redirected(terminal=False)
    from tqdm import notebook

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(notebook, "IProgress", None)
    small.get_many(QUERIES, progress=False)
    assert stderr.getvalue() == ""
    small.get_many(QUERIES)
    assert "lookups" in stderr.getvalue()
    ipython.get_ipython = lambda: None  # imported, but not in a kernel
    stderr.truncate(0)
    small.get_many(QUERIES)
    assert stderr.getvalue() == ""
