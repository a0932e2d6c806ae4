"""The glossary: hand-written tables of names of the same thing, and of words that add nothing."""

import os
from dataclasses import dataclass
from pathlib import Path

from fuzzydict.text.tokens import words

__all__ = ["GlossaryLine", "read_aliases", "read_alternatives", "read_redundant_words", "spellings"]


@dataclass(frozen=True)
class GlossaryLine:
    """Names of one thing, the usual one first."""

    kind: str
    names: list[str]


def read_aliases(folder: str | os.PathLike[str]) -> list[GlossaryLine]:
    """Read ``aliases.tsv`` of the glossary: ``kind<TAB>name; name; name`` a line."""
    return _lines(Path(folder) / "aliases.tsv")


def read_alternatives(folder: str | os.PathLike[str]) -> list[GlossaryLine]:
    """Read ``alternatives.tsv`` of the glossary: things of which no two are the same."""
    return _lines(Path(folder) / "alternatives.tsv")


def read_redundant_words(folder: str | os.PathLike[str]) -> set[str]:
    """Read ``redundant_words.tsv`` of the glossary: ``word<TAB>place<TAB>kind`` a line.

    Returns the single words, as `words` spells them.
    """
    rows = _rows(Path(folder) / "redundant_words.tsv")
    found = {words(word) for word, _, _ in rows}
    return {word[0] for word in found if len(word) == 1}


def _lines(path: Path) -> list[GlossaryLine]:
    return [
        GlossaryLine(kind, [name.strip() for name in names.split(";") if name.strip()])
        for kind, names in _rows(path)
    ]


def _rows(path: Path) -> list[list[str]]:
    """Return the fields of each line that is no comment. ``ValueError`` for one without a tab."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            if "\t" not in line:
                raise ValueError(f"{path}:{number}: expected fields between tabs, got {line!r}")
            rows.append(line.split("\t"))
    return rows


def spellings(name: str) -> list[str]:
    """Return how a name may be split into words: "iOS" is written "IOS" and "ios", too.

    Nothing for a name most of which is marks, such as "$".
    """
    found = [" ".join(words(text)) for text in (name, name.lower(), name.upper())]
    marks = sum(not (letter.isalnum() or letter in " .°-+#") for letter in name)
    return [each for each in dict.fromkeys(found) if marks < min(len(each), len(name))]
