"""The benchmark's figures, against cases whose answers can be worked out by hand, and its sets."""

import importlib.util
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_PATH = Path(__file__).parent / "benchmarks" / "quality.py"
_SPEC = importlib.util.spec_from_file_location("quality", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
quality: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(quality)

NONE = -math.inf


def arrays(*answers: tuple[float, int, int]) -> tuple[Any, Any, Any]:
    """Return scores, right and answerable of (score, right, answerable) rows."""
    scores, right, answerable = np.array(answers, float).T
    return scores, right.astype(bool), answerable.astype(bool)


MIXED = arrays((0.9, 1, 1), (0.8, 0, 0), (0.7, 1, 1), (0.6, 0, 1), (0.5, 0, 0))


def test_the_curve_goes_from_silence_to_every_answer() -> None:
    rights, wrongs, silences = quality.curve(*MIXED)
    assert rights.tolist() == [0, 1, 1, 2, 2, 2]
    assert wrongs.tolist() == [0, 0, 1, 1, 2, 3]
    assert silences.tolist() == [2, 2, 1, 1, 1, 0]


def test_answers_of_one_score_are_given_together() -> None:
    rights, wrongs, silences = quality.curve(*arrays((0.5, 1, 1), (0.5, 0, 0), (0.5, 1, 1)))
    assert (rights.tolist(), wrongs.tolist(), silences.tolist()) == ([0, 2], [0, 1], [1, 0])


def test_no_cutoff_gives_an_answer_that_is_not_there() -> None:
    rights, wrongs, silences = quality.curve(*arrays((NONE, 0, 0), (NONE, 0, 1)))
    assert (rights.tolist(), wrongs.tolist(), silences.tolist()) == ([0], [0], [1])


def test_the_best_total_counts_right_answers_and_right_silences() -> None:
    assert quality.best_total(*MIXED) == 3 / 5  # at 0.9: one answer and two silences
    assert quality.best_total(*arrays((0.3, 0, 0), (0.2, 0, 0))) == 1
    assert quality.best_total(*arrays((0.3, 1, 1), (0.2, 0, 1))) == 1 / 2


def test_recall_is_the_best_under_the_allowed_share_of_wrong_answers() -> None:
    assert quality.recall_at(0.0, *MIXED) == 1 / 3
    assert quality.recall_at(0.2, *MIXED) == 2 / 3
    fifty = [(1 - row / 100, 1, 1) for row in range(48)]
    assert quality.recall_at(0.02, *arrays((1.0, 0, 0), *fifty, (0.0, 0, 1))) == 48 / 49
    assert quality.recall_at(0.02, *arrays((1.0, 0, 0), *fifty[:-1])) == 0  # 1 of 48 is too much


def test_a_calibrated_score_has_no_calibration_error() -> None:
    scores, right = np.array([0.75] * 4 + [1.0]), np.array([1, 1, 1, 0, 1], bool)
    assert quality.calibration_error(scores, right) == 0
    assert quality.calibration_error(np.array([0.9, 0.9]), np.array([1, 0], bool)) == (
        pytest.approx(0.4)
    )


def test_errors_of_one_bin_even_out_and_those_of_two_bins_add_up() -> None:
    right = np.array([1, 0], bool)
    assert quality.calibration_error(np.array([0.52, 0.58]), right) == pytest.approx(0.05)
    assert quality.calibration_error(np.array([0.7, 0.2]), right) == pytest.approx(0.25)
    assert math.isnan(quality.calibration_error(np.array([NONE]), np.array([False])))


def system(answers: dict[str, tuple[str | None, float]]) -> Any:
    return quality.System("fake", lambda keys: answers.__getitem__, 0.5)


def task(*lookups: tuple[str, set[str]], keys: str = "abc") -> Any:
    of = tuple(quality.Lookup(query, frozenset(right)) for query, right in lookups)
    return quality.Task("letters", tuple(keys), of)


def test_the_figures_of_a_whole_run() -> None:
    tasks = [task(("x", {"a", "b"}), ("y", {"b"}), ("z", set())), task(("w", set()), ("v", {"c"}))]
    answers = quality.run(
        system(
            {"x": ("b", 0.9), "y": ("c", 0.6), "z": (None, NONE), "w": ("a", 0.7), "v": ("c", 0.1)}
        ),
        tasks,
    )
    judged = quality.figures(answers, 0.5)
    assert (judged.queries, judged.hit) == (5, 2 / 3)
    assert (judged.right, judged.wrong, judged.missed, judged.total) == (0.2, 0.4, 0.4, 0.4)
    assert (judged.best_total, judged.recall) == (0.6, 1 / 3)
    assert judged.milliseconds >= 0
    assert math.isnan(quality.figures(answers).right)
    one = quality.figures(answers, 0.5, np.array([True, False, False, False, False]))
    assert (one.queries, one.hit, one.right) == (1, 1.0, 1.0)


def test_a_query_that_is_a_key_is_answered_without_the_system() -> None:
    answers = quality.run(system({}), [task(("a", {"a"}))])
    assert (answers.keys, answers.scores.tolist()) == (["a"], [1.0])


def test_a_set_of_silences_has_no_hits() -> None:
    answers = quality.run(system({"x": ("a", 0.4)}), [task(("x", set()))])
    judged = quality.figures(answers, 0.5)
    assert math.isnan(judged.hit)
    assert math.isnan(judged.recall)
    assert (judged.missed, judged.opposite) == (1.0, 0.0)


def test_one_dictionary_holds_all_right_keys_and_asks_for_none_of_them() -> None:
    pairs = [("teh", "the"), ("thier", "their"), ("thier", "there"), ("the", "thee")]
    made = quality.one_dictionary("typos", pairs, random.Random(0))
    assert set(made.keys) == {"the", "their", "there", "thee"}
    assert {(of.query, of.right) for of in made.lookups} == {
        ("teh", frozenset({"the"})),
        ("thier", frozenset({"their", "there"})),
    }
    assert len(quality.one_dictionary("typos", pairs, random.Random(0), sample=1).lookups) <= 1


def test_any_key_that_is_paired_with_a_query_is_its_synonym() -> None:
    pairs = [("big", "large"), ("huge", "big"), ("tiny", "small"), ("big", "great")]
    (made,) = quality.synonyms(pairs, random.Random(0), size=4)
    assert set(made.keys) == {"large", "big", "small", "great"}
    assert {(of.query, of.right) for of in made.lookups} == {
        ("huge", frozenset({"big"})),
        ("tiny", frozenset({"small"})),
    }
    made = [quality.synonyms(pairs, random.Random(seed), size=2) for seed in range(9)]
    right = {of.right for tasks in made for one in tasks for of in one.lookups if of.query == "big"}
    assert right == {frozenset({"large"}), frozenset({"great"}), frozenset({"large", "great"})}


def test_a_dictionary_of_opposites_holds_one_opposite_and_nothing_related() -> None:
    pairs = [("big", "small"), ("large", "small"), ("hot", "cold"), ("on", "off")]
    made = quality.opposites(pairs, random.Random(0), unrelated=3)
    assert len(made) == 8
    (one,) = (each for each in made if each.name == "big")
    assert len(one.keys) == 4
    assert "small" in one.keys
    assert "large" not in one.keys
    assert (one.lookups[0].right, one.lookups[0].opposite) == (frozenset(), "small")
    answers = quality.run(
        quality.System("s", lambda keys: lambda query: ("small", 0.4), 0.5), [one]
    )
    judged = quality.figures(answers, 0.5)
    assert (judged.opposite, judged.opposite_given) == (1.0, 0.0)


def test_scenes_are_read_and_checked(tmp_path: Path) -> None:
    lookups = [["color", "colour", "variant"], ["x", None, "none"], ["hue", ["colour"], "synonym"]]
    scene = {"name": "paint", "keys": ["colour", "size"], "lookups": lookups}
    path = tmp_path / "paint.json"
    path.write_text(json.dumps(scene), "utf-8")
    (made,) = quality.load_scenes(tmp_path)
    assert [len(of.right) for of in made.lookups] == [1, 0, 1]
    lookups.append(["x", "sise", "typo"])
    path.write_text(json.dumps(scene), "utf-8")
    with pytest.raises(ValueError, match=r"paint\.json: 'sise'"):
        quality.load_scenes(tmp_path)


def test_the_same_seed_draws_the_same_sets(tmp_path: Path) -> None:
    rows = [f"qwery{row}\tquery{row}\n" for row in range(600)]
    (tmp_path / "inflections.tsv").write_text("".join(rows), "utf-8")
    one, same, other = (quality.load_sets(tmp_path, tmp_path, seed=seed) for seed in (0, 0, 1))
    assert one == same != other
    assert list(one) == ["inflections", "own"]
    assert len(one["inflections"][0].lookups) == 500


def test_string_peers_find_the_key_whatever_the_case() -> None:
    resolve = quality.difflib_ratio().open(("Apple", "Pear"))
    assert resolve("APPEL") == ("Apple", pytest.approx(0.8))
    pytest.importorskip("rapidfuzz", reason="the peer is optional")
    for name in ("ratio", "WRatio", "Jaro-Winkler"):
        key, score = quality.rapidfuzz_scorer(name).open(("Apple", "Pear"))("APPEL")
        assert key == "Apple"
        assert 0.7 < score < 1


def test_a_cosine_needs_a_vector() -> None:
    table = {"a": [1.0, 0.0], "b": [0.0, 2.0], "c": [3.0, 4.0], "?": [0.0, 0.0]}
    resolve = quality.cosine("x", lambda texts: np.array([table[t] for t in texts])).open("ab")
    assert resolve("c") == ("b", pytest.approx(0.8))
    assert resolve("?") == (None, NONE)


def test_the_kept_scenes_stay_shut_unless_asked_for() -> None:
    for arguments in (["--errors", "kept"], ["--only", "kept"]):
        with pytest.raises(SystemExit):
            quality.main(arguments)


def test_tables_are_markdown_and_mark_the_best() -> None:
    answers = quality.run(system({"x": ("a", 0.9)}), [task(("x", {"a"}))])
    text = quality.table({"letters": {"fake": quality.figures(answers, 0.5)}})
    header, line, row = text.splitlines()
    assert len(header) == len(line) == len(row)
    assert "| **1.000** |" in row
    assert "| wrong" in quality.errors(
        quality.run(system({"x": ("b", 0.9)}), [task(("x", {"a"}))]), 0.5
    )
    assert "letters" in quality.detail({"fake": answers}, 0.5, ["letters"])
