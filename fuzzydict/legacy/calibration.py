"""As old pickles import it."""

from fuzzydict.ranking.calibration import Calibration, Scale

__all__ = ["Calibration", "Scale"]
