"""Short forms: abbreviations of a word, and contractions of several words."""

from collections.abc import Sequence

__all__ = ["abbreviation", "contraction"]

_VOWELS = str.maketrans("", "", "aeiou")


def abbreviation(short: str, long: str) -> float:
    """Return how much ``short`` looks like a short form of the word ``long``, 0 to 1.

    1 for its beginning or its consonants in full ("addr"; "infrmtn"), less for the beginning of
    its consonants, and less again for a few letters in order ("qty" of "quantity").

    >>> abbreviation("addr", "address"), abbreviation("qty", "quantity") > 0.5
    (1.0, True)
    >>> abbreviation("cat", "dog"), abbreviation("appear", "appearance")
    (0.0, 0.0)
    """
    if not 2 <= len(short) < len(long) or short[0] != long[0] or len(short) > 0.8 * len(long):
        return 0.0
    bones = long[0] + long[1:].translate(_VOWELS)
    if short == bones:
        return 1.0
    if len(short) > 5:
        return 0.0
    if long.startswith(short):
        return 1.0
    if bones.startswith(short) or short[0] + short[1:].translate(_VOWELS) == bones:
        return 0.9
    if not _in_order(short, long):
        return 0.0
    return (0.8 if _in_order(short, bones) else 0.6) if short[-1] == long[-1] else 0.4


def _in_order(short: str, long: str) -> bool:
    rest = iter(long)
    return all(letter in rest for letter in short)


def contraction(short: str, words: Sequence[str]) -> float:
    """Return how well ``short`` contracts the words, each to its first letter and any after it.

    From 0.5 for letters of every word in order to 1 for nothing but first letters; 0 where a
    word has no letter in it, little words excepted. O(len(short) · letters of the words).

    >>> contraction("dob", ("date", "of", "birth")), contraction("prmtst", ("permit", "status"))
    (1.0, 0.6666666666666666)
    >>> contraction("dob", ("date", "of", "death"))
    0.0
    """
    words = [word for word in words if word not in _LITTLE] if len(short) < len(words) else words
    if not 2 <= len(words) <= len(short) or short[0] != words[0][0]:
        return 0.0
    if not _in_order(short, "".join(words)):
        return 0.0
    ends = {0}  # how many letters of short the words so far can have taken
    for word in words:
        reached = set()
        for end in ends:
            if short[end : end + 1] == word[0]:
                place, end = 1, end + 1
                reached.add(end)
                while end < len(short) and (place := word.find(short[end], place) + 1):
                    end += 1
                    reached.add(end)
        ends = reached
    return 0.5 + 0.5 * len(words) / len(short) if len(short) in ends else 0.0


_LITTLE = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "by",
        "de",
        "for",
        "from",
        "in",
        "of",
        "on",
        "or",
        "per",
        "the",
        "to",
        "with",
    ]
)
