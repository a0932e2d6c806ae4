"""Model files: the ones that are shipped with the package, and those of users."""

import os
import threading
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fuzzydict import forking
from fuzzydict.model.networks import ScorerNetworks, default_networks
from fuzzydict.model.vocabulary import Vocabulary, WithoutVectors
from fuzzydict.model.word_embedder import WordEmbedder
from fuzzydict.model.word_table import digest
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError, read_arrays

__all__ = [
    "MODEL_FORMAT",
    "fingerprint",
    "load",
    "model_file",
    "networks_for",
    "vocabulary_for",
    "word_embedder_for",
]

MODEL_FORMAT = "1"


def load(name: str | os.PathLike[str]) -> WordEmbedder:
    """Return a model: "default", "brown", or that of a file which ``fuzzydict train`` wrote.

    A shipped model is loaded once. Files of more than 64 MB, and shipped models, are mapped into
    memory: they may be replaced or removed meanwhile, but must not be changed in place.

    Raises:
        FileNotFoundError: There is no such model.
        FileFormatError: The file is not a model, is damaged or has another format.
    """
    path = model_file(name)
    by_name = path == data_file(f"{os.fspath(name)}.safetensors")
    return _MODELS.load(os.fspath(name)) if by_name else _read(path)


def fingerprint(name: str | os.PathLike[str]) -> tuple[str, int]:
    """Return the fingerprint of a model (see `WordEmbedder.fingerprint`) without loading it."""
    arrays, _ = _read_arrays(path := model_file(name))
    if not {"words", "vectors"} <= arrays.keys() or arrays["vectors"].ndim != 2:
        raise FileFormatError(f"{path}: not a word model")
    return digest(arrays["words"], arrays["vectors"]), arrays["vectors"].shape[1]


def model_file(name: str | os.PathLike[str]) -> Path:
    """Return the path of the file of a model.

    Raises:
        FileNotFoundError: There is no such model.
    """
    for path in (data_file(f"{os.fspath(name)}.safetensors"), Path(name)):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f'no model {os.fspath(name)!r}: pass "default", "brown" or the path of a model file'
    )


def _is_shipped(path: Path) -> bool:
    return path == data_file(path.name)


def _read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays and the name of a model file of the current format."""
    # A shipped file gets replaced, but never changed in place.
    arrays, metadata = read_arrays(path, mapped=_is_shipped(path))
    found = metadata.get("format", MODEL_FORMAT)  # files of other programs have none
    if found != MODEL_FORMAT:
        raise FileFormatError(
            f"{path}: not a word model of format {MODEL_FORMAT!r}, but {found!r}: train it again, "
            "or use the version of FuzzyDict that wrote it"
        )
    return arrays, metadata.get("name", str(path))


def _read(path: Path) -> WordEmbedder:
    arrays, name = _read_arrays(path)
    try:
        return WordEmbedder.from_arrays(arrays, name, verified=_is_shipped(path))
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"{path}: not a word model: {error}") from error


class _Models:
    """The shipped models in memory; each is loaded once, by any number of threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.loaded: dict[str, WordEmbedder] = {}
        forking.register(self)

    def load(self, name: str) -> WordEmbedder:
        found = self.loaded.get(name)
        if found is not None:
            return found
        with self.lock:
            return self.loaded.get(name) or self._read(name)

    def _read(self, name: str) -> WordEmbedder:
        embedder = _read(model_file(name))
        embedder.name, embedder.reload = name, load
        self.loaded[name] = embedder  # when it is complete
        return embedder

    def _after_fork(self) -> None:
        self.lock = threading.RLock()


_MODELS = _Models()


def word_embedder_for(embedder: object) -> WordEmbedder:
    """Return the embedder itself if it knows words, or else the default one."""
    return embedder if isinstance(embedder, WordEmbedder) else load("default")


def networks_for(embedder: object) -> ScorerNetworks:
    """Return the networks that score for an embedder: its own, or the default model's."""
    own = embedder.networks if isinstance(embedder, WordEmbedder) else None
    return own or default_networks()


def vocabulary_for(embedder: object) -> Vocabulary:
    """Return what the scorer knows about words with an embedder.

    An embedder of whole texts has no vectors of words; the default model then gives their weights.
    """
    words = word_embedder_for(embedder)
    return words if words is embedder else WithoutVectors(words)
