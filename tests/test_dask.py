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
from fuzzydict.integrations import dask as dask_tokens

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


def test_exact_columns_and_a_dictionary_on_the_right_are_those_of_pandas():
    left, right = LEFT.assign(even=LEFT["n"] % 2), RIGHT.assign(even=[0, 1, 0, 1, 0, 1, 0])
    options = {"left_on": "x", "right_on": "key", "exact": ["even"], "cutoff": 0.5}
    expected = join(left, right, **options)
    assert 0 < expected["score"].notna().sum() < 150
    same(join(parts(left), right, **options), expected)
    d = FuzzyDict({"color": 1, "top speed": 2})
    d.learn("parliament", "color")
    same(join(parts(LEFT), d, "x"), join(LEFT, d, "x"))


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


TOKENS = """
import pickle
{first}
from fuzzydict import FuzzyDict

class Plain(FuzzyDict):
    pass

class Slotted(FuzzyDict):
    __slots__ = ("more",)

def letters(texts):
    return [[text.count(letter) for letter in "abcde"] + [1.0] for text in texts]

def other_letters(texts):
    return [[text.count(letter) for letter in "vwxyz"] + [1.0] for text in texts]

def never(query, key):
    return False

def made(kind=FuzzyDict, *, learn=(), calibrate=(), unset=(), more=(), **options):
    d = kind({{"color": 1, "hue": 2}}, **options)
    for pair in learn:
        d.learn(*pair)
    if calibrate:
        d.calibrate(calibrate)
    for name, value in more:
        setattr(d, name, value)
    return d

made_of = [
    {{}}, {{"cutoff": 1.0}}, {{"cutoff": 0.5}}, {{"embedder": "brown"}}, {{"embedder": letters}},
    {{"embedder": other_letters}}, {{"guards": ()}}, {{"guards": [never]}}, {{"index": "exact"}},
    {{"index": "approximate"}}, {{"learn": [("zzz", "hue")]}}, {{"learn": [("zzz", "color")]}},
    {{"learn": [("zzz", None)]}}, {{"calibrate": [("colour", "color"), ("shoe", None)]}},
    {{"kind": Plain}}, {{"kind": Slotted}}, {{"kind": Plain, "more": [("title", "a")]}},
    {{"kind": Plain, "more": [("title", "b")]}}, {{"kind": Slotted, "more": [("more", "a")]}},
    {{"kind": Slotted, "more": [("more", "b")]}}, {{"kind": Plain, "cutoff": 0.5}},
]
all_of_them = [made(**options) for options in made_of]
again = [made(**options) for options in made_of]
loop = FuzzyDict({{"color": 1}})
loop["self"] = loop
import dask
from dask.base import tokenize

tokens = [tokenize(d) for d in all_of_them]
assert len(set(tokens)) == len(tokens), [tokens.index(token) for token in tokens]
assert tokenize({{"color": 1, "hue": 2}}) not in tokens
assert [tokenize(d) for d in again] == tokens
for d in all_of_them:
    if d.cutoff < 1:
        d.get("huue"), d.get("something else")
    assert d.stats()
assert [tokenize(d) for d in all_of_them] == tokens
assert [tokenize(d.copy()) for d in all_of_them] == tokens
assert [tokenize(pickle.loads(pickle.dumps(d))) for d in all_of_them] == tokens
assert len({{tokenize(d.get) for d in all_of_them}}) == len(tokens)
assert tokenize(loop) == tokenize(loop) != tokenize(made())
print(*tokens)
"""


def test_tokens_tell_dictionaries_apart_whether_dask_is_imported_before_or_after_them():
    found = []
    for first in ("", "import dask.base", "import fuzzydict; import dask.dataframe"):
        done = subprocess.run(
            [sys.executable, "-c", TOKENS.format(first=first)],
            capture_output=True, text=True, env=untraced() | {"PYTHONHASHSEED": str(len(found))},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.split())
    named = [0, 1, 2, 3, 6, 8, 9, 10, 11, 12, 13]  # those of no function or class of the program
    assert len({tuple(tokens[i] for i in named) for tokens in found}) == 1


def test_dask_is_not_imported_and_no_hook_stays():
    program = (
        "import sys, fuzzydict; fuzzydict.FuzzyDict(color=1)\n"
        "hooks = lambda: [type(hook).__module__ for hook in sys.meta_path]\n"
        "assert 'dask' not in sys.modules and hooks().count('fuzzydict.integrations.dask') == 1\n"
        "import dask.base; assert 'fuzzydict.integrations.dask' not in hooks()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_class_that_is_registered_after_dask_was_imported_has_its_token():
    from dask.base import tokenize

    class Labelled(dict):
        def __dask_tokenize__(self):
            return self.label

    dask_tokens.register(Labelled)
    one, two = Labelled(), Labelled()
    one.label, two.label = "a", "b"
    assert tokenize(one) != tokenize(two)


def test_the_token_of_a_model_of_words_is_that_of_its_content():
    from dask.base import tokenize

    from fuzzydict.model.embedders import WordEmbedder

    def model(vectors, words=("red", "blue")):
        return WordEmbedder(list(words), vectors)

    vectors = np.eye(2, dtype=np.float32)
    d = FuzzyDict({"red": 1}, embedder=model(vectors), cutoff=0.5)
    before = tokenize(d)
    d.get("redd"), d.get("blue red"), d.get("unheard of")
    assert (
        tokenize(d) == before == tokenize(FuzzyDict(dict(d), embedder=model(vectors), cutoff=0.5))
    )
    for other in (model(vectors[::-1]), model(vectors, ("red", "green"))):
        assert tokenize(FuzzyDict(dict(d), embedder=other, cutoff=0.5)) != before


@pytest.mark.usefixtures("short_fits")
def test_a_fit_changes_the_token_in_the_same_way_each_time():
    from dask.base import tokenize

    pairs = [("pay my invoice", "falcon"), ("see the crash", "otter"), ("what a day", None)] * 4

    def fitted():
        d = FuzzyDict(falcon=1, otter=2)
        assert d.fit(pairs).fitted
        return d

    assert tokenize(fitted()) == tokenize(fitted()) != tokenize(FuzzyDict(falcon=1, otter=2))


def test_what_parts_cannot_be_joined_by_is_told():
    with pytest.raises(ValueError, match="how must be left or inner for a Dask table, got 'outer'"):
        join(parts(LEFT), RIGHT, left_on="x", right_on="key", how="outer")
    with pytest.raises(
        TypeError,
        match=r"must be a table of pandas, .*, got dask\..*; convert it with \.compute\(\)",
    ):
        join(parts(LEFT), parts(RIGHT), left_on="x", right_on="key")
    with pytest.raises(TypeError, match=r"the left table must be a table of .*, got .*Series"):
        join(parts(LEFT)["x"], RIGHT, left_on="x", right_on="key")
    for option in ("report", "one_to_one"):
        with pytest.raises(ValueError, match="report and one_to_one need a table that is in mem"):
            join(parts(LEFT), RIGHT, left_on="x", right_on="key", **{option: True})
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
