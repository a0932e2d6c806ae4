"""`join`, and dictionaries in methods of pandas."""

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

import fuzzydict
from fuzzydict import FuzzyDict, NoMatchError
from fuzzydict.joins.join import join

pd = pytest.importorskip("pandas")

LEFT = pd.DataFrame({"name": ["colour", "velocity", None, "price", "zzz"], "v": range(5)})
RIGHT = pd.DataFrame({"name": ["color", "top speed", "weight", "color", None], "w": list("abcde")})


def pairs(table):
    """Return the rows as (v, w), None for missing values."""
    both = table[["v", "w"]].astype(object)
    return sorted(map(tuple, both.where(both.notna(), None).to_numpy().tolist()), key=repr)


MATCHED = [(0, "a"), (0, "d"), (1, "b")]
ALONE_LEFT = [(2, None), (3, None), (4, None)]
ALONE_RIGHT = [(None, "c"), (None, "e")]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", MATCHED),
        ("left", MATCHED + ALONE_LEFT),
        ("right", MATCHED + ALONE_RIGHT),
        ("outer", MATCHED + ALONE_LEFT + ALONE_RIGHT),
    ],
)
def test_how_selects_the_rows(how, expected):
    joined = join(LEFT, RIGHT, on="name", how=how)
    assert pairs(joined) == sorted(expected, key=repr)
    assert list(joined.columns) == ["name", "v", "name_right", "w", "score"]
    assert joined["score"].notna().sum() == 3
    assert joined["score"].dropna().between(0.5, 1).all()


def test_a_left_join_keeps_the_order_of_the_left_table():
    assert join(LEFT, RIGHT, on="name")["v"].tolist() == [0, 0, 1, 2, 3, 4]


def test_join_does_not_change_the_tables():
    left, right = LEFT.copy(), RIGHT.copy()
    join(left, right, on="name", how="outer")
    pd.testing.assert_frame_equal(left, LEFT)
    pd.testing.assert_frame_equal(right, RIGHT)


def test_columns_may_have_other_names_and_other_types():
    left = pd.DataFrame({1: ["colour", 7, np.nan]})
    right = pd.DataFrame({0: ["color", 7.0], "x": [1, 2]}, dtype=object)
    joined = join(left, right, left_on=1, right_on=0, score="p")
    assert joined["x"].tolist()[:2] == [1, 2]
    assert joined["p"].iloc[1] == 1.0
    assert pd.isna(joined["p"].iloc[2])


def test_empty_tables_can_be_joined():
    assert len(join(LEFT.iloc[:0], RIGHT, on="name")) == 0
    assert join(LEFT, RIGHT.iloc[:0], on="name")["score"].isna().all()
    assert list(join(LEFT.iloc[:0], RIGHT.iloc[:0], on="name", how="outer").columns)[-1] == "score"


def test_options_are_those_of_the_dictionary():
    assert join(LEFT, RIGHT, on="name", cutoff=1.0, how="inner").empty
    strict = join(LEFT, RIGHT, on="name", embedder="brown", how="inner")
    assert "color" in strict["name_right"].tolist()


def test_suffixes_and_the_name_of_the_score_are_those_given():
    joined = join(LEFT, RIGHT, on="name", suffixes=("_l", "_r"), score="p")
    assert list(joined.columns) == ["name_l", "v", "name_r", "w", "p"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"on": "name", "how": "cross"},
            "how must be one of left, inner, right, outer, got 'cross'",
        ),
        ({}, "pass on=, or both left_on= and right_on="),
        ({"on": "name", "left_on": "name"}, "pass on=, or both left_on= and right_on="),
        ({"on": "x"}, r"the left table has no column 'x'; it has \['name', 'v'\]"),
        ({"left_on": "name"}, "pass on=, or both left_on= and right_on="),
        ({"on": "name", "score": "v"}, "the result would have two columns 'v'"),
        ({"on": "name", "suffixes": ("", "")}, "two columns 'name': pass other suffixes"),
    ],
)
def test_invalid_use_raises(options, message):
    with pytest.raises(ValueError, match=message):
        join(LEFT, RIGHT, **options)


