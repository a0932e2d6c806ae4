"""Dask's tables give what pandas' do, on a real cluster of four processes."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import untraced

from fuzzydict import FuzzyDict, join

pd = pytest.importorskip("pandas")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")

KEYS = ["color", "top speed", "battery", "price", "weight"]
WRITTEN = ["colour", "velocity", None, "Battery", "prices", "parliament", "weights", "color"]
LEFT = pd.DataFrame({"x": WRITTEN * 25, "n": range(200)})
RIGHT = pd.DataFrame({"key": [*KEYS, "color", None], "v": range(7), "is": True})


class Letters:
    """Counts letters, and notes in a file which process was asked for how many texts."""

    def __init__(self, path):
        self.path = path

    def encode(self, texts):
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {len(texts)}\n")
        return np.array(
            [[text.count(letter) for letter in "abcdefghijklmnoprstuvwy"] for text in texts], float
        )

    def noted(self, least):
        """Return the process of each call for so many texts."""
        with open(self.path) as file:
            calls = [line.split() for line in file]
        return [process for process, texts in calls if int(texts) >= least]


@pytest.fixture(scope="module")
def cluster():
    """Four processes, which are gone afterwards."""
    options = {"n_workers": 4, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**options, processes=True) as four,
        distributed.Client(four) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 4
        yield client


def parts(table, n=8):
    return dd.from_pandas(table, npartitions=n)


def same(found, expected):
    """Assert that a Dask table is a pandas one, but for the numbers of its rows."""
    types = found.dtypes
    found = found.compute()
    assert dict(found.dtypes) == dict(types)
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected, check_dtype=False)


@pytest.mark.parametrize("how", ["left", "inner"])
def test_a_join_on_a_cluster_is_that_of_pandas(cluster, how):
    options = {"left_on": "x", "right_on": "key", "how": how}
    expected = join(LEFT, RIGHT, **options)
    assert expected["score"].notna().sum() > 150
    same(join(parts(LEFT), RIGHT, **options), expected)


@pytest.mark.parametrize("how", ["left", "inner"])
def test_types_are_told_before_the_rows_are_known(how):
    found = join(parts(LEFT), RIGHT, left_on="x", right_on="key", how=how)
    for part in found.to_delayed():
        assert dict(part.compute().dtypes) == dict(found.dtypes)
    assert found.dtypes["v"] == (float if how == "left" else int)


def test_a_joined_table_is_written_and_read(tmp_path):
    pytest.importorskip("pyarrow")
    right = RIGHT.drop(columns="is")
    join(parts(LEFT), right, left_on="x", right_on="key").to_parquet(tmp_path / "joined")
    expected = join(LEFT, right, left_on="x", right_on="key")
    found = pd.read_parquet(tmp_path / "joined").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_a_joined_table_claims_no_order(cluster):
    found = join(parts(LEFT), RIGHT, left_on="x", right_on="key")
    assert not found.known_divisions
    assert len(found[found["n"] == 199].compute()) == 2


def test_empty_parts_and_tables_are_joined():
    table = parts(LEFT)
    expected = join(LEFT.iloc[:30], RIGHT, left_on="x", right_on="key")
    same(join(table[table["n"] < 30], RIGHT, left_on="x", right_on="key"), expected)
    assert len(join(table[table["n"] < 0], RIGHT, left_on="x", right_on="key")) == 0
    alone = join(table, RIGHT.iloc[:0], left_on="x", right_on="key").compute()
    assert len(alone) == 200
    assert alone["score"].isna().all()


def test_each_process_embeds_the_keys_once_and_each_value_is_looked_up_once(cluster, tmp_path):
    letters = Letters(str(tmp_path / "calls"))
    left = pd.DataFrame({"x": [f"{i % 100}th thng" for i in range(4000)]})
    right = pd.DataFrame({"x": [f"{i}th thing" for i in range(300)]})
    options = {"on": "x", "embedder": letters, "cutoff": 0.0}
    found = join(parts(left, 20), right, **options).compute()
    calls = letters.noted(300)
    assert len(calls) == len(set(calls)) <= 4
    with open(letters.path) as file:
        texts = sum(int(line.split()[1]) for line in file)
    assert texts - 300 * len(calls) < 2 * 100 + 128 * 4  # the values, and samples of the keys
    assert found["x_right"].tolist() == join(left, right, **options)["x_right"].tolist()


def test_a_series_is_mapped_on_a_cluster_and_each_process_embeds_the_keys_once(cluster, tmp_path):
    letters = Letters(str(tmp_path / "calls"))
    d = FuzzyDict({f"{i}th thing": i for i in range(300)}, embedder=letters, cutoff=0.0)
    series = pd.Series([f"{i % 10}th thng" for i in range(400)])
    found = parts(series, 20).map(d, meta=("x", "int64")).compute()
    calls = letters.noted(300)
    assert len(calls) == len(set(calls)) <= 4
    assert found.tolist() == series.map(d).tolist() == [i % 10 for i in range(400)]


def test_a_series_is_mapped_by_get_where_something_may_fit_nothing(cluster):
    d = FuzzyDict({key: key.upper() for key in KEYS})
    found = parts(LEFT)["x"].map(d.get, meta=("x", "object")).compute()
    expected = LEFT["x"].map(d.get)
    assert found.astype(object).where(found.notna(), None).tolist() == (
        expected.astype(object).where(expected.notna(), None).tolist()
    )


@pytest.mark.usefixtures("short_fits")
def test_dictionaries_of_the_same_items_are_told_apart():
    from dask.base import tokenize

    d = FuzzyDict({"color": 1})
    assert tokenize(d) == tokenize(d.copy()) == tokenize(FuzzyDict({"color": 1}))
    taught = d.copy()
    taught.learn("zzz", "color")
    others = [FuzzyDict(d, cutoff=1.0), FuzzyDict(d, embedder="brown"), FuzzyDict(d, guards=())]
    fitted = d.copy()
    fitted.fit([("zzz", "color"), ("a hue", "color"), ("weather", None), ("rain", None)] * 4)
    others += [taught, fitted, FuzzyDict({"color": 2}), {"color": 1}]
    assert len({tokenize(each) for each in [d, *others]}) == 8
    for each in others[:-1]:
        assert tokenize(each) == tokenize(each.copy()) == tokenize(pickle.loads(pickle.dumps(each)))
    series = parts(pd.Series(["colour"]), 1)
    one, other = (series.map(each.get, meta=("x", object)) for each in (d, others[0]))
    assert one.compute().iloc[0] == 1
    assert pd.isna(other.compute().iloc[0])


def test_what_parts_cannot_be_joined_by_is_told():
    with pytest.raises(ValueError, match="a Dask table is joined by left or inner, not 'outer'"):
        join(parts(LEFT), RIGHT, left_on="x", right_on="key", how="outer")
    with pytest.raises(
        TypeError, match=r"must be a pandas DataFrame, got dask\..*; convert it with \.compute\(\)"
    ):
        join(parts(LEFT), parts(RIGHT), left_on="x", right_on="key")
    with pytest.raises(TypeError, match=r"must be a pandas or Dask DataFrame, got dask\..*Series"):
        join(parts(LEFT)["x"], RIGHT, left_on="x", right_on="key")
    with pytest.raises(ValueError, match="the left table has no column 'y'"):
        join(parts(LEFT), RIGHT, left_on="y", right_on="key")
    for value, dtype in ((1, "int64"), (pd.Timestamp("2020-01-01"), "datetime64"), ("a", "str")):
        left = parts(pd.DataFrame({"x": [value]}), 1)
        right = pd.DataFrame({"key": [1 if dtype == "str" else "1"]})
        with pytest.raises(ValueError, match=f"the left column 'x' has dtype {dtype}"):
            join(left, right, left_on="x", right_on="key")
    mixed = parts(pd.DataFrame({"x": pd.Categorical([1])}), 1)
    assert (
        join(mixed, right.astype(str), left_on="x", right_on="key").compute()["score"].isna().all()
    )


def test_the_benchmark_runs_and_finds_no_difference():
    script = Path(__file__).parent / "benchmarks" / "dask_join.py"
    sizes = ["--rows", "3000", "--values", "200", "--keys", "50", "--parts", "6"]
    done = subprocess.run(
        [sys.executable, str(script), *sizes, "--processes", "2"],
        capture_output=True, text=True, env=untraced(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3,000 rows" in done.stdout
    assert "; 0 differ" in done.stdout
