"""The tables that are shipped with the models: opposites, and irregular forms of words."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fuzzydict.text.inflection import regular_bases

__all__ = ["write_irregular_forms", "write_opposites"]


def write_opposites(pairs: Iterable[tuple[str, str]], path: Path) -> None:
    """Write each word with all its opposites, one word per line: ``word<TAB>opposite,opposite``."""
    table: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        table[one].add(other)
        table[other].add(one)
    _write(path, {word: ",".join(sorted(others)) for word, others in table.items()})


def write_irregular_forms(wordnet: Any, path: Path) -> None:
    """Write WordNet's irregular forms, one per line: ``form<TAB>base,base``."""
    table: defaultdict[str, list[str]] = defaultdict(list)
    for part_of_speech in ("n", "v", "a", "r"):
        for form, bases in sorted(wordnet._exception_map[part_of_speech].items()):
            if form.isalpha():
                table[form] += bases
    _write(
        path,
        {
            form: ",".join(dict.fromkeys(base for base in bases if base != form))
            for form, bases in table.items()
            if not set(bases) & {form, *regular_bases(form)}
        },
    )


def _write(path: Path, table: dict[str, str]) -> None:
    lines = (f"{word}\t{others}\n" for word, others in sorted(table.items()))
    path.write_text("".join(lines), encoding="utf-8")