def test_an_unknown_option_raises():
    with pytest.raises(TypeError, match="cutof"):
        join(LEFT, RIGHT, on="name", cutof=0.9)


def test_a_duplicate_column_raises():
    twice = pd.DataFrame([["colour", 1]], columns=["name", "name"])
    with pytest.raises(ValueError, match="the left table has two columns 'name'"):
        join(twice, RIGHT, on="name")


def test_an_argument_that_is_not_a_table_raises():
    with pytest.raises(
        TypeError, match=r"the left table must be a table of pandas, .*, got builtins.list$"
    ):
        join(["colour"], RIGHT, on="name")
    with pytest.raises(
        TypeError, match=r"the right table must be a table of pandas, .*, got builtins.dict$"
    ):
        join(LEFT, {"name": "color"}, on="name")


def test_tables_of_two_libraries_raise_with_a_conversion():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"name": ["color"]})
    with pytest.raises(TypeError, match=r"must be of one library, got pyarrow and pandas$"):
        join(table, RIGHT, on="name")
    with pytest.raises(TypeError, match=r"pandas and pyarrow; convert it with \.to_pandas\(\)$"):
        join(LEFT, table, on="name")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1, 2], ["1", "2"]),
        (["1", None], [1.5, None]),
        ([True], ["True"]),
        (pd.Series([1, None], dtype=object), ["1"]),
        (pd.to_datetime(["2020-01-01"]), ["2020-01-01"]),
        ([1], pd.to_datetime(["2020-01-01"])),
        (pd.Series([1, pd.NA], dtype="Int64"), pd.Series(["1"], dtype="category")),
    ],
)
def test_columns_whose_values_never_match_raise(left, right):
    one, other = pd.DataFrame({"x": left}), pd.DataFrame({"y": right})
    with pytest.raises(ValueError, match="dtype") as caught:
        join(one, other, left_on="x", right_on="y")
    for table, name in ((one, "x"), (other, "y")):
        assert f"column {name!r} has dtype {table[name].dtype}" in str(caught.value)
    assert ".astype('string')" in str(caught.value)
    found = join(one.astype("string"), other.astype("string"), left_on="x", right_on="y", cutoff=1)
    assert len(found) == len(one)


def test_columns_without_values_are_joined_to_any():
    nothing = pd.DataFrame({"x": [None, np.nan]})
    assert join(nothing, pd.DataFrame({"x": [1]}), on="x")["score"].isna().all()
    assert join(pd.DataFrame({"x": [1]}), nothing, on="x")["score"].isna().all()


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, Decimal("nan")])
def test_missing_values_never_match(missing):
    table = pd.DataFrame({"x": pd.Series([missing, "a"], dtype=object)})
    found = join(table, table, on="x")
    assert found["score"].isna().tolist() == [True, False]
    assert len(join(table, table, on="x", how="outer")) == 3


def test_names_of_columns_are_unique():
    left = LEFT.assign(score=1, name_right=2)
    joined = join(left, RIGHT.assign(score=3), on="name")
    assert list(joined.columns) == [
        "name", "v", "score", "name_right", "name_right_right", "w", "score_right", "score_2",
    ]  # fmt: skip
    assert joined["score"].eq(1).all()
    assert joined["score_2"].notna().sum() == 3
    again = join(joined, RIGHT, on="name")
    assert again.columns[-1] == "score_3"
    assert again.columns.is_unique
    with pytest.raises(
        ValueError, match="two columns 'score': pass other suffixes, or another sco"
    ):
        join(left, RIGHT, on="name", score="score")


def test_dtypes_are_unchanged_without_missing_values():
    left = LEFT.iloc[:2].assign(kind=pd.Categorical(["a", "b"]), day=pd.to_datetime("2020-01-01"))
    right = pd.DataFrame({"name": ["color", "top speed"], "n": [1, 2], "is": [True, False]})
    joined = join(left, right, on="name")
    for table in (left, right):
        for name in set(table) - {"name"}:
            assert joined[name].dtype == table[name].dtype
    missed = join(LEFT, right, on="name")
    assert missed["n"].dtype == float
    assert missed["v"].dtype == LEFT["v"].dtype


