"""Joins, groups and lookups of tables of other libraries than pandas."""

import pytest

from fuzzydict import FuzzyDict, dedupe, join, match_columns

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("narwhals")

LEFT = {"name": ["colour", "velocity", None, "price", "zzz"], "v": [0, 1, 2, 3, 4]}
RIGHT = {"name": ["color", "top speed", "weight", "color", None], "w": list("abcde")}


def duck(columns):
    duckdb = pytest.importorskip("duckdb")
    return duckdb.from_arrow(pa.table(columns))


def rows(table):
    """Return the rows as lists, with rounded scores."""
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pl.DataFrame):
        found = table.rows()
    elif isinstance(table, pa.Table):
        found = [tuple(row.values()) for row in table.to_pylist()]
    else:
        found = table.fetchall()
    return [[round(x, 4) if isinstance(x, float) else x for x in row] for row in found]


TABLES = [pl.DataFrame, pl.LazyFrame, pa.table, duck]


@pytest.mark.parametrize("how", ["left", "inner", "right", "outer"])
@pytest.mark.parametrize("make", TABLES)
def test_a_join_has_the_type_of_its_tables_and_the_rows_of_pandas(make, how):
    left = make(LEFT)
    found = join(left, make(RIGHT), on="name", how=how)
    assert type(found) is type(left)
    expected = join(pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="name", how=how)
    expected = expected.astype(object).where(expected.notna(), None).to_numpy().tolist()
    assert rows(found) == [
        [round(x, 4) if isinstance(x, float) and x != int(x) else x for x in row]
        for row in expected
    ]


def test_dtypes_are_unchanged():
    left = pl.DataFrame(LEFT).with_columns(
        pl.col("v").cast(pl.Int8), kind=pl.Series(list("aabba"), dtype=pl.Categorical)
    )
    right = pl.DataFrame(RIGHT).with_columns(day=pl.date(2020, 1, 1))
    for how in ("left", "outer"):
        schema = join(left, right, "name", how=how).schema
        assert schema["v"] == pl.Int8
        assert schema["kind"] == pl.Categorical
        assert schema["day"] == pl.Date
        assert schema["score"] == pl.Float64


@pytest.mark.parametrize("make", TABLES[:3])
def test_empty_tables_can_be_joined(make):
    empty = {"name": pa.array([], pa.string()), "w": pa.array([], pa.string())}
    right = make({name: column.to_pylist() for name, column in empty.items()})
    right = pa.table(empty) if make is pa.table else right.cast(pl.String)
    assert len(rows(join(make(LEFT), right, "name"))) == 5
    assert len(rows(join(make(LEFT), right, "name", how="inner"))) == 0
    assert len(rows(join(right, make(RIGHT), "name", how="outer"))) == 5


def test_numbers_of_polars_do_not_match_text():
    with pytest.raises(ValueError, match="the left column 'x' has dtype Int64"):
        join(pl.DataFrame({"x": [1]}), pl.DataFrame({"x": ["1"]}), "x")


def test_missing_numbers_never_match():
    table = pl.DataFrame({"x": [1.0, float("nan"), None]})
    assert join(table, table, "x")["score"].to_list() == [1.0, None, None]


def test_a_dictionary_is_the_right_side():
    found = join(pl.DataFrame(LEFT), FuzzyDict({"color": 1, "top speed": 2}), "name")
    assert found["value"].to_list() == [1, 2, None, None, None]


def test_tables_of_two_libraries_raise():
    with pytest.raises(TypeError, match=r"must be of one library, got polars and pandas$"):
        join(pl.DataFrame(LEFT), pd.DataFrame(RIGHT), "name")
    with pytest.raises(TypeError, match=r"got polars\.series\.series\.Series"):
        join(pl.DataFrame(LEFT)["name"], pl.DataFrame(RIGHT), "name")


@pytest.mark.parametrize("make", TABLES)
def test_rows_are_grouped(make):
    table = make({"name": ["Acme Corporation", "Globex", None, "ACME Corp."]})
    found = dedupe(table, "name")
    assert type(found) is type(table)
    assert [row[1] for row in rows(found)] == [0, 1, 2, 0]


@pytest.mark.parametrize("make", TABLES)
def test_columns_are_matched(make):
    found = match_columns(make({"CustName": [1], "cost": [2]}), ["price", "customer name"])
    assert found == {"CustName": "customer name", "cost": "price"}


# What a dictionary cannot intercept, and what works instead.


def test_polars_renames_and_replaces_by_exact_names_alone():
    d = FuzzyDict({"color": "c"})
    table = pl.DataFrame({"colour": ["colour", "color"]})
    assert table.rename(match_columns(table, list(d))).columns == ["color"]
    assert table.rename(lambda name: d.get(name, name)).columns == ["c"]
    assert table["colour"].replace(d).to_list() == ["colour", "c"]
    assert d.get_many(table["colour"]).to_list() == ["c", "c"]
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        table.rename(d)
