"""File formats: from the bytes of a file to nested tables and lists, or to rows."""

import configparser
import csv
import io
import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["NESTED", "TABLES", "FileError", "format_of", "without_duplicates"]

Table = tuple[list[str], Iterator[dict[str, Any]]]  # the columns, and rows of cells by column


class FileError(ValueError):
    """A file cannot be read; the message is one line."""


def format_of(name: str) -> str:
    """Return the format of a file by its name: a suffix, "" if there is none.

    >>> format_of("a/Deploy.YML"), format_of(".env.example"), format_of("setup.cfg")
    ('.yaml', '.env', '.ini')
    """
    name = Path(name).name.lower()
    if name.startswith(".env.") or name in (".env", "env"):
        return ".env"
    suffix = name if name in _SAME else Path(name).suffix
    return _SAME.get(suffix, suffix)


_SAME = {
    ".yml": ".yaml", ".jsonc": ".json", ".ndjson": ".jsonl", ".tab": ".tsv", ".pq": ".parquet",
    ".cfg": ".ini", ".editorconfig": ".ini", ".flake8": ".ini", ".coveragerc": ".ini",
    ".gitconfig": ".ini",
}  # fmt: skip


def without_duplicates(items: Iterable[tuple[Hashable, Any]]) -> dict[Any, Any]:
    """Return items as a dict; `FileError` if a key repeats."""
    found: dict[Any, Any] = {}
    for key, value in items:
        if key in found:
            raise FileError(f"duplicate key {key!r}")
        found[key] = value
    return found


# Nested tables and lists.

# A string, or else a comment, or a comma before the end of a list or an object.
_COMMENT = re.compile(
    r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*\n|/\*.*?\*/)*[}\]])', re.DOTALL
)


def _json(data: bytes) -> Any:
    """Read JSON, also with comments and trailing commas, as editors and compilers accept it."""
    text = data.decode("utf-8-sig")
    try:
        return json.loads(text, object_pairs_hook=without_duplicates)
    except json.JSONDecodeError:
        plain = _COMMENT.sub(lambda found: found[1] or _blank(found[0]), text)
        if plain == text:
            raise
        return json.loads(plain, object_pairs_hook=without_duplicates)


def _blank(text: str) -> str:
    """Return spaces and line breaks in place of a text, so that errors name the right place."""
    return re.sub(r"\S", " ", text)


def _json_lines(data: bytes) -> Any:
    found = []
    for number, line in enumerate(data.decode("utf-8-sig").split("\n"), 1):
        if line.strip():
            try:
                found.append(json.loads(line, object_pairs_hook=without_duplicates))
            except ValueError as error:
                raise FileError(f"line {number}: {error}") from None
    return found


def _toml(data: bytes) -> Any:
    for name in ("tomllib", "tomli"):  # the standard library has it from Python 3.11 on
        with suppress(ImportError):
            return import_module(name).loads(data.decode("utf-8-sig"))
    raise FileError("TOML needs Python 3.11, or tomli: pip install tomli")


# Numbers and Booleans of YAML 1.2, of which 1.1 has more: on, no, 22:22, 010.
_SCALARS = {
    "bool": ("tTfF", r"true|True|TRUE|false|False|FALSE"),
    "int": ("-+0123456789", r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)"),
    "float": (
        "-+.0123456789",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    ),
}


def _yaml(data: bytes) -> Any:
    """Read YAML 1.2: keys as they are written, the content of custom tags, several documents."""
    try:
        import yaml
    except ImportError:
        raise FileError("YAML needs PyYAML: pip install pyyaml") from None

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """A safe loader that rejects duplicate keys."""

        yaml_implicit_resolvers = {  # noqa: RUF012  # as in the base class
            first: [each for each in resolvers if each[0].rpartition(":")[2] not in _SCALARS]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [name for name, _ in node.value if isinstance(name, yaml.ScalarNode)]
            own = [name for name in names if name.tag != "tag:yaml.org,2002:merge"]
            without_duplicates((name.value, None) for name in own)
            for name in own:
                name.tag = "tag:yaml.org,2002:str"
            return super().construct_mapping(node, deep)

    for tag, (first, pattern) in _SCALARS.items():
        expression = re.compile(f"(?:{pattern})$")
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", expression, list(first))
    Loader.add_multi_constructor("", _untagged)
    try:
        documents = [each for each in yaml.load_all(data, Loader) if each is not None]
    except yaml.YAMLError as error:
        raise FileError(str(error)) from None
    return documents[0] if len(documents) == 1 else documents


def _untagged(loader: Any, tag: str, node: Any) -> Any:
    """Return the content of a node with a tag that YAML does not define, such as !Ref."""
    if node.id == "scalar":
        return node.value
    if node.id == "sequence":
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_TOP = "\1"  # the section of options before the first section


def _ini(data: bytes) -> Any:
    """Read sections of options. Options before the first section have no prefix."""
    parser = configparser.RawConfigParser(
        default_section="\0", allow_no_value=True, empty_lines_in_values=False
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    text = data.decode("utf-8-sig")
    try:
        try:
            parser.read_string(text)
        except configparser.MissingSectionHeaderError:
            parser.read_string(f"[{_TOP}]\n{text}")
    except configparser.Error as error:
        raise FileError(str(error).replace("'<string>'", "")) from None
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**sections.pop(_TOP, {}), **sections}


_ASSIGNMENT = re.compile(
    r"""(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*
    ("(?:\\.|[^"\\])*"|'[^']*'|[^\n]*?)[ \t]*(?:(?:^|(?<=[\s"']))\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def _env(data: bytes) -> Any:
    """Read assignments NAME=value, as shells and dotenv files have them. The last one counts."""
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    found, place = {}, 0
    while place < len(text):
        end = text.find("\n", place) + 1 or len(text)
        line = text[place:end].strip()
        if line and not line.startswith("#"):
            start = text.index(line[0], place)
            match = _ASSIGNMENT.match(text, start)
            if match is None:
                number = text.count("\n", 0, place) + 1
                raise FileError(f"line {number}: expected NAME=value, got {line!r}")
            found[match[1]] = _unquoted(match[2])
            end = match.end()
        place = end
    return found


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(
            r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.DOTALL
        )
    return text


NESTED: dict[str, Callable[[bytes], Any]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".toml": _toml,
    ".yaml": _yaml,
    ".ini": _ini,
    ".env": _env,
}


# Rows.


def _csv(data: bytes, delimiter: str = ",") -> Table:
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    names = _distinct(next(rows, []))

    def cells() -> Iterator[dict[str, Any]]:
        for row in rows:
            if row and len(row) != len(names):
                raise FileError(
                    f"line {rows.line_num} has {len(row)} cells, but there are {len(names)} columns"
                )
            if row:  # no empty line
                yield dict(zip(names, row, strict=True))

    return names, cells()


def _tsv(data: bytes) -> Table:
    return _csv(data, "\t")


def _parquet(data: bytes) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise FileError("Parquet needs pyarrow: pip install pyarrow") from None
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (ArrowException, OSError) as error:
        raise FileError(str(error)) from None
    return _distinct(table.column_names), iter(table.to_pylist())


def _distinct(names: list[str]) -> list[str]:
    if not names:
        raise FileError("has no columns")
    for name in names:
        if (times := names.count(name)) > 1:
            raise FileError(f"has {times} columns {name!r}")
    return names


TABLES: dict[str, Callable[[bytes], Table]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
