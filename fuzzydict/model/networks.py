"""The two small networks of the scorer, and how they are stored in a model file."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import read_arrays

__all__ = ["MLP", "PAIR_INPUTS", "TEXT_INPUTS", "ScorerNetworks", "default_networks"]

Floats = NDArray[np.float32]

PAIR_INPUTS = 19
"""Features of a pair of words."""
TEXT_INPUTS = 28
"""Features of a query and a key."""


class MLP(NamedTuple):
    """A multilayer perceptron with one hidden layer: x → w2 · tanh(w1 x + b1) + b2, a logit.

    Features x are of the order of one.
    """

    w1: Floats  # (F, H)
    b1: Floats  # (H,)
    w2: Floats  # (H,)
    b2: float

    def __call__(self, features: Floats) -> Floats:
        """Return the logits of features [..., F]: float32 [...]."""
        hidden = np.tanh(features @ self.w1 + self.b1)
        logits: Floats = hidden @ self.w2 + self.b2
        return logits

    @classmethod
    def zeros(cls, inputs: int) -> "MLP":
        """Return a network whose logits are all 0."""
        return cls(
            np.zeros((inputs, 1), np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32), 0.0
        )


class ScorerNetworks(NamedTuple):
    """The parameters of the scorer."""

    pairs: MLP  # features of a word of the query and a word of the key → logit of a match
    texts: MLP  # features of a query and a key → logit of the key, that of the null key being 0
    cutoff: float  # the default one

    def to_arrays(self) -> dict[str, Floats]:
        """Return the parameters by their names in a model file."""
        return {
            f"score.{part}.{name}": np.atleast_1d(np.asarray(value, np.float32))
            for part, network in (("words", self.pairs), ("phrases", self.texts))
            for name, value in zip(MLP._fields, network, strict=True)
        } | {"score.cutoff": np.array([self.cutoff], np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ScorerNetworks":
        """Return the parameters among the arrays of a model file.

        Raises:
            KeyError: An array is missing.
            ValueError: Shapes do not fit together, or numbers are not finite.
        """
        pairs = _read_network(arrays, "words", PAIR_INPUTS)
        texts = _read_network(arrays, "phrases", TEXT_INPUTS)
        cutoff = arrays["score.cutoff"]
        if cutoff.shape != (1,) or not 0 <= cutoff[0] <= 1:
            raise ValueError(f"the cutoff must be one probability, got {cutoff}")
        return cls(pairs, texts, float(cutoff[0]))

    # Names until other packages use those above.

    @property
    def words(self) -> MLP:
        """`pairs`."""
        return self.pairs

    @property
    def phrases(self) -> MLP:
        """`texts`."""
        return self.texts


def _read_network(arrays: Mapping[str, NDArray[Any]], part: str, inputs: int) -> MLP:
    w1, b1, w2, b2 = parameters = [arrays[f"score.{part}.{name}"] for name in MLP._fields]
    shapes, units = [each.shape for each in parameters], w2.size
    if shapes != [(inputs, units), (units,), (units,), (1,)]:
        expected = f"[({inputs}, H), (H,), (H,), (1,)]"
        raise ValueError(f"the network of {part} must have the shapes {expected}, got {shapes}")
    if not all(np.isfinite(each).all() for each in parameters):
        raise ValueError(f"the network of {part} must be finite")
    return MLP(w1, b1, w2, float(b2[0]))


@functools.lru_cache(maxsize=1)
def default_networks() -> ScorerNetworks:
    """Return the networks of the default model, which score for embedders that have none.

    Raises:
        LookupError: The default model was built without its scorer.
    """
    arrays, _ = read_arrays(data_file("default.safetensors"), mapped=True)
    if "score.cutoff" not in arrays:
        raise LookupError("the default model was built without its scorer")
    return ScorerNetworks.from_arrays(arrays)
