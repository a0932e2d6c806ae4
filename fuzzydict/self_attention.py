"""Self-attention over the words of a text: each word looks up all words of its own sentence."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import attention
from fuzzydict.integrations.plots import heat_map, new_axes
from fuzzydict.model.embedders import as_embedder

__all__ = ["SelfAttention", "self_attention"]

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class SelfAttention:
    """The ``words`` of a text, n of them, and how much each looks at each.

    Row i of ``weights`` [n, n] is how much word i looks at each word, and sums to one; row i of
    ``output`` [n, d] is what it has gathered from them.
    """

    words: list[str]
    weights: Array
    output: Array

    def plot(self, ax: Any = None) -> Any:
        """Draw the weights as a heat map, a row for each word, and return matplotlib's axes.

        On the axes ``ax``, or else on a new figure. ``ImportError`` where matplotlib is not
        installed: it comes with the extra ``plot``.
        """
        n = len(self.words)
        ax = new_axes(n, n) if ax is None else ax
        heat_map(ax, self.weights, self.words, self.words)
        ax.set(xlabel="the word it looks at", ylabel="the word that looks", title="Self-attention")
        return ax


def self_attention(embedder: Any, text: str, *, scale: float = 2.0) -> SelfAttention:
    """Let the words of a text look at each other: each word is query, key and value.

    ``embedder`` is anything that `fuzzydict.model.embedders.as_embedder` takes: "default", gensim's
    ``KeyedVectors``, a callable from a list of words to an array [n, d]… Its rows count by their
    direction alone, so that ``scale``, above 0, multiplies their cosines. With 2, a word looks
    e² ≈ 7 times as much at itself as at a word that it has nothing to do with; a larger one is
    sharper. ``ValueError`` where the text has no words. O(n² · d).

    >>> result = self_attention(lambda words: np.eye(len(words)), "the river bank")
    >>> result.words, bool(result.weights[0, 0] > result.weights[0, 1])
    (['the', 'river', 'bank'], True)
    """
    words = re.findall(r"\w+(?:['’-]\w+)*", text)
    if not words:
        raise ValueError(f"no words in {text!r}")
    x = as_embedder(embedder).encode(words)  # (n, d), of unit length
    output, weights = attention(x, x, x, scale=scale)
    return SelfAttention(words, weights, output)