def test_keys_of_any_type_are_joined():
    day = pd.Timestamp("2020-01-01")
    for values in (
        pd.Series(["colour", "colour", "price"], dtype="category"),
        pd.Series(["colour", None, "price"], dtype="string"),
        pd.Series(["colour", ("a", 1), day], dtype=object),
        pd.Series([day, pd.NaT, day]),
        pd.Series([1, 2, pd.NA], dtype="Int64"),
        pd.Series([1.5, np.nan, 2]),
    ):
        left = pd.DataFrame({"x": values})
        right = pd.DataFrame({"x": ["color", "prices", ("a", 1), day, 1, 1.5]})
        joined = join(left, right, on="x")
        partners = {"colour": "color", "price": "prices"}
        for value, partner in zip(left["x"], joined["x_right"], strict=True):
            if pd.isna(partner):
                assert value is pd.NA or pd.isna(value) or value == 2
            else:
                assert partner == partners.get(value, value)


def test_the_result_has_a_new_index():
    joined = join(LEFT.set_axis(list("vwxyz")), RIGHT.set_index("w", drop=False), on="name")
    assert joined.index.equals(pd.RangeIndex(6))
    assert joined["w"].tolist()[:3] == ["a", "d", "b"]


def test_an_outer_join_ends_with_the_unmatched_right_rows():
    joined = join(LEFT, RIGHT, on="name", how="outer")
    assert joined["v"].tolist()[:6] == [0, 0, 1, 2, 3, 4]
    assert joined["w"].tolist()[6:] == ["c", "e"]


def test_columns_whose_names_are_numbers_keep_them():
    joined = join(pd.DataFrame({0: ["colour"]}), pd.DataFrame({0: ["color"]}), on=0)
    assert list(joined.columns) == [0, "0_right", "score"]


def test_each_value_is_looked_up_once(counting):
    left = pd.DataFrame({"name": ["colour", "colour", "velocity"] * 100})
    join(left, RIGHT, on="name", embedder=counting)
    assert counting.texts.count("colour") == 1


def test_join_is_a_name_of_the_package_and_pandas_is_loaded_by_it_alone():
    assert fuzzydict.join is join
    with pytest.raises(AttributeError, match="nothing"):
        fuzzydict.nothing  # noqa: B018
    program = "import sys, fuzzydict; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_join_of_polars_without_narwhals_names_what_to_install(monkeypatch):
    polars = pytest.importorskip("polars")
    monkeypatch.setitem(sys.modules, "narwhals", None)
    table = polars.DataFrame({"name": ["color"]})
    with pytest.raises(ImportError, match=r"pip install 'fuzzydict-attention\[frames\]'"):
        join(table, table, on="name")


# What a join returns.


def names(n, seed=0):
    """Return distinct names of companies, as (right, left) spellings."""
    random = np.random.default_rng(seed)
    syllables = [c + v + end for c in "bdfgklmnprstvz" for v in "aeiou" for end in ("", "n", "l")]
    sectors = ["Foods", "Energy", "Software", "Mining", "Airlines", "Motors"]
    found = {}
    while len(found) < n:
        word = "".join(random.choice(syllables, 3)).title()
        sector = random.choice(sectors)
        found[f"{word} {sector} Inc."] = f"{word.upper()} {sector}, Incorporated"
    return list(found.items())


@pytest.fixture(scope="module")
def companies():
    """Two tables of 120 companies, of which 40 are in both."""
    both = names(200)
    left = pd.DataFrame({"x": [one for _, one in both[:120]]})
    right = pd.DataFrame({"x": [other for other, _ in both[80:]]})
    return left, right, {one: other for other, one in both}


