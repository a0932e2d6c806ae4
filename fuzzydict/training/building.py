"""Build a model file: train the vectors, fit the scorer on lookups made from WordNet."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.model.embedders import WordEmbedder
from fuzzydict.model.files import MODEL_FORMAT, read_model, unpacked
from fuzzydict.model.networks import ScorerNetworks
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import write_arrays
from fuzzydict.text.tokens import words as split_words
from fuzzydict.training import corpora, fitting, tables, vectors, word_traits
from fuzzydict.training.bars import bar
from fuzzydict.training.episodes import Episode, episodes
from fuzzydict.training.features import phrase_lookups, word_lookups
from fuzzydict.training.glossary import read_aliases, read_alternatives, read_redundant_words
from fuzzydict.training.graph import antonym_pairs, read_graph
from fuzzydict.training.lexicon import LexiconEntry, read_lexicon
from fuzzydict.training.names import things_by_name
from fuzzydict.training.thesaurus import Thesaurus, build_thesaurus
from fuzzydict.training.vectors import WordVectors

__all__ = [
    "MODELS",
    "Recipe",
    "build",
    "fit_model_scorer",
    "fit_scorer",
    "model_arrays",
    "write_tables",
]

Floats = NDArray[np.float32]

_VECTORS = ("words", "vectors", "scale", "counts", "density")
_BROWN = "LicenseRef-Brown-noncommercial"
_WORDNET = "MIT AND LicenseRef-WordNet"


class Recipe(NamedTuple):
    """How the vectors of a model are trained, of what, and under which licence it comes."""

    train: Callable[..., WordVectors]
    sources: str
    licence: str  # an SPDX expression
    packed_from: int | None = None  # the first word whose vector takes 4 bits a number

    def metadata(self, name: str) -> dict[str, str]:
        """Return what the model file says about itself."""
        about = {"name": name, "sources": self.sources, "licence": self.licence}
        return about | {"format": MODEL_FORMAT}


MODELS = {
    "default": Recipe(
        vectors.train_default,
        "Brown (non-commercial use), WordNet 3.0, FuzzyDict lexicon, all-MiniLM-L6-v2",
        f"{_WORDNET} AND Apache-2.0 AND {_BROWN}",
    ),
    "open": Recipe(
        vectors.train_open,
        "WordNet 3.0, FuzzyDict lexicon, all-MiniLM-L6-v2",
        f"{_WORDNET} AND Apache-2.0",
        packed_from=20_000,
    ),
    "wordnet": Recipe(vectors.train_wordnet, "WordNet 3.0, FuzzyDict lexicon", _WORDNET),
    "brown": Recipe(
        lambda _, seed: vectors.train_brown(seed=seed),
        "Brown (non-commercial use)",
        f"MIT AND {_BROWN}",
    ),
}
"""The models that can be trained, by name."""


def build(
    name: str,
    path: str | os.PathLike[str],
    *,
    seed: int = 1,
    lookups: int = 10_000,
    vectors_of: str | os.PathLike[str] | None = None,
) -> None:
    """Build a model and write it to a file.

    The same corpora give the same bytes on the same machine.

    Args:
        name: One of `MODELS`.
        path: The file to write.
        seed: Of everything that is random.
        lookups: The number of small dictionaries on which the scorer is fitted.
        vectors_of: A model of which words and vectors are taken, so that only the scorer is fitted,
            as after a change of its features. By default they are trained.

    Raises:
        CorpusNotFoundError: NLTK cannot find or download a corpus.
        FileFormatError: ``vectors_of`` is no model.
        KeyError: There is no model of this name.
        OSError: A file cannot be read or written.
    """
    recipe = MODELS[name]
    lexicon = read_lexicon(data_file("lexicon"))
    if vectors_of is None:
        arrays = model_arrays(recipe.train(lexicon, seed=seed))
    else:
        found, _ = read_model(vectors_of)
        arrays = {part: np.array(found[part]) for part in _VECTORS}
    arrays |= _traits(arrays["words"].tobytes().decode().split("\n"), lexicon)
    if recipe.packed_from is not None:
        arrays = vectors.pack(arrays, recipe.packed_from)
    embedder = WordEmbedder.from_arrays(unpacked(arrays), name)
    score = fit_model_scorer(embedder, lookups, seed)
    write_arrays(path, {**arrays, **score.to_arrays()}, recipe.metadata(name))


def fit_model_scorer(embedder: WordEmbedder, lookups: int, seed: int) -> ScorerNetworks:
    """Return the scorer fitted on lookups made from WordNet and the lexicon.

    ``CorpusNotFoundError`` if NLTK cannot get WordNet.
    """
    lexicon = read_lexicon(data_file("lexicon"))
    thesaurus = build_thesaurus(corpora.wordnet_reader(), lexicon)
    return fit_scorer(embedder, thesaurus, n=lookups, seed=seed)


def model_arrays(trained: WordVectors) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a model file; words with the same spelling are merged."""
    rows: dict[str, int] = {}
    for row, word in enumerate(trained.words):
        rows.setdefault(" ".join(split_words(word)), row)
    rows.pop("", None)
    chosen = np.fromiter(rows.values(), np.intp, len(rows))
    quantised, scale = vectors.quantise(trained.vectors[chosen])
    return {
        "words": np.frombuffer("\n".join(rows).encode(), np.uint8),
        "vectors": quantised,
        "scale": scale,
        "counts": trained.counts[chosen].astype(np.uint32),
        "density": np.round(255 * _density(trained.vectors[chosen]).clip(0, 1)).astype(np.uint8),
    }


