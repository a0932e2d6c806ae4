"""Dictionaries read from files, and the one-line errors of files that cannot be read."""

import sys

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.cli.files import FileError, parse, read, read_with_aliases


def test_nested_tables_have_dotted_keys(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('\ufeff{"a": {"b": {"c": 1}, "d": {}}, "e": [{"f": 2}], "": 3}', "utf-8")
    d = read(path)
    assert dict(d) == {"a.b.c": 1, "a.d": {}, "e.0.f": 2, "": 3}
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


def test_only_rows_have_columns(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(FileError, match=r"a\.json: --key and --value need columns"):
        read(tmp_path / "a.json", key="x")
    with pytest.raises(FileError, match="saved: --key and --value need columns"):
        read(tmp_path / "saved", value="x")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "No such file"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "5", "expected a table of keys, got a int"),
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
        ("a.json", '{"a": 1 // comment\n"b": 2}', "Expecting ',' delimiter: line 2"),
        ("a.jsonl", '{"a": 1}\n{', "a.jsonl: line 2: Expecting property name"),
        ("a.ini", "[a]\nb = 1\nb = 2", "option 'b' in section 'a' already exists"),
        ("a.ini", "= 1", "contains parsing errors"),
        (".env", "A=1\nexport B\n", "line 2: expected NAME=value, got 'export B'"),
        ("a.tsv", "a\tb\n1\n", "line 2 has 1 cells, but there are 2 columns"),
        ("a.parquet", "PAR1", "a.parquet: "),
        (".", None, "Is a directory"),
        ("a.csv", "", "a.csv: has no columns"),
        ("a.csv", b"k,v\n\xe9,1\n", "a.csv: is not UTF-8: byte 0xe9"),
        ("a.csv", "k,v\na,1,2\n", "line 2 has 3 cells, but there are 2 columns"),
        ("a.csv", "k,v\na\n", "line 2 has 1 cells"),
        ("a.csv", "k,k\na,1\n", "has 2 columns 'k'"),
        ("a.csv", "k\n" + "x" * 200_000, "field larger than field limit"),
        ("a.csv", "k,v\na,1\na,2\n", "duplicate key 'a'"),
        ("a.txt", "nonsense", "; other formats need a name: .json, .jsonl, .yaml"),
    ],
)
def test_a_file_that_cannot_be_read_raises_one_line(tmp_path, name, content, message):
    if name.endswith(".yaml"):
        pytest.importorskip("yaml")
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
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


# Lists.

POD = """
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - {name: web, image: nginx, args: [-v, -q]}
    - {name: cache, image: redis, ports: [{containerPort: 6379}]}
    - {image: busybox}
"""


def test_elements_of_lists_are_named_by_name_or_index(tmp_path):
    pytest.importorskip("yaml")
    (tmp_path / "pod.yaml").write_text(POD)
    d, aliases = read_with_aliases(tmp_path / "pod.yaml")
    assert d["spec.containers.web.image"] == "nginx"
    assert d["spec.containers.web.args"] == ["-v", "-q"]
    assert d["spec.containers.cache.ports.0.containerPort"] == 6379
    assert d["spec.containers.2.image"] == "busybox"
    assert d["cache image"] == "redis"
    assert aliases["spec.containers.1.ports.0.containerPort"] in d
    assert "spec.containers.2.image" not in aliases


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ("[]", []),
        ("[1, 2]", ["0", "1"]),
        ('[{"id": 7, "a": 1}, {"id": 9, "a": 2}]', ["7.id", "7.a", "9.id", "9.a"]),
        ('[{"id": 1, "a": 1}, {"id": 2}]', ["0.id", "0.a", "1.id"]),
        ('[{"name": "1"}, {"name": "x"}]', ["0.name", "x.name"]),
        ('[{"name": "x"}, {"name": "x"}, {"name": ""}]', ["0.name", "1.name", "2.name"]),
        ('[{"name": ["x"]}, {"metadata": {"name": "y"}}]', ["0.name", "y.metadata.name"]),
        ('[[1, [2]], 3, {"metadata": 4}]', ["0.0", "0.1", "1", "2.metadata"]),
    ],
)
def test_names_of_elements_are_distinct(data, keys):
    assert list(parse("a.json", data.encode())) == keys


def test_a_path_by_index_that_is_a_key_is_no_alias(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [{"name": "x", "b": 1}], "a.0.b": 2}')
    d, aliases = read_with_aliases(tmp_path / "a.json")
    assert (d["a.0.b"], d["a.x.b"]) == (2, 1)
    assert aliases == {"a.0.name": "a.x.name"}