def test_the_precision_holds_when_most_rows_have_no_partner(companies):
    left, right, partner = companies
    joined, report = join(left, right, "x", how="inner", report=True)
    assert (joined["x"].map(partner) == joined["x_right"]).mean() > 0.9
    assert len(joined) > 30
    assert 0.2 < report.match_rate < 0.5
    assert report.precision >= 0.95
    assert report.recall > 0.7
    assert joined["score"].min() == report.cutoff


def test_a_lower_precision_returns_more_rows(companies):
    left, right, _ = companies
    few, more, all_of_them = (
        join(left, right, "x", how="inner", **options)
        for options in ({"precision": 0.99}, {"precision": 0.5}, {"cutoff": 0.0})
    )
    assert len(few) <= len(more) <= len(all_of_them)
    assert len(few) < len(all_of_them)


def test_known_pairs_are_matched_and_shift_the_cutoff(companies):
    left, right, partner = companies
    known = [(one, partner[one]) for one in left["x"][80:100]] + [
        (one, None) for one in left["x"][:20]
    ]
    known.append((left["x"][30], right["x"][5]))
    joined, report = join(left, right, "x", pairs=known, report=True)
    assert joined["x_right"][:20].isna().all()
    assert (joined["x_right"][80:100] == joined["x"][80:100].map(partner)).all()
    assert joined["x_right"][30] == right["x"][5]
    assert joined["score"][30] == 1.0
    assert report.recall > 0.8
    assert join(left, right, "x", pairs=[("not there", "x")]).equals(join(left, right, "x"))


def test_several_matches_per_row_come_best_first():
    left = pd.DataFrame({"x": ["red apple juice"]})
    right = pd.DataFrame({"x": ["red apple juices", "red apple", "green tea"]})
    joined = join(left, right, "x", n=2, cutoff=0.0)
    assert joined["x_right"].tolist() == ["red apple juices", "red apple"]
    assert joined["score"].is_monotonic_decreasing
    assert len(join(left, right, "x", cutoff=0.0)) == 1


def test_one_to_one_gives_each_right_row_once():
    left = pd.DataFrame({"x": ["Acme Corp", "Acme Corporation", "Acme Corp", "Globex"]})
    right = pd.DataFrame({"x": ["Acme Corporation", "Acme Corp.", "Globex Inc"]})
    joined = join(left, right, "x", one_to_one=True, cutoff=0.0)
    assert joined["x_right"].isna().tolist() == [False, False, True, False]
    assert joined["x_right"].tolist()[:2] == ["Acme Corp.", "Acme Corporation"]
    assert not joined["x_right"].dropna().duplicated().any()
    twice = join(left, pd.concat([right, right]), "x", one_to_one=True, cutoff=0.0)
    assert len(twice) == 4
    assert twice["x_right"].notna().all()
    with pytest.raises(ValueError, match="one_to_one matches one value, but n is 2"):
        join(left, right, "x", one_to_one=True, n=2)


def test_exact_columns_must_be_equal_and_not_missing():
    left = pd.DataFrame({"x": ["colour", "colour", "colour", 7], "year": [1, 2, None, 1]})
    right = pd.DataFrame({"x": ["color", "colors", 7, 7], "year": [1, 2, 1, 2], "w": [5, 6, 7, 8]})
    joined = join(left, right, "x", exact=["year"], cutoff=0.3)
    assert joined["w"].tolist()[:2] == [5, 6]
    assert joined["w"].isna().tolist() == [False, False, True, False]
    assert joined["w"].tolist()[3] == 7
    with pytest.raises(ValueError, match="the right table has no column 'year'"):
        join(left, right[["x"]], "x", exact=["year"])


