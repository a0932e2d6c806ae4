"""Typing errors: the number of edits between two words, and how likely one edit is an error."""

__all__ = ["edits", "slip"]

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiou")
_SOUNDS = frozenset(map(frozenset, ("ck", "cs", "sz", "kq", "iy", "gj", "fv", "mn")))


def edits(one: str, other: str) -> int:
    """Return how many letters to add, drop, replace or exchange with the next (OSA distance)."""
    from rapidfuzz.distance import OSA

    return OSA.distance(one, other)


def slip(one: str, other: str) -> float:
    """Return how likely the only edit between two words is a typing or spelling error.

    1 for letters that are exchanged, doubled, next to each other on the keyboard, or that sound
    alike; 0.5 for a letter that is left out or added behind the first one; 0 for other edits.

    >>> slip("recieve", "receive"), slip("prot", "pot"), slip("methanol", "ethanol")
    (1.0, 0.5, 0.0)
    """
    short, long = sorted((one, other), key=len)
    at = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    if len(short) == len(long):
        exchanged = short[at : at + 2] == long[at : at + 2][::-1] != long[at : at + 2]
        return float(exchanged or _confused(short[at], long[at]))
    if at and long[at] == long[at - 1]:
        return 1.0
    return 0.5 if at else 0.0


def _confused(one: str, other: str) -> bool:
    """Are two letters neighbours on the keyboard, or do they often sound alike?"""
    return {one, other} <= _VOWELS or {one, other} in _SOUNDS or other in _NEIGHBOURS.get(one, "")


def _neighbours(row: int, column: int) -> str:
    places = ((0, -1), (0, 1), (1, 0), (1, -1), (-1, 0), (-1, 1))
    return "".join(
        _ROWS[row + down][column + right]
        for down, right in places
        if 0 <= row + down < len(_ROWS) and 0 <= column + right < len(_ROWS[row + down])
    )


_NEIGHBOURS = {
    letter: _neighbours(row, column)
    for row, letters in enumerate(_ROWS)
    for column, letter in enumerate(letters)
}
