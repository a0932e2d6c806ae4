"""The shipped model keeps its figures: those of `benchmarks/quality.py`, a little below them."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
quality = pytest.importorskip("quality")
tool_calls = pytest.importorskip("tool_calls")
public_tool_calls = pytest.importorskip("public_tool_calls")

pytestmark = pytest.mark.no_cover  # thousands of lookups, which go where those of other tests go
EVAL = Path(os.environ.get("FUZZYDICT_EVAL", quality.ROOT.parent / "shared" / "eval"))


@pytest.fixture(scope="module")
def library():
    return quality.this_library()


def judged(library, tasks):
    return quality.figures(quality.run(library, tasks), library.cutoff)


def test_scenes_of_real_use(library):
    figures = judged(library, quality.load_scenes(quality.SCENES))
    assert figures.hit >= 0.945
    assert figures.best_total >= 0.89
    assert figures.recall >= 0.80
    assert figures.wrong < 0.02


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("misspellings", 0.985),
        ("british_american", 0.995),
        ("inflections", 0.985),
        ("countries", 0.966),
        ("commands", 0.865),
    ],
)
def test_public_lookups(library, name, least):
    tasks = quality.load_sets(EVAL).get(name)
    if tasks is None:
        pytest.skip(f"{EVAL} does not hold {name}.tsv")
    assert judged(library, tasks).hit >= least


def test_opposites_are_not_answered(library):
    tasks = quality.load_sets(EVAL).get("opposites")
    if tasks is None:
        pytest.skip(f"{EVAL} does not hold opposites.tsv")
    assert judged(library, tasks).opposite_given <= 0.003


def test_lookups_after_bug_reports(library):
    tasks = quality.load_sets(EVAL).get("reports")
    if tasks is None:
        pytest.skip(f"{EVAL} does not hold reports.jsonl")
    figures = judged(library, tasks)
    assert figures.total >= 0.92
    assert figures.wrong <= 0.03
    assert figures.sure_wrong <= 0.005
    assert figures.calibration_error <= 0.04


def test_own_lookups(library):
    figures = judged(library, quality.load_reports(quality.OWN_LOOKUPS))
    assert figures.total >= 0.93
    assert figures.wrong <= 0.025


def test_near_miss_tool_calls():
    found = Counter(outcome.name for outcome in tool_calls.outcomes())
    assert found["executed"] == found["confused"] == 0
    assert found["refused"] == 200
    assert found["corrected"] >= 85


def test_near_miss_calls_of_public_tools():
    found = public_tool_calls.outcomes(public_tool_calls.by_fuzzydict())
    results = Counter(result for _, result in found)
    assert results["wrong"] == 0
    assert results["refused"] == 396
    assert results["repaired"] >= 320
    by_difflib = public_tool_calls.by_names(public_tool_calls.by_difflib(0.8))
    assert Counter(result for _, result in public_tool_calls.outcomes(by_difflib))["wrong"] > 100
