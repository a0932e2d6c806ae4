"""Which entries guards veto, with what the dictionary learned about guards."""

from fuzzydict.ranking.guards import GuardSet, Words
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.table import ALIAS, ALL_GUARDS, KeyTable
from fuzzydict.text.tokens import words

__all__ = ["Vetoes", "is_by_table_alone"]


def is_by_table_alone(guards: GuardSet, learned: LearnedState) -> bool:
    """Does a table apply all guards, without exemptions or corrections?"""
    return not (guards.custom or learned.guard_exemptions or learned.corrections)


class Vetoes:
    """Guards, exemptions from them, and corrections that overrule them."""

    def __init__(self, guards: GuardSet, learned: LearnedState, table: KeyTable) -> None:
        self._guards, self._learned, self._table = guards, learned, table

    def names(self, query: str, key: str) -> tuple[str, ...]:
        """Return the names of the guards that forbid a key."""
        return self._guards.names(self._not_exempt(words(query), key), words(key))

    def is_vetoed(self, query: Words, place: int, flags: int) -> bool:
        """Do guards forbid the entry, without the words that its key is exempt from?

        A corrected query stands for its key too, unless guards forbid the correction itself: then
        the user overruled them.
        """
        text, entry = self._table.text(place), self._table.words(place)
        vetoed = flags & ALL_GUARDS or any(guard(query, entry) for guard in self._guards.custom)
        if not flags & ALIAS:
            return bool(vetoed) and self._is_key_vetoed(query, text, entry)
        key = self._learned.corrections[text]
        if vetoed or key is None:
            return bool(vetoed)
        key_words = words(key)
        overruled = self._guards.veto(entry, key_words)
        return not overruled and self._is_key_vetoed(query, key, key_words)

    def _is_key_vetoed(self, query: Words, key: str, key_words: Words) -> bool:
        return self._guards.veto(self._not_exempt(query, key), key_words)

    def _not_exempt(self, query: Words, key: str) -> Words:
        """Return the words of a query without those that the key is exempt from."""
        exempt = self._learned.guard_exemptions.get(key, frozenset())
        return tuple(word for word in query if word not in exempt)