def _traits(
    words: Sequence[str], lexicon: Sequence[LexiconEntry]
) -> dict[str, NDArray[np.generic]]:
    """Return which of the words are names, and which are redundant, as shares of 255."""
    graph = read_graph(lexicon)
    redundant = read_redundant_words(data_file("glossary"))
    traits = {
        "names": word_traits.names(words, graph, corpora.wordnet_reader()),
        "redundancy": word_traits.redundancy(words, graph, redundant),
    }
    return {name: np.round(255 * trait).astype(np.uint8) for name, trait in traits.items()}


def _density(unit: Floats, nearest: int = 10) -> Floats:
    """Return the mean cosine of each word to its nearest neighbours.

    In dense regions, neighbours need not be synonyms (CSLS, Conneau et al., 2018).
    O(words² · d).
    """
    result = np.zeros(len(unit), np.float32)
    nearest = min(nearest, len(unit) - 1)
    for start in bar(range(0, len(unit), 1000), desc="density", unit="k words"):
        cosines = unit[start : start + 1000] @ unit.T
        top = np.partition(cosines, -nearest - 1, axis=1)[:, -nearest - 1 :]
        result[start : start + 1000] = (top.sum(axis=1) - 1) / max(nearest, 1)
    return result


def fit_scorer(
    embedder: WordEmbedder,
    thesaurus: Thesaurus,
    *,
    n: int = 10_000,
    units: tuple[int, int] = (21, 42),
    epochs: int = 24,
    seed: int = 1,
) -> ScorerNetworks:
    """Return the scorer fitted on ``n`` episodes, with its cutoff chosen on others."""

    def made(count: int, offset: int, *, single: bool = False) -> Iterable[Episode]:
        found = episodes(thesaurus, count, 1000 * seed + offset, single=single)
        shown: Iterable[Episode] = bar(found, total=count, desc="lookups", unit="dictionary")
        return shown

    lookups = word_lookups(made(n * 3 // 5, 1, single=True), embedder)
    words = fitting.fit_ensemble(lookups, units[0], epochs=epochs, title="words")
    lookups = phrase_lookups(made(n, 2), words, embedder)
    phrases = fitting.fit_ensemble(lookups, units[1], epochs=epochs, title="phrases")
    held_out = phrase_lookups(made(n // 8, 3), words, embedder)
    # These lookups are harder than real ones: 3 of 8 have no answer, and most of those are similar
    # to a key. With 2.75% wrong answers here there are fewer than 2% where people type keys.
    return ScorerNetworks(words, phrases, fitting.choose_cutoff(phrases, held_out, wrong=0.0275))


def write_tables(folder: Path) -> None:
    """Write the tables of opposites, aliases, names and irregular forms into ``folder``."""
    wordnet, lexicon = corpora.wordnet_reader(), read_lexicon(data_file("lexicon"))
    tables.write_irregular_forms(wordnet, folder / "irregular.tsv")
    glossary = read_aliases(data_file("glossary"))
    tables.write_aliases(glossary, folder / "aliases.tsv")
    thesaurus = build_thesaurus(wordnet, lexicon)
    things = things_by_name(wordnet, glossary, read_alternatives(data_file("glossary")), thesaurus)
    tables.write_names(things, folder / "names.tsv")
    graph = read_graph(lexicon)
    tables.write_opposites(antonym_pairs(graph), folder / "opposites.tsv")
