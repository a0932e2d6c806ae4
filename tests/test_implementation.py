"""The choice between the native and the reference implementation."""

import subprocess
import sys

import pytest
from conftest import untraced

from fuzzydict import implementation
from fuzzydict.implementation import PerformanceWarning, warn_if_slow

needs_native = pytest.mark.skipif(
    implementation.native is None, reason="the native implementation is missing"
)
MISSING = "import sys; sys.modules['fuzzydict._native'] = None\n"
SHOW = "from fuzzydict import implementation; print(implementation.native is not None)"


def run(program, choice=None):
    """Run a program in a fresh interpreter with a choice in the environment."""
    env = {name: value for name, value in untraced().items() if "FUZZYDICT_IMPL" not in name}
    if choice is not None:
        env["FUZZYDICT_IMPLEMENTATION"] = choice
    return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)


@needs_native
@pytest.mark.parametrize("choice", [None, "", "native", "reference"])
def test_the_environment_selects_the_implementation(choice):
    assert run(SHOW, choice).stdout.strip() == str(choice != "reference")


@pytest.mark.parametrize("choice", [None, "reference"])
def test_the_reference_implementation_is_used_where_nothing_is_compiled(choice):
    assert run(MISSING + SHOW, choice).stdout.strip() == "False"


@pytest.mark.parametrize(
    ("choice", "message"),
    [("native", "is not compiled. Install a C"), ("fast", "must be 'native' or 'reference'")],
)
def test_an_impossible_choice_is_an_import_error(choice, message):
    done = run(MISSING + SHOW, choice)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: FUZZYDICT_IMPLEMENTATION")
    assert message in last


def test_the_choice_without_a_process(monkeypatch):
    assert implementation._select("reference") is None
    with pytest.raises(ImportError, match="must be 'native' or 'reference', got 'quick'"):
        implementation._select("quick")
    monkeypatch.setitem(sys.modules, "fuzzydict._native", None)
    monkeypatch.delattr("fuzzydict._native", raising=False)
    assert implementation._select(None) is None
    with pytest.raises(ImportError, match="the native implementation is not compiled"):
        implementation._select("native")


def test_a_missing_implementation_is_reported_once_where_the_package_is_called(monkeypatch):
    monkeypatch.setattr(implementation, "_may_warn", True)
    package = {"__name__": "fuzzydict.reading", "warn_if_slow": warn_if_slow}
    exec("def read():\n    warn_if_slow()\ndef read_twice():\n    read()\n    read()", package)
    with pytest.warns(PerformanceWarning, match="Install a C\\+\\+ compiler") as caught:
        package["read_twice"]()
    assert [each.filename for each in caught] == [__file__]


def test_a_native_implementation_causes_no_warning(monkeypatch):
    monkeypatch.setattr(implementation, "_may_warn", False)
    warn_if_slow()
