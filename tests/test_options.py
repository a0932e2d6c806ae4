"""Options of a wrong type or value: one line that says what is accepted, when they are passed."""

import numpy as np
import pytest

from fuzzydict import FuzzyDict, join, resolve
from fuzzydict.integrations.tool_calls import Tools
from fuzzydict.model.embedders import WordEmbedder

PROBABILITY = "must be a number from 0 to 1"
GUARDS = "guards must be a list or tuple of functions"
EMBEDDER = "embedder must be the name of a model, a callable"
INDEX = 'index must be "auto", "exact" or "approximate"'

WRONG = [
    ({"cutoff": "high"}, TypeError, f"cutoff {PROBABILITY}, got 'high'"),
    ({"cutoff": True}, TypeError, f"cutoff {PROBABILITY}, got True"),
    ({"cutoff": [0.5]}, TypeError, f"cutoff {PROBABILITY}, got "),
    ({"cutoff": float("nan")}, ValueError, f"cutoff {PROBABILITY}, got nan"),
    ({"cutoff": 2}, ValueError, f"cutoff {PROBABILITY}, got 2"),
    ({"guards": None}, TypeError, f"{GUARDS} ([] for no guards), got None"),
    ({"guards": [1]}, TypeError, f"{GUARDS} ([] for no guards), got 1 among them"),
    ({"guards": "opposites"}, TypeError, f"{GUARDS} ([] for no guards), got 'o' among them"),
    ({"guards": lambda query, key: False}, TypeError, "got a single function: pass it in a list"),
    ({"embedder": 3}, TypeError, EMBEDDER),
    ({"embedder": WordEmbedder}, TypeError, "must be an instance, got the class WordEmbedder"),
    ({"embedder": "no such model"}, FileNotFoundError, "no model 'no such model'"),
]
WRONG_INDEX = [
    ({"index": 3}, ValueError, f"{INDEX}, got 3"),
    ({"index": None}, ValueError, f"{INDEX}, got None"),
    ({"index": ["exact"]}, ValueError, f"{INDEX}, got ['exact']"),
]


def refused(kind, message, call, *args, **options):
    with pytest.raises(kind) as caught:
        call(*args, **options)
    assert type(caught.value) is kind
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("options", "kind", "message"), WRONG + WRONG_INDEX)
def test_a_wrong_option_is_refused_at_construction(options, kind, message):
    refused(kind, message, FuzzyDict, {"a": 1}, **options)
    if "index" not in options:  # tools are few
        refused(kind, message, Tools, {"a": {}}, **options)
        refused(kind, message, resolve, "a", {}, {"a": {}}, **options)


@pytest.mark.parametrize(("options", "kind", "message"), WRONG + WRONG_INDEX)
def test_a_join_refuses_a_wrong_option(options, kind, message):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.DataFrame({"name": ["a"]})
    refused(kind, message, join, table, table, "name", **options)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        *WRONG,
        ({"partitions": "2"}, TypeError, "partitions must be an integer of at least 1, got '2'"),
        ({"partitions": 0}, ValueError, "partitions must be at least 1, got 0"),
        ({"pool_size": 2.5}, TypeError, "pool_size must be an integer of at least 1, got 2.5"),
        ({"pool_size": 0}, ValueError, "pool_size must be at least 1, got 0"),
        ({"timeout": "long"}, TypeError, "timeout must be a positive finite number, got 'long'"),
        ({"timeout": -1}, ValueError, "timeout must be a positive finite number, got -1"),
        ({"dsn": 5432}, TypeError, "dsn must be a connection string of libpq, got 5432"),
        ({"name": None}, TypeError, "name must be a string, got None"),
    ],
)
def test_a_dictionary_on_a_server_refuses_a_wrong_option_before_it_connects(options, kind, message):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    from fuzzydict.postgres import PostgresFuzzyDict

    nowhere = {"dsn": "host=127.0.0.1 port=1", "name": "cars"}
    refused(kind, message, PostgresFuzzyDict, **{**nowhere, **options})


@pytest.mark.parametrize("suffixes", [None, "ab", ("_left",)])
def test_a_join_refuses_suffixes_that_are_no_pair(suffixes):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.DataFrame({"name": ["a"]})
    refused(TypeError, "suffixes must be a pair", join, table, table, "name", suffixes=suffixes)


def test_an_option_that_does_not_exist_is_refused_for_tools():
    with pytest.raises(TypeError, match="cutof"):
        Tools({"a": {}}, cutof=0.5)


@pytest.mark.parametrize("n", ["3", 2.0, None])
def test_n_is_an_integer(car, n):
    message = f"n must be an integer of at least 1, got {n!r}"
    refused(TypeError, message, car.matches, "colour", n)
    refused(TypeError, message, car.explain, "colour", n)
    if n is not None:
        refused(TypeError, message, car.attend, "colour", n=n)


@pytest.mark.parametrize("temperature", ["hot", True, [1]])
def test_a_temperature_is_a_number(car, temperature):
    message = "temperature must be a positive finite number, got "
    refused(TypeError, message, car.attend, "colour", temperature=temperature)


def test_reads_refuse_a_cutoff_that_is_no_number(car):
    message = f"cutoff {PROBABILITY}, got 'high'"
    refused(TypeError, message, car.match, "colour", cutoff="high")
    refused(TypeError, message, car.matches, "colour", cutoff="high")
    refused(TypeError, message, car.match_many, ["colour"], cutoff="high")
    refused(TypeError, message, setattr, car, "cutoff", "high")


def test_numbers_of_numpy_are_numbers(car, tmp_path):
    d = FuzzyDict(car, cutoff=np.float32(0.5))
    assert d.cutoff == 0.5
    assert len(d.matches("colour", np.int64(2), cutoff=np.float64(0))) == 2
    d.attend("colour", temperature=np.float32(0.5), n=np.int64(2))
    d.save(tmp_path / "d.fuzzydict")
    assert FuzzyDict.load(tmp_path / "d.fuzzydict").cutoff == 0.5
