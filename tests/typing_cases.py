"""What type checkers must infer of the public names. Checked by tests/test_typing.py, never run."""

import datetime
from typing import Any

from typing_extensions import assert_type

from fuzzydict import FuzzyDict, Match, NoMatchError, resolve
from fuzzydict.projection import FitReport
from fuzzydict.tools import Call
from fuzzydict.values import Attention


def construction() -> None:
    pairs: list[tuple[str, float]] = [("color", 1.0)]
    assert_type(FuzzyDict({"color": 1.0}), FuzzyDict[str, float])
    assert_type(FuzzyDict(pairs), FuzzyDict[str, float])
    assert_type(FuzzyDict(pairs, cutoff=0.5, index="exact"), FuzzyDict[str, float])
    assert_type(FuzzyDict({1: "a", 2: "b"}), FuzzyDict[int, str])
    plain: dict[str, float] = FuzzyDict(pairs)
    plain.clear()


def reads(d: FuzzyDict[str, float]) -> None:
    assert_type(d["x"], float)
    assert_type(d.get("x"), float | None)
    assert_type(d.get("x", 0.5), float)
    assert_type(d.get("x", "none"), float | str)
    assert_type("x" in d, bool)
    assert_type(d.match("x"), Match | None)
    assert_type(d.matches("x", 3, cutoff=0.1), list[Match])
    assert_type(d.match_many(["x", "y"]), list[Match | None])
    assert_type(d.attend("x"), Attention)
    assert_type(d.attend(["x", "y"], temperature=0.5), list[Attention])
    assert_type(d.cutoff, float)
    for key, value in d.items():
        assert_type(key, str)
        assert_type(value, float)
    try:
        d["x"]
    except NoMatchError as error:
        assert_type(error.matches, tuple[Match, ...])


def writes(d: FuzzyDict[str, float]) -> None:
    d["x"] = 1.0
    assert_type(d.setdefault("x", 2.0), float)
    assert_type(d.popitem(), tuple[str, float])
    assert_type(d.copy(), FuzzyDict[str, float])
    d |= {"y": 2.0}
    d.update(z=3.0)
    d.cutoff = 0.9
    d.cutoff = None


def teaching(d: FuzzyDict[str, float]) -> None:
    assert_type(d.fit([("a", "x"), ("b", None)]), FitReport)
    d.learn("a", "x")
    d.learn("a", None)
    d.unlearn("a")
    d.calibrate([("a", "x")])
    assert_type(d.corrections, dict[str, Any])


def files(d: FuzzyDict[str, datetime.date]) -> None:
    d.save("path", encode=datetime.date.isoformat)
    assert_type(FuzzyDict.load("path", decode=datetime.date.fromisoformat), FuzzyDict[Any, Any])


def tools(schema: dict[str, Any]) -> None:
    call = resolve("getWeather", {"town": "Oslo"}, {"get_weather": schema})
    assert_type(call, Call)
    assert_type(call.arguments, dict[str, Any])