# YAML.


def parse_yaml(text):
    pytest.importorskip("yaml")
    return parse("a.yaml", text.encode())


def test_keys_and_words_of_yaml_are_as_written():
    assert parse_yaml("on: {push: yes}\n1.10: off\nnull: 22:22\n007: 010\n") == {
        "on.push": "yes", "1.10": "off", "null": "22:22", "007": "010",
    }  # fmt: skip
    numbers = parse_yaml("a: [true, False, 12, -3, 0x1F, 1.5, .5, 1e3, -.inf, ~]\n")["a"]
    assert numbers == [True, False, 12, -3, 31, 1.5, 0.5, 1000.0, float("-inf"), None]


def test_tags_that_yaml_does_not_define_are_ignored():
    text = "a: !Ref Name\nb: !Sub [x, {y: z}]\nc: !If {d: 1}\ne: =\nf: !!python/name:os.system x\n"
    assert parse_yaml(text) == {"a": "Name", "b.0": "x", "b.1.y": "z", "c.d": 1, "e": "=", "f": "x"}


def test_documents_are_named_by_kind_and_name():
    documents = [f"kind: {kind}\nmetadata: {{name: web}}\nport: 1" for kind in ("Pod", "Service")]
    keys = list(parse_yaml("---\n" + "\n---\n---\n".join(documents)))
    assert keys[2::3] == ["Pod.web.port", "Service.web.port"]
    assert parse_yaml("a: 1\n---\na: 2") == {"0.a": 1, "1.a": 2}
    assert parse_yaml("# nothing") == {}


# Other formats.


def test_comments_and_trailing_commas_of_json_are_ignored():
    text = """// settings
    {"url": "http://x/*y*/", /* two
    lines */ "a": [1, 2,], // with ["brackets"]
    "b": {"c": "\\"//", }, // the last one
    }"""
    assert parse("tsconfig.json", text.encode()) == {
        "url": "http://x/*y*/", "a": [1, 2], "b.c": '"//',
    }  # fmt: skip


def test_lines_of_json_are_elements():
    assert parse("a.jsonl", b'{"id": "x", "a": 1}\n\n{"id": "y"}\n') == {
        "x.id": "x", "x.a": 1, "y.id": "y",
    }  # fmt: skip
    assert parse("a.ndjson", b'"a"\n2\n') == {"0": "a", "1": 2}


def test_sections_of_ini_files_are_prefixes():
    text = b"root = true\n; comment\n[*.py]\nindent = 4\n"
    text += b'[core "x"]\n\teditor = vim\n\tflag\nMax: %d\n'
    expected = {"root": "true", "*.py.indent": "4"}
    expected |= {'core "x".editor': "vim", 'core "x".flag': None, 'core "x".Max': "%d"}
    for name in ("a.ini", "setup.cfg", ".editorconfig"):
        assert parse(name, text) == expected
    assert parse("a.ini", b"") == {}


def test_assignments_of_env_files_are_unquoted():
    text = b"""# comment
A=1
export B = "two\\nlines # \\"in\\"" # comment
C='it \\n' # comment
D=
E=a#b
 F = g h  # comment
G="first
second"
H=\xc3\xa9
URL=postgres://a:b@c/d?e=f
A=2"""
    for name in (".env", ".env.example", "prod.env"):
        assert parse(name, text.replace(b"\n", b"\r\n")) == {
            "A": "2", "B": 'two\nlines # "in"', "C": "it \\n", "D": "", "E": "a#b", "F": "g h",
            "G": "first\nsecond", "H": "é", "URL": "postgres://a:b@c/d?e=f",
        }  # fmt: skip


def test_rows_of_tsv_and_parquet_have_columns(tmp_path):
    assert parse("a.tsv", b"name\tcapital\nCzechia\tPrague\n") == {"Czechia": "Prague"}
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"n": [1, 2], "name": ["x", "y"], "v": [0.5, None]}), path)
    assert dict(read(path)) == {"1": {"name": "x", "v": 0.5}, "2": {"name": "y", "v": None}}
    assert dict(read(path, "name", "v")) == {"x": 0.5, "y": None}
    with pytest.raises(FileError, match="has no column 'z'; it has n, name, v"):
        read(path, "z")
    parquet.write_table(arrow.table({}), path)
    with pytest.raises(FileError, match="has no columns"):
        read(path)


def test_an_unknown_format_is_named():
    with pytest.raises(FileError, match=r"^unknown format; expected a file named \.json, "):
        parse("a.exe", b"MZ")
