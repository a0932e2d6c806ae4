"""A plot of what a fit learned, with matplotlib (the extra ``plot``)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzydict.integrations.plots import new_axes
from fuzzydict.ranking.projected import meaning_features
from fuzzydict.ranking.projection import Texts
from fuzzydict.text.tokens import plain, words

if TYPE_CHECKING:
    from fuzzydict.mapping import FuzzyDict

__all__ = ["plot_projections"]


def plot_projections(d: "FuzzyDict[Any, Any]", queries: Sequence[str]) -> Any:
    """Draw what `FuzzyDict.fit` made of W_Q and W_K, and return the figure.

    Three heat maps: queries as W_Q maps them and keys as W_K does, both [texts, dimensions], and
    their products, which the score adds to what it knew before. Blue is positive, red negative.

    Raises:
        ValueError: There are no queries, or the dictionary is not fitted.

    >>> from fuzzydict import FuzzyDict
    >>> plot_projections(FuzzyDict(color=1), ["hue"])
    Traceback (most recent call last):
        ...
    ValueError: the dictionary is not fitted: call fit() before
    """
    projection = d._learned.projection
    if projection is None:
        raise ValueError("the dictionary is not fitted: call fit() before")
    if not queries:
        raise ValueError("pass at least one query")
    keys = [key for key in d if isinstance(key, str)]
    texts = [plain(text) for text in (*queries, *keys)]
    split = [words(text) for text in texts]
    features = meaning_features(d.embedder, d.embedder.encode(texts), split)
    n = len(queries)
    of_queries = projection.queries(Texts(split[:n], features[:n]))[:, :-1]
    of_keys = projection.keys(keys, features[n:])[:, :-1]
    numbers = [str(i + 1) for i in range(of_queries.shape[1])]
    parts = (
        ("W_Q of queries", of_queries, queries, numbers),
        ("W_K of keys", of_keys, keys, numbers),
        ("learned score", of_queries @ of_keys.T, queries, keys),
    )
    figure = new_axes(3 * len(numbers) + len(keys) + 6, max(n, len(keys))).figure
    figure.clear()
    axes = figure.subplots(1, 3, width_ratios=[len(columns) for *_, columns in parts])
    for ax, (title, values, rows, columns) in zip(axes, parts, strict=True):
        most = float(np.abs(values).max()) or 1.0
        ax.imshow(values, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
        ax.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
        ax.set_yticks(range(len(rows)), rows)
        ax.set_title(title)
    return figure
