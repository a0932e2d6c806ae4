"""What type checkers must infer of the public names. Checked by tests/test_typing.py, never run."""

import datetime
from typing import Any

from typing_extensions import assert_type

from fuzzydict import FuzzyDict, Match, NoMatchError, join, resolve
from fuzzydict.integrations.tool_calls import Call
from fuzzydict.learning.fit import FitReport
from fuzzydict.results import Attention


def construction() -> None:
    pairs: list[tuple[str, float]] = [("color", 1.0)]
    assert_type(FuzzyDict({"color": 1.0}), FuzzyDict[str, float])
    assert_type(FuzzyDict(pairs), FuzzyDict[str, float])
    assert_type(FuzzyDict(pairs, cutoff=0.5, index="exact"), FuzzyDict[str, float])
    assert_type(FuzzyDict({1: "a", 2: "b"}), FuzzyDict[int, str])
    assert_type(FuzzyDict({"a": 1}), FuzzyDict[str, int])
    listed: FuzzyDict[str, int] = FuzzyDict([("a", 1)])  # pyright infers literals, as for dict
    assert_type(listed, FuzzyDict[str, int])
    assert_type(FuzzyDict(a=1), FuzzyDict[str, int])
    assert_type(FuzzyDict(a=1, cutoff=0.5), FuzzyDict[str, int])
    assert_type(FuzzyDict({"a": 1}, b=2, guards=[]), FuzzyDict[str, int])
    assert_type(FuzzyDict([("a", 1)], b=2), FuzzyDict[str, int])
    empty: FuzzyDict[str, int] = FuzzyDict()
    assert_type(empty, FuzzyDict[str, int])
    strict: FuzzyDict[str, int] = FuzzyDict(cutoff=1.0)
    assert_type(strict, FuzzyDict[str, int])
    FuzzyDict({"a": 1}, index="exat")  # type: ignore[call-overload]  # pyright: ignore
    FuzzyDict({1: "a"}, b="c")  # type: ignore[arg-type]  # pyright: ignore
    plain: dict[str, float] = FuzzyDict(pairs)
    plain.clear()


def reads(d: FuzzyDict[str, float]) -> None:
    assert_type(d["x"], float)
    assert_type(d.get("x"), float | None)
    assert_type(d.get("x", 0.5), float)
    assert_type(d.get("x", "none"), float | str)
    assert_type("x" in d, bool)
    assert_type(d.match("x"), Match[str, float] | None)
    assert_type(d.matches("x", 3, cutoff=0.1), list[Match[str, float]])
    assert_type(d.match_many(["x", "y"], progress=False), list[Match[str, float] | None])
    for found in d.matches("x"):
        assert_type(found.key, str)
        assert_type(found.value, float)
        _, value, score = found
        assert_type(value, float)
        assert_type(score, float)
        matches(found, found)
    assert_type(d.attend("x"), Attention)
    assert_type(d.attend(["x", "y"], temperature=0.5), list[Attention])
    assert_type(d.cutoff, float)
    for key, value in d.items():
        assert_type(key, str)
        assert_type(value, float)
    try:
        d["x"]
    except NoMatchError as error:
        assert_type(error.matches, tuple[Match[Any, Any], ...])


def matches(unspecified: Match, wider: Match[object, float | None]) -> None:
    assert_type(unspecified.value, Any)
    assert_type(wider.key, object)


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


def tables(left: Any, right: Any) -> None:
    join(left, right, "name", how="inner", index="approximate", progress=True)
    join(left, right, "name", how="innner")  # type: ignore[arg-type]  # pyright: ignore
