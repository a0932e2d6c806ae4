"""Self-attention over the words of a text: each word attends to all words."""

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
    """The ``words`` of a text and their self-attention.

    Row i of ``weights`` [n, n] has the weights of all words for word i and sums to one; row i of
    ``output`` [n, d] is the weighted mean of their vectors.
    """

    words: list[str]
    weights: Array
    output: Array

    def _repr_html_(self) -> str:
        """Return the weights as a table for a notebook."""
        from fuzzydict.notebook import matrix

        return matrix(self.words, self.words, self.weights.tolist())

    def plot(self, ax: Any = None) -> Any:
        """Draw the weights as a heat map on the axes ``ax``, or a new figure; return the axes.

        ``ImportError`` if matplotlib (the extra ``plot``) is not installed.
        """
        n = len(self.words)
        ax = new_axes(n, n) if ax is None else ax
        heat_map(ax, self.weights, self.words, self.words)
        ax.set(xlabel="key", ylabel="query", title="Self-attention")
        return ax


def self_attention(embedder: Any, text: str, *, scale: float = 2.0) -> SelfAttention:
    """Return the self-attention of a text: each word is a query, a key and a value.

    O(n² · d).

    Args:
        embedder: As in `FuzzyDict`: "default", gensim's ``KeyedVectors``, a callable from a list of
            words to an array [n, d]… Rows are normalised to unit length.
        text: A text with at least one word.
        scale: A positive factor of the cosines. With 2, a word gives itself e² ≈ 7 times the weight
            of an unrelated word; larger values sharpen the weights.

    Raises:
        ValueError: The text has no words.

    >>> result = self_attention(lambda words: np.eye(len(words)), "the river bank")
    >>> result.words, bool(result.weights[0, 0] > result.weights[0, 1])
    (['the', 'river', 'bank'], True)
    """
    words = re.findall(r"\w+(?:['’-]\w+)*", text)
    if not words:
        raise ValueError(f"the text must contain a word, got {text!r}")
    x = as_embedder(embedder).encode(words)  # (n, d), unit length
    output, weights = attention(x, x, x, scale=scale)
    return SelfAttention(words, weights, output)
