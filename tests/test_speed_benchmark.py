"""The speed benchmark runs and tells what it measured. No figure is judged: machines differ."""

import importlib.util
import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import untraced

_PATH = Path(__file__).parent / "benchmarks" / "speed.py"
_SPEC = importlib.util.spec_from_file_location("speed", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
speed: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["speed"] = speed  # its dataclasses look their module up
_SPEC.loader.exec_module(speed)


def test_every_row_has_its_line_and_every_file_is_written(tmp_path: Path) -> None:
    command = [sys.executable, str(_PATH), "--sizes", "20", "--turns", "1", "--million", "40"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)],
        capture_output=True, text=True, timeout=300, env=untraced(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "speed.json").read_text("utf-8"))
    assert {each["row"] for each in report["figures"]} == set(speed.ROWS)
    for each in report["figures"]:
        assert each["note"].startswith("not there") or math.isfinite(each["ratio"])
    text = (tmp_path / "speed.md").read_text("utf-8")
    assert text.strip() == done.stdout.strip()
    assert text.count("\n|") == len(report["figures"]) + 1
    measured = {(each["system"], each["keys"]) for each in report["costs"]}
    assert {("exact index", 20), ("exact index", 40), ("difflib", 40)} <= measured
    assert all(each[name] > 0 for each in report["costs"] for name in speed.PANELS)
    pytest.importorskip("matplotlib", reason="the plot is optional")
    assert (tmp_path / "cost.png").stat().st_size > 10_000


def test_ratios_are_those_of_the_turns() -> None:
    made = speed.figure("x", "y", 1.5, speed.Turns([2.0, 9.0, 3.0], [1.0, 3.0, 3.0]))
    assert (made.ratio, made.least, made.most, made.met) == (2.0, 1.0, 3.0, False)
    assert speed.figure("x", "y", 2.0, speed.allowed([1.0], 0.5)).met


def test_no_query_comes_twice_and_none_is_a_key() -> None:
    texts = speed.Texts(0, [])
    keys = texts.keys(50)
    queries = texts.queries(keys)
    asked = [next(queries) for _ in range(500)]
    assert len({*asked, *keys}) == 550
    assert speed.Texts(0, []).keys(60)[:50] == keys


def test_a_misspelled_text_is_near() -> None:
    rng = random.Random(0)
    for text in ("a", "colour", "parliament house"):
        for _ in range(50):
            assert abs(len(speed.misspelled(text, rng)) - len(text)) <= 2


def test_frames_of_python_are_counted() -> None:
    assert speed.python_frames(lambda: {}.get(1)) == 0
    assert speed.python_frames(lambda: speed.amount(1.0)) >= 1


def test_amounts_are_written_with_their_unit() -> None:
    assert [speed.amount(value) for value in (1.5, 0.002, 3e-6, 4e-9)] == [
        "1.5 s",
        "2 ms",
        "3 µs",
        "4 ns",
    ]
    assert [speed.amount(value, "B") for value in (1310.2, 9.5)] == ["1,310 B", "9.5 B"]
    assert speed.amount(math.nan) == "-"
