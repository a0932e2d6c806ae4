"""From scored entries to candidates: guards veto some, and what was learned has the last word."""

import numpy as np
from numpy.typing import NDArray

from fuzzydict.ranking.candidates import Candidates, ScoredEntries
from fuzzydict.ranking.entries import Entries
from fuzzydict.ranking.guards import GuardSet
from fuzzydict.ranking.table import ALIAS, ALL_GUARDS, EXACT_LOGIT
from fuzzydict.ranking.vetoes import Vetoes, is_by_table_alone
from fuzzydict.text.tokens import words

__all__ = ["FinalScores"]

Floats = NDArray[np.float32]

_CORRECTED_LOGIT = 20.0  # of the key that a correction of this very query names
_ALIAS_PENALTY = 1.0  # by which the logit of a corrected query counts less than that of a key


class FinalScores:
    """Applies guards, corrections and projections to the scores of entries."""

    def __init__(self, guards: GuardSet, entries: Entries) -> None:
        self._guards, self._entries = guards, entries

    def candidates(
        self, scored: ScoredEntries, projected: Floats | None = None, *, guards: bool = True
    ) -> Candidates:
        """Return the keys with their final logits. ``projected`` is W_Q of the query, if any."""
        return self._apply_lessons(scored, self.apply_guards(scored, enabled=guards), projected)

    def apply_guards(self, scored: ScoredEntries, *, enabled: bool = True) -> Candidates:
        """Veto entries, and let the best entry stand for others that lead to the same key."""
        entries = self.guarded_entries(scored, enabled=enabled)
        if not any(is_alias for _, _, is_alias in entries):
            texts = [text for _, text, _ in entries]
            return Candidates(texts, np.array([logit for logit, _, _ in entries], np.float32))
        best: dict[str | None, float] = {}
        for logit, text, is_alias in entries:
            key = self._entries.learned.corrections[text] if is_alias else text
            best[key] = max(best.get(key, -np.inf), logit)
        null = max(best.pop(None, 0.0), 0.0)
        keys = [key for key in best if key is not None]
        return Candidates(keys, np.array(list(best.values()), np.float32) - np.float32(null))

    def guarded_entries(
        self, scored: ScoredEntries, *, enabled: bool = True
    ) -> list[tuple[float, str, bool]]:
        """Return for each entry its logit, -inf if it is vetoed, its text, and is it an alias?"""
        vetoes = Vetoes(self._guards, self._entries.learned, self._entries.table)
        by_table = is_by_table_alone(self._guards, self._entries.learned)
        query = None if by_table or not enabled else words(scored.query)
        result = []
        for place, flags, logit, unguarded in zip(
            scored.places,
            scored.flags,
            scored.logits.tolist(),
            scored.unguarded.tolist(),
            strict=True,
        ):
            if query is not None:
                if vetoes.is_vetoed(query, place, flags):
                    logit = -np.inf
                elif flags & ALL_GUARDS:
                    logit = unguarded
            is_alias = bool(flags & ALIAS)
            penalty = _ALIAS_PENALTY if is_alias else 0.0
            result.append((logit - penalty, self._entries.table.text(place), is_alias))
        return result

    def _apply_lessons(
        self, scored: ScoredEntries, candidates: Candidates, projected: Floats | None
    ) -> Candidates:
        """Add what projections learned; exact keys, and corrections of the query, are certain."""
        keys, logits = candidates.keys, candidates.logits
        query, corrections = scored.query, self._entries.learned.corrections
        if not keys:
            return candidates
        if projected is not None:
            logits = self._entries.projected.logits(
                logits, projected, [self._entries.place(key) for key in keys]
            )
        if query in keys:
            logits = logits.copy()
            logits[keys.index(query)] = max(float(logits.max()) + 1.0, EXACT_LOGIT)
        elif query in corrections:
            key = corrections[query]
            if key is None or key in keys:
                logits = logits - np.float32(max(float(logits.max()), 0.0) + _CORRECTED_LOGIT)
            if key in keys:
                logits[keys.index(key)] = _CORRECTED_LOGIT
        return Candidates(keys, logits)
