"""The tables that are shipped with the models: opposites, aliases, irregular forms of words."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from fuzzydict.text.inflection import bases, regular_bases
from fuzzydict.training.glossary import GlossaryLine, spellings

__all__ = ["write_aliases", "write_irregular_forms", "write_names", "write_opposites"]


def write_opposites(pairs: Iterable[tuple[str, str]], path: Path) -> None:
    """Write each word with all its opposites, one word per line: ``word<TAB>opposite,opposite``."""
    table: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        table[one].add(other)
        table[other].add(one)
    _write(path, {word: ",".join(sorted(others)) for word, others in table.items()})


def write_aliases(glossary: Iterable[GlossaryLine], path: Path) -> None:
    """Write each name with all others of the same thing, as `words` spells them.

    One that only counts as a whole text, because it is a common word, begins with "=". A short form
    of a first name stands for the full name, but not for another short form.
    """
    table: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for line in glossary:
        start = "=" if line.kind == "whole text" else ""
        full = spellings(line.names[0])
        same = dict.fromkeys(spelled for name in line.names for spelled in spellings(name))
        for one, other in itertools.permutations(same, 2):
            if (line.kind != "nickname" or one in full or other in full) and _fit(one, other, same):
                table[start + one][other] = None
    _write(path, {name: ",".join(others) for name, others in table.items()})


def _fit(one: str, other: str, names: Collection[str]) -> bool:
    """Are two of the names both singular or both plural, where the names have both forms?"""
    if " " in other and all(len(word) == 1 and word.isalpha() for word in other.split()):
        return False  # "i v" may be two other names
    forms = [(name, base) for name in names for base in bases(name) if base in names]
    plural, singular = {name for name, _ in forms}, {base for _, base in forms}
    return not (one in plural and other in singular) and not (one in singular and other in plural)


def write_names(things: dict[str, list[str]], path: Path) -> None:
    """Write each name with the things that it stands for: ``name<TAB>thing,thing``."""
    _write(path, {name: ",".join(each) for name, each in things.items()})


def write_irregular_forms(wordnet: Any, path: Path) -> None:
    """Write WordNet's irregular forms, one per line: ``form<TAB>base,base``."""
    table: defaultdict[str, list[str]] = defaultdict(list)
    for part_of_speech in ("n", "v", "a", "r"):
        for form, found in sorted(wordnet._exception_map[part_of_speech].items()):
            if form.isalpha():
                table[form] += found
    _write(
        path,
        {
            form: ",".join(dict.fromkeys(base for base in found if base != form))
            for form, found in table.items()
            if not set(found) & {form, *regular_bases(form)}
        },
    )


def _write(path: Path, table: dict[str, str]) -> None:
    lines = (f"{word}\t{others}\n" for word, others in sorted(table.items()))
    path.write_text("".join(lines), encoding="utf-8")
