"""What a dictionary learned from its user: calibration, projections, exemptions, corrections."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fuzzydict.ranking.calibration import Calibration

if TYPE_CHECKING:
    from fuzzydict.ranking.projection import Projection

__all__ = ["Correction", "IndexEntry", "LearnedState"]

_EMPTY: Mapping[str, Any] = {}


class Correction(NamedTuple):
    """A query and the key that the user said it means, None for no key."""

    query: str
    key: str | None


IndexEntry = str | Correction


class LearnedState(NamedTuple):
    """Everything that `calibrate`, `fit` and `learn` changed. It is never modified in place."""

    calibration: Calibration = Calibration()
    projection: "Projection | None" = None
    guard_exemptions: Mapping[str, frozenset[str]] = _EMPTY  # key → words that no guard looks at
    corrections: Mapping[str, str | None] = _EMPTY  # query → key
    lifted_guards: Mapping[str, frozenset[str]] = _EMPTY  # key → names of guards that do not apply
