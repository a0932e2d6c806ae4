"""Build a model of the user's own text: Word2Vec, with the scorer of a shipped model.

The vectors of Word2Vec differ from text to text, but the scorer needs their cosines alone, so that
the one of a shipped model usually suits them, and nothing has to be fitted.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.model.arrays import unit_length
from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import WordEmbedder, load, networks_for
from fuzzydict.model.files import MODEL_FORMAT
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import write_arrays
from fuzzydict.training import corpora, vectors
from fuzzydict.training.building import fit_model_scorer, model_arrays
from fuzzydict.training.episodes import episodes
from fuzzydict.training.features import phrase_lookups
from fuzzydict.training.fitting import answered
from fuzzydict.training.lexicon import read_lexicon
from fuzzydict.training.thesaurus import build_thesaurus

__all__ = ["Fit", "build_from_sentences", "check_scorer", "neighbours"]

_MOST_WRONG = 0.05  # of the lookups, at which a scorer still suits a model


class Fit(NamedTuple):
    """How well a scorer suits the vectors of a model: shares of lookups made from WordNet."""

    correct: float
    wrong: float

    @property
    def is_good(self) -> bool:
        """Are wrong answers about as rare as in a shipped model?"""
        return self.wrong <= _MOST_WRONG


def build_from_sentences(
    sentences: Iterable[Sequence[str]],
    path: str | os.PathLike[str],
    *,
    seed: int = 1,
    lookups: int = 10_000,
    refit: bool = False,
) -> WordEmbedder:
    """Train Word2Vec on sentences and write the model to a file.

    Args:
        sentences: Each a list of words in lower case.
        path: The file to write.
        seed: Of everything that is random.
        lookups: The number of small dictionaries on which a scorer is fitted.
        refit: Fit a scorer for these vectors. By default the one of the program's model is used
            (see `fuzzydict.use_model`), which needs no corpus of NLTK.

    Returns:
        The model.

    Raises:
        ValueError: No word is frequent enough.
        CorpusNotFoundError: With ``refit``: NLTK cannot get WordNet.
        OSError: The file cannot be written.
    """
    name = Path(path).stem
    trained = vectors.train_word2vec([list(sentence) for sentence in sentences], seed=seed)
    arrays = model_arrays(trained)
    arrays |= _traits(arrays["words"].tobytes().decode().split("\n"))
    plain = WordEmbedder.from_arrays(arrays, name)
    score = fit_model_scorer(plain, lookups, seed) if refit else networks_for(plain)
    arrays |= score.to_arrays()
    about = {"name": name, "sources": "the user's own text", "licence": "the user's own"}
    write_arrays(path, arrays, {**about, "format": MODEL_FORMAT})
    return WordEmbedder.from_arrays(arrays, name)


def _traits(words: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Return how probably words are names or redundant, as the program's model says it: of 255."""
    table = load(program_model()).table
    rows = np.array([table.rows.get(word, -1) for word in words], np.intp)
    return {
        name: np.round(255 * np.where(rows < 0, 0, trait[rows])).astype(np.uint8)
        for name, trait in (("names", table.names), ("redundancy", table.redundancy))
    }


def check_scorer(embedder: WordEmbedder, n: int = 200, seed: int = 1) -> Fit:
    """Return how well the scorer of a model suits its vectors, on ``n`` dictionaries.

    A shipped model with its own scorer has about 0.03 wrong. ``CorpusNotFoundError`` if NLTK cannot
    get WordNet.
    """
    lexicon = read_lexicon(data_file("lexicon"))
    thesaurus = build_thesaurus(corpora.wordnet_reader(), lexicon)
    score = networks_for(embedder)
    lookups = phrase_lookups(episodes(thesaurus, n, 1000 * seed + 4), score.pairs, embedder)
    return Fit(*answered(score.texts, lookups, score.cutoff))


def neighbours(
    embedder: WordEmbedder, words: int = 8, nearest: int = 5
) -> list[tuple[str, list[str]]]:
    """Return some usual words of a model, each with its nearest neighbours.

    The words are evenly spread over the more frequent half of the content words. O(words · n · d).
    """
    table = embedder.table
    content = np.flatnonzero(table.weights > np.median(table.weights[: len(table) // 8 + 1]))
    chosen = content[: len(content) // 2 + 1]
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(words, len(chosen))).astype(np.intp)]
    unit = unit_length(table.vectors_at(np.arange(len(table))))
    found = []
    for row in chosen.tolist():
        order = np.argsort(-(unit @ unit[row]), kind="stable")[: nearest + 1].tolist()
        others = [table.texts[place] for place in order if place != row]
        found.append((table.texts[row], others[:nearest]))
    return found
