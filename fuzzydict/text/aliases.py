"""Other names of the same thing: "Swaziland" is "Eswatini", and "Bob" may be "Robert"."""

import functools
from collections.abc import Callable, Iterator

from fuzzydict.resources import read_table

__all__ = ["renamed"]

Words = tuple[str, ...]

_LONGEST = 8  # words of an alias
_MOST = 8  # texts that are returned


def renamed(words: Words, is_used: Callable[[str], bool]) -> list[Words]:
    """Return the texts in which one part of a text is replaced by another name of it.

    At most 8, of whose new words all are used; the longest parts come first.

    >>> renamed(("bob", "smith"), {"robert", "smith"}.__contains__)
    [('robert', 'smith')]
    """
    found: list[Words] = []
    for start, end in _parts(len(words)):
        part = " ".join(words[start:end])
        whole = _aliases().get(f"={part}", ()) if end - start == len(words) else ()
        joined = _aliases().get(part.replace(" ", ""), ()) if " " in part else ()
        for alias in (*_aliases().get(part, ()), *joined, *whole):
            other = tuple(alias.split(" "))
            text = words[:start] + other + words[end:]
            if text != words and text not in found and all(map(is_used, other)):
                found.append(text)
                if len(found) == _MOST:
                    return found
    return found


def _parts(n: int) -> Iterator[tuple[int, int]]:
    """Yield the starts and ends of the parts of n words, the longest first."""
    for size in range(min(n, _LONGEST), 0, -1):
        for start in range(n - size + 1):
            yield start, start + size


@functools.lru_cache(maxsize=1)
def _aliases() -> dict[str, tuple[str, ...]]:
    return read_table("aliases.tsv")
