"""Dictionaries read from files, and the one-line errors of files that cannot be read."""

import sys

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.cli.files import FileError, read


def test_nested_tables_have_dotted_keys(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('\ufeff{"a": {"b": {"c": 1}, "d": {}}, "e": [{"f": 2}], "": 3}', "utf-8")
    d = read(path)
    assert dict(d) == {"a.b.c": 1, "a.d": {}, "e": [{"f": 2}], "": 3}
    assert isinstance(d, FuzzyDict)


def test_columns_of_a_table_are_keys_and_values(tmp_path):
    path = tmp_path / "a.CSV"
    path.write_text('\ufeffname,capital,people\n\nCzechia,"Prague\n",11\n', "utf-8")
    assert dict(read(path)) == {"Czechia": {"capital": "Prague\n", "people": "11"}}
    assert dict(read(str(path), "capital", "name")) == {"Prague\n": "Czechia"}
    assert dict(read(path, value="name")) == {"Czechia": "Czechia"}
    path.write_text("name,capital\nCzechia,Prague\n")
    assert dict(read(path)) == {"Czechia": "Prague"}
    path.write_text("name\nCzechia\n")
    assert dict(read(path)) == {"Czechia": None}
    path.write_text("name,capital\n")
    assert dict(read(path)) == {}


def test_keys_of_yaml_are_texts_and_merged_tables_are_no_duplicates(tmp_path):
    pytest.importorskip("yaml")
    path = tmp_path / "a.yml"
    path.write_text("base: &b {color: red, n: 1}\ncar: {<<: *b, color: blue}\n2020: year\n")
    assert dict(read(path)) == {
        "base.color": "red",
        "base.n": 1,
        "car.n": 1,
        "car.color": "blue",
        "2020": "year",
    }


def test_a_file_of_another_name_is_a_saved_dictionary(tmp_path):
    FuzzyDict(color="red").save(tmp_path / "car")
    assert read(tmp_path / "car")["colour"] == "red"


def test_only_a_csv_file_has_columns(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(FileError, match=r"a\.json: --key and --value need a CSV file"):
        read(tmp_path / "a.json", key="x")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "No such file"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "[1]", "expected a table of keys, got a list"),
        ("a.json", '{"a": 1, "a": 2}', "duplicate key 'a'"),
        ("a.json", "[" * 100_000, "recursion"),
        ("a.json", b"\xff\xfe{}", "a.json: is not UTF-8: byte 0xff at 0"),
        ("a.json", '{"a.b": 1, "a": {"b": 2}}', "duplicate key 'a.b'"),
        ("a.json", "null", "expected a table of keys, got a NoneType"),
        ("a.toml", "a = ", "Invalid value"),
        ("a.toml", b"a = '\xff'", "is not UTF-8"),
        ("a.yaml", "a: [", "while parsing"),
        ("a.yaml", "a: 1\na: 2", "duplicate key 'a'"),
        ("a.yaml", "{[]: 1}", "unhashable"),
        ("a.yaml", "a: &a {b: *a}", "recursion"),
        ("a.yaml", "a: &a\n  b: 1\n---\na: 1", "expected a single document"),
        (".", None, "Is a directory"),
        ("a.csv", "", "a.csv: has no columns"),
        ("a.csv", b"k,v\n\xe9,1\n", "a.csv: is not UTF-8: byte 0xe9"),
        ("a.csv", "k,v\na,1,2\n", "line 2 has 3 cells, but there are 2 columns"),
        ("a.csv", "k,v\na\n", "line 2 has 1 cells"),
        ("a.csv", "k,k\na,1\n", "has 2 columns 'k'"),
        ("a.csv", "k\n" + "x" * 200_000, "field larger than field limit"),
        ("a.csv", "k,v\na,1\na,2\n", "duplicate key 'a'"),
        ("a.txt", "nonsense", "; other formats need a suffix: .json, .toml, .yaml, .yml or .csv"),
    ],
)
def test_a_file_that_cannot_be_read_raises_one_line(tmp_path, name, content, message):
    if name.endswith(".yaml"):
        pytest.importorskip("yaml")
    if name.endswith(".toml"):
        pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
    with pytest.raises(FileError) as caught:
        read(tmp_path / name)
    error = str(caught.value)
    assert message in error
    assert error.startswith(str(tmp_path))
    assert error.count(str(tmp_path)) == 1
    assert "\n" not in error
