"""The lexicon: a glossary of modern words in TSV files, read as more of WordNet."""

import os
from dataclasses import dataclass
from pathlib import Path

from fuzzydict.training.corpora import term_of

__all__ = ["LexiconEntry", "read_lexicon"]


@dataclass(frozen=True)
class LexiconEntry:
    """A line of the lexicon: synonyms, their hypernyms, and so on."""

    words: list[str]
    kind_of: list[str]
    related: list[str]
    opposites: list[str]
    gloss: str


def read_lexicon(folder: str | os.PathLike[str]) -> list[LexiconEntry]:
    """Read the lexicon: the ``*.tsv`` files of ``folder``, in order of their names.

    A line is ``words, kind_of, related, opposites, gloss`` between tabs, the first four being lists
    between commas; a line that starts with ``#`` is a comment. ``ValueError`` names a line that has
    other than five fields or no word.
    """
    entries = []
    for path in sorted(Path(folder).glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != 5 or not fields[0].strip():
                raise ValueError(
                    f"{path}:{number}: expected words, kind_of, related, opposites and gloss "
                    f"between tabs, got {len(fields)} fields"
                )
            words, kind_of, related, opposites = map(_terms, fields[:4])
            entries.append(LexiconEntry(words, kind_of, related, opposites, fields[4].strip()))
    return entries


def _terms(field: str) -> list[str]:
    return [term for term in (term_of(part.strip()) for part in field.split(",")) if term]
