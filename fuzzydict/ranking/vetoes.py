"""Which entries guards veto, with what the dictionary learned about guards."""

from fuzzydict.ranking.guards import BUILTIN_FLAGS, GuardSet, Words, guard_name
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.table import ALIAS, ALL_GUARDS, KeyTable
from fuzzydict.text.tokens import words

__all__ = ["Vetoes", "is_by_table_alone"]

_NONE: frozenset[str] = frozenset()


def is_by_table_alone(guards: GuardSet, learned: LearnedState) -> bool:
    """Does a table apply all guards, without exemptions or corrections?"""
    lessons = learned.guard_exemptions or learned.lifted_guards or learned.corrections
    return not (guards.custom or lessons)


class Vetoes:
    """Guards, exemptions from them, and corrections that overrule them."""

    def __init__(self, guards: GuardSet, learned: LearnedState, table: KeyTable) -> None:
        self._guards, self._learned, self._table = guards, learned, table

    def names(self, query: str, key: str) -> tuple[str, ...]:
        """Return the names of the guards that forbid a key."""
        found = self._guards.names(self._not_exempt(words(query), key), words(key))
        lifted = self._learned.lifted_guards.get(key, _NONE)
        return tuple(name for name in found if name not in lifted)

    def is_vetoed(self, query: Words, place: int, flags: int) -> bool:
        """Do guards forbid the entry, without the words that its key is exempt from?

        A corrected query stands for its key too, unless guards forbid the correction itself: then
        the user overruled them.
        """
        text, entry = self._table.text(place), self._table.words(place)
        vetoed = flags & ALL_GUARDS or any(guard(query, entry) for guard in self._guards.custom)
        if not flags & ALIAS:
            return bool(vetoed) and self._is_key_vetoed(query, text, entry, flags)
        key = self._learned.corrections[text]
        if vetoed or key is None:
            return bool(vetoed)
        key_words = words(key)
        overruled = self._guards.veto(entry, key_words)
        return not overruled and self._is_key_vetoed(query, key, key_words)

    def _is_key_vetoed(
        self, query: Words, key: str, key_words: Words, flags: int | None = None
    ) -> bool:
        """Is a key vetoed? ``flags`` are those of the built-in guards, if they are known."""
        lifted = self._learned.lifted_guards.get(key, _NONE)
        remaining = self._not_exempt(query, key)
        guards = self._guards.all
        if flags is not None and len(remaining) == len(query):
            if any(flags & flag for name, flag in BUILTIN_FLAGS.items() if name not in lifted):
                return True
            guards = self._guards.custom
        return any(
            guard(remaining, key_words) for guard in guards if guard_name(guard) not in lifted
        )

    def _not_exempt(self, query: Words, key: str) -> Words:
        """Return the words of a query without those that the key is exempt from."""
        exempt = self._learned.guard_exemptions.get(key, _NONE)
        return tuple(word for word in query if word not in exempt) if exempt else query
