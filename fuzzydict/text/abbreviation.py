"""Short forms: abbreviations of a word ("qty") and contractions of several words ("dob")."""

from collections.abc import Sequence

__all__ = ["abbreviation", "contraction"]

_VOWELS = str.maketrans("", "", "aeiou")
_FUNCTION_WORDS = frozenset(
    "a an and at by de for from in of on or per the to with".split()  # noqa: SIM905
)


def abbreviation(short: str, long: str) -> float:
    """Return how much ``short`` looks like a short form of the word ``long``, 0 to 1.

    1 for a prefix or all of the consonants ("addr", "infrmtn"), less for a prefix of the
    consonants, and less again for a few letters in order ("qty" for "quantity").

    >>> abbreviation("addr", "address"), abbreviation("qty", "quantity") > 0.5
    (1.0, True)
    >>> abbreviation("cat", "dog"), abbreviation("appear", "appearance")
    (0.0, 0.0)
    """
    if not 2 <= len(short) < len(long) or short[0] != long[0] or len(short) > 0.8 * len(long):
        return 0.0
    consonants = long[0] + long[1:].translate(_VOWELS)
    if short == consonants:
        return 1.0
    if len(short) > 5:
        return 0.0
    if long.startswith(short):
        return 1.0
    if consonants.startswith(short) or short[0] + short[1:].translate(_VOWELS) == consonants:
        return 0.9
    if not _is_subsequence(short, long):
        return 0.0
    if short[-1] != long[-1]:
        return 0.4
    return 0.8 if _is_subsequence(short, consonants) else 0.6


def _is_subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(letter in rest for letter in short)


def contraction(short: str, words: Sequence[str]) -> float:
    """Return how well ``short`` contracts the words, each to its first letter and any after it.

    Initials alone give 1, more letters less, down to 0.5. 0 if a word contributes no letter; small
    words such as "of" may be skipped. O(len(short) · letters of the words).

    >>> contraction("dob", ("date", "of", "birth")), contraction("prmtst", ("permit", "status"))
    (1.0, 0.6666666666666666)
    >>> contraction("dob", ("date", "of", "death"))
    0.0
    """
    if len(short) < len(words):
        words = [word for word in words if word not in _FUNCTION_WORDS]
    if not 2 <= len(words) <= len(short) or short[0] != words[0][0]:
        return 0.0
    ends = {0}  # how many letters of short the words so far can account for
    for word in words:
        ends = {end for start in ends for end in _ends(short, start, word)}
    return 0.5 + 0.5 * len(words) / len(short) if len(short) in ends else 0.0


def _ends(short: str, start: int, word: str) -> set[int]:
    """Return where letters of the word, its first and any after it, can end in short[start:]."""
    ends = set()
    place = 0 if short[start : start + 1] == word[0] else -1
    while place >= 0:
        start += 1
        ends.add(start)
        place = word.find(short[start], place + 1) if start < len(short) else -1
    return ends
