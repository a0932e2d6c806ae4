"""Where the native extension is missing, users are told once; a setting chooses explicitly."""

import os
import subprocess
import sys

import pytest

from fuzzydict import FuzzyDict, implementation

MISSING = "import sys; sys.modules['fuzzydict._native'] = None\n"


def run(code, setting):
    """Run code in a fresh interpreter with a value of FUZZYDICT_IMPLEMENTATION, or without one."""
    env = {name: value for name, value in os.environ.items() if name != "FUZZYDICT_IMPLEMENTATION"}
    if setting is not None:
        env["FUZZYDICT_IMPLEMENTATION"] = setting
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_a_missing_extension_is_reported_once_where_the_package_is_called(monkeypatch):
    monkeypatch.setattr(implementation, "_may_warn", True)
    monkeypatch.setattr(implementation, "native", None)
    dictionaries = [FuzzyDict({"color": "red"}) for _ in range(2)]
    with pytest.warns(implementation.PerformanceWarning, match=r"Install a C\+\+") as caught:
        assert [d.get("colour") for d in dictionaries] == ["red", "red"]
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.parametrize("setting", [None, "reference"])
def test_where_the_extension_is_missing_the_first_fuzzy_read_warns(setting):
    code = (
        MISSING
        + """
from fuzzydict import FuzzyDict
d = FuzzyDict({"color": "red"})
assert d["color"] == "red"
print("exact", file=sys.stderr)
for _ in range(3):
    assert d["colour"] == FuzzyDict(d)["colours"] == "red"
"""
    )
    done = run(code, setting)
    assert done.returncode == 0, done.stderr
    before, after = done.stderr.split("exact\n")
    assert "PerformanceWarning" not in before
    assert after.count("<string>:8: PerformanceWarning: ") == (setting is None)
    assert after.count("PerformanceWarning") == (setting is None)


def test_an_implementation_can_be_required(monkeypatch):
    done = run(MISSING + "import fuzzydict", "native")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr or "ImportError" in done.stderr
    with pytest.raises(ValueError, match="must be native or reference, got 'fast'"):
        implementation._select("fast")
    assert implementation._select("reference") is None
    monkeypatch.setitem(sys.modules, "fuzzydict._native", None)
    monkeypatch.delattr("fuzzydict._native", raising=False)
    assert implementation._select("") is None
    with pytest.raises(ImportError):
        implementation._select("native")