def test_a_dictionary_is_the_right_side_with_what_it_learned(tmp_path):
    d = FuzzyDict({"color": {"a": 1, "b": "x"}, "top speed": {"a": 2}, 7: {}})
    d.learn("zzz", "color")
    d.learn("colour", None)
    left = LEFT.iloc[[0, 1, 4]]
    joined = join(left, d, "name")
    assert list(joined.columns) == ["name", "v", "name_right", "a", "b", "score"]
    assert joined["name_right"].isna().tolist() == [True, False, False]
    assert joined["name_right"].tolist()[1:] == ["top speed", "color"]
    d.save(tmp_path / "saved")
    for path in (tmp_path / "saved", str(tmp_path / "saved")):
        assert join(left, path, "name").equals(joined)
    values = join(left, FuzzyDict({"color": 3}), left_on="name", right_on="key")
    assert list(values.columns) == ["name", "v", "key", "value", "score"]
    assert list(join(left, FuzzyDict({"color": None}), "name").columns)[-2:] == [
        "name_right", "score",
    ]  # fmt: skip


def test_guards_of_the_user_veto_pairs():
    def never(query, key):
        return True

    assert join(LEFT, RIGHT, "name", guards=[never])["score"].isna().all()
    assert join(LEFT, RIGHT, "name", guards=[lambda query, key: False])["score"].notna().any()


def test_initials_stand_for_words_and_punctuation_for_nothing():
    left = pd.DataFrame({"x": ["Ford v. NLRB", "?!"]})
    right = pd.DataFrame({"x": ["Ford v. National Labor Relations Board", "Ford v. Quebec"]})
    joined = join(left, right, "x", cutoff=0.2)
    assert joined["x_right"][0] == right["x"][0]
    assert pd.isna(joined["x_right"][1])


def test_numbers_that_differ_do_not_match():
    left = pd.DataFrame({"x": ["1995 Nebraska football team", "1996 Nebraska football team"]})
    right = pd.DataFrame({"x": ["1995 Nebraska football teams", "1994 Nebraska football team"]})
    joined = join(left, right, "x", cutoff=0.5)
    assert joined["x_right"][0] == right["x"][0]
    assert pd.isna(joined["x_right"][1])


# Methods of pandas.


def test_a_series_is_mapped_and_a_value_without_a_match_raises():
    d = FuzzyDict({"color": 1, "top speed": 2})
    assert pd.Series(["colour", "velocity"]).map(d).tolist() == [1, 2]
    with pytest.raises(NoMatchError):
        pd.Series(["colour", "parliament"]).map(d)
    with pytest.raises(NoMatchError):
        pd.Series(["colour", None]).map(d)
    assert pd.isna(pd.Series(["colour", None]).map(d, na_action="ignore")[1])
    found = pd.Series(["colour", "parliament", None]).map(d.get)
    assert found.iloc[0] == 1
    assert found.iloc[1:].isna().all()


def test_an_index_is_mapped_as_a_series_is():
    d = FuzzyDict({"color": 1, "top speed": 2})
    assert pd.Index(["colour", "velocity"]).map(d).tolist() == [1, 2]


def test_columns_are_renamed_and_those_without_a_match_keep_their_names():
    names = FuzzyDict({"color": "colour_id", "price": "price_eur"})
    table = pd.DataFrame({"Colour": [1], "prices": [2], "parliament": [3], 7: [4]})
    assert list(table.rename(columns=names)) == ["colour_id", "price_eur", "parliament", 7]
    assert list(table.T.rename(index=names).index) == ["colour_id", "price_eur", "parliament", 7]


def test_rename_with_errors_raise_needs_exact_names():
    with pytest.raises(KeyError, match="color"):  # pandas checks whether each key is a column
        pd.DataFrame({"colour": [1]}).rename(columns=FuzzyDict(color="c"), errors="raise")


def test_a_series_is_replaced_by_exact_keys_alone():
    d = FuzzyDict({"color": "c"})
    assert pd.Series(["color", "colour"]).replace(d).tolist() == ["c", "colour"]


def test_the_columns_of_two_spreadsheets_are_matched():
    mine = pd.DataFrame(columns=["customer name", "phone", "total price"])
    theirs = pd.DataFrame([["Ana", "1", 2]], columns=["CustName", "PhoneNumber", "total_cost"])
    names = FuzzyDict({name: name for name in mine.columns})
    assert list(theirs.rename(columns=names)) == list(mine.columns)
