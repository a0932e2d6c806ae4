"""The speed benchmark runs and reports what it measured. Times are not checked: machines differ."""

# ruff: noqa: E402 - the modules of the benchmark are in a folder of their own

import json
import math
import random
import shutil
import subprocess
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pytest
from conftest import untraced

FOLDER = Path(__file__).parent / "benchmarks"
sys.path.append(str(FOLDER))

import speed
import speed_processes
import speed_rows
import speed_texts
import speed_timing
import speed_workers

WORDS = ["color", "speed", "top speed", "battery", "price", "weight", "maker", "door", "range"]
NATURAL = [*WORDS, *(f"{word} of the {other}" for word in WORDS for other in WORDS)]


@pytest.fixture
def texts():
    return speed_texts.Texts(NATURAL, {"color": ["hue", "tint"]})


@pytest.fixture
def options(tmp_path, texts, monkeypatch):
    for name in {*speed_processes.os.environ} - {*untraced()}:
        monkeypatch.delenv(name)
    texts.write(tmp_path / "texts.json")
    return speed_rows.Options(
        keys=20,
        million=30,
        turns=1,
        seed=0,
        cores=speed_processes.idle_cores()[:2],
        baseline="",
        texts=str(tmp_path / "texts.json"),
    )


@pytest.mark.parametrize("row", [*speed_rows.ROWS])
def test_every_row_has_figures_or_says_what_it_needs(row, options):
    if row == "postgres":  # which has a benchmark of its own
        with pytest.raises(speed_processes.NotMeasuredError, match="--baseline"):
            next(speed_rows.measure(row, asdict(options)))
        return
    try:
        (figures,) = speed_rows.measure(row, asdict(options))
    except speed_processes.NotMeasuredError as error:
        pytest.skip(str(error))
    assert figures
    for each in figures:
        assert each["row"] == row
        assert math.isfinite(each["ratio"])
        assert each["turns"] >= 1


def test_the_command_writes_a_table_a_report_and_a_plot(tmp_path):
    command = [sys.executable, str(FOLDER / "speed.py"), "--only", "hit,million,cost"]
    done = subprocess.run(
        [*command, "--keys", "10", "--turns", "1", "--out", str(tmp_path)],
        capture_output=True, text=True, timeout=300, env=untraced(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "speed.json").read_text("utf-8"))
    hit, million = report["figures"]
    assert hit["ratio"] > 0
    assert million["ratio"] is None
    assert million["note"].startswith("not measured")
    text = (tmp_path / "speed.md").read_text("utf-8")
    assert text.strip() == done.stdout.strip()
    measured = {(each["system"], each["keys"]) for each in report["costs"]}
    assert {("FuzzyDict", 10), ("difflib", 10)} <= measured
    assert all(each["query"] > 0 for each in report["costs"])
    pytest.importorskip("matplotlib", reason="the plot is optional")
    assert (tmp_path / "cost.png").stat().st_size > 10_000


def test_a_row_that_fails_is_reported_and_the_others_are_measured(options, capfd):
    broken = speed_rows.Options(**asdict(options) | {"texts": "missing.json"})
    first, second = speed.run(["hit", "writes"], broken)
    assert first.note.startswith("failed")
    assert second.note.startswith("failed")
    assert "missing.json" in capfd.readouterr().err


def test_a_process_that_ends_early_is_an_error_and_not_a_hang(options):
    broken = speed_processes.Installation(shutil.which("false"))
    arguments = "dict", options.texts, 0, 10, 1
    with (
        speed_processes.worker(
            speed_workers.query_cost, *arguments, cores=options.cores[:1], installation=broken
        ) as turn,
        pytest.raises(speed_processes.WorkerError, match="query_cost"),
    ):
        turn()


def test_a_baseline_is_an_interpreter_or_a_folder(tmp_path):
    assert speed_processes.Installation.at("python3").python == "python3"
    older = speed_processes.Installation.at(str(tmp_path))
    assert older.python == sys.executable
    environment = older.environment(2)
    assert environment["PYTHONPATH"].startswith(str(tmp_path))
    assert environment["FUZZYDICT_THREADS"] == "2"


def test_ratios_are_those_of_the_turns():
    made = speed_timing.figure("x", "y", 1.5, speed_timing.Turns([2.0, 9.0, 3.0], [1.0, 3.0, 3.0]))
    assert (made.ratio, made.least, made.most, made.met) == (2.0, 1.0, 3.0, False)
    assert speed_timing.figure("x", "y", 2.0, speed_timing.allowed([1.0], 0.5)).met
    assert speed_timing.figure("x", "y", math.nan, speed_timing.allowed([1.0], 0.5)).met is None


def test_no_query_comes_twice_and_none_is_a_key(texts):
    keys = texts.keys(50)
    queries = [*islice(texts.queries(keys), 400), *islice(texts.misspelled(keys, {*keys}), 100)]
    assert len({*queries, *keys}) == 550
    assert "hue" in queries or "color" not in keys


def test_keys_are_the_same_in_every_process(texts, tmp_path):
    texts.write(tmp_path / "texts.json")
    first, second = (speed_texts.Texts.read(tmp_path / "texts.json", 7) for _ in range(2))
    first.keys(40)
    assert first.keys(300) == second.keys(300)
    assert first.keys(300)[:50] == second.keys(50)
    assert len({*first.keys(300)}) == 300


def test_texts_are_found_where_wordnet_is_missing(monkeypatch):
    monkeypatch.setattr(speed_texts, "_wordnet", dict)
    notes = []
    assert "color" in speed_texts.Texts.load(0, notes).unused(0)
    assert "WordNet" in notes[0]


def test_a_misspelled_text_is_near():
    rng = random.Random(0)
    for text in ("a", "colour", "parliament house"):
        for _ in range(50):
            assert abs(len(speed_texts.misspelled(text, rng)) - len(text)) <= 2


def test_frames_of_python_are_counted():
    assert speed_timing.python_frames(lambda: {}.get(1)) == 0
    assert speed_timing.python_frames(lambda: speed_timing.amount(1.0)) >= 1


def test_amounts_have_a_readable_unit():
    amounts = [speed_timing.amount(value) for value in (1.5, 0.002, 3e-6, 4e-9)]
    assert amounts == ["1.5 s", "2 ms", "3 µs", "4 ns"]
    assert [speed_timing.amount(value, "B") for value in (1310.2, 9.5)] == ["1,310 B", "9.5 B"]
    assert speed_timing.amount(math.nan) == "-"
