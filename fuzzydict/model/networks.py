"""The networks of a scorer: their parameters, and how model files hold them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MLP", "PAIR_FEATURES", "TEXT_FEATURES", "ScorerNetworks"]

Floats = NDArray[np.float32]

PAIR_FEATURES = (
    "LCS similarity", "edit similarity", "Jaro-Winkler", "same word", "same base", "abbreviation",
    "cosine", "cosine above 0.4", "confidence of query", "confidence of key",
    "length", "difference of lengths", "weight of query", "weight of key", "is a number",
    "cosine above density", "density of query", "density of key", "same spelling variant",
    "edits", "slip of the finger", "query is a name", "key is a name", "part of phrase",
)  # fmt: skip

TEXT_FEATURES = (
    "query covered", "key covered", "less covered", "best word", "worst word of query",
    "worst word of key", "query covered by IDF", "key covered by IDF", "best word by IDF",
    "uncovered in query", "uncovered in key", "confidence",
    "cosine", "cosine above 0.4", "cosine above 0.7", "LCS similarity", "edit similarity",
    "Jaro-Winkler", "same letters", "contraction", "abbreviation", "same words",
    "one word in query", "one word in key", "more words in query", "more words in key",
    "length", "same words as often", "edits",
    "head of query", "words of query that add something", "names of query",
    "head of key", "words of key that add something", "names of key", "confidence of key",
    "words of query in other keys", "words of key in other keys", "slip of the finger",
    "worst word of either", "same forms",
)  # fmt: skip


class MLP(NamedTuple):
    """Two layers: x → w2 · tanh(w1 x + b1) + b2, a logit; x is of the order of one."""

    w1: Floats  # (F, H)
    b1: Floats  # (H,)
    w2: Floats  # (H,)
    b2: float

    def __call__(self, features: Floats) -> Floats:
        """Return the logits of features [..., F]: float32 [...]."""
        hidden = np.tanh(features @ self.w1 + self.b1)
        logits: Floats = hidden @ self.w2 + self.b2
        return logits


class ScorerNetworks(NamedTuple):
    """The fitted parameters of a scorer, and the default cutoff."""

    pairs: MLP  # features of two words → logit that they mean the same
    texts: MLP  # features of a query and a key → logit of the key
    cutoff: float

    def to_arrays(self) -> dict[str, Floats]:
        """Return the parameters as arrays, to be stored with the model."""
        return {
            f"score.{part}.{name}": np.atleast_1d(np.asarray(getattr(network, name), np.float32))
            for part, network in (("words", self.pairs), ("phrases", self.texts))
            for name in ("w1", "b1", "w2", "b2")
        } | {"score.cutoff": np.array([self.cutoff], np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ScorerNetworks":
        """Return the networks that `to_arrays` stored.

        ``KeyError`` where one is missing, ``ValueError`` where their shapes do not fit together or
        their numbers are not finite.
        """

        def network(part: str, features: int) -> MLP:
            w1, b1, w2, b2 = (arrays[f"score.{part}.{name}"] for name in ("w1", "b1", "w2", "b2"))
            shapes = [each.shape for each in (w1, b1, w2, b2)]
            units = w2.size
            if shapes != [(features, units), (units,), (units,), (1,)]:
                expected = f"[({features}, H), (H,), (H,), (1,)]"
                raise ValueError(f"the network of {part} has the shapes {shapes}, not {expected}")
            if not all(np.isfinite(each).all() for each in (w1, b1, w2, b2)):
                raise ValueError(f"the network of {part} has numbers that are not finite")
            return MLP(w1, b1, w2, float(b2[0]))

        cutoff = arrays["score.cutoff"]
        if cutoff.shape != (1,) or not 0 <= cutoff[0] <= 1:
            raise ValueError(f"the score has the cutoff {cutoff}, not a probability")
        pairs = network("words", len(PAIR_FEATURES))
        return cls(pairs, network("phrases", len(TEXT_FEATURES)), float(cutoff[0]))
