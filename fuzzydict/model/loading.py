"""Loading models: each shipped one once in a process."""

import copyreg
import os
import threading
from typing import Any

from fuzzydict import forking
from fuzzydict.model.arrays import digest
from fuzzydict.model.choice import program_model
from fuzzydict.model.files import model_file, read_model
from fuzzydict.model.networks import ScorerNetworks
from fuzzydict.model.word_embedder import WordEmbedder
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError

__all__ = ["default_networks", "fingerprint", "load"]


def load(name: str | os.PathLike[str]) -> WordEmbedder:
    """Return the model ``name`` that is shipped, as "default" and "brown", or that is in a file.

    A shipped model is loaded once. ``FileNotFoundError`` where there is no such model.
    """
    path = model_file(name)
    shipped = data_file(f"{os.fspath(name)}.safetensors")
    return _MODELS.load(os.fspath(name)) if path == shipped else WordEmbedder.from_file(path)


def fingerprint(name: str | os.PathLike[str]) -> tuple[str, int]:
    """Return the fingerprint of a model that is shipped or in a file, without loading it."""
    arrays, _ = read_model(path := model_file(name))
    if not {"words", "vectors"} <= arrays.keys() or arrays["vectors"].ndim != 2:
        raise FileFormatError(f"{path}: not a model of words")
    return digest(arrays["words"].tobytes(), arrays["vectors"]), arrays["vectors"].shape[1]


class _Models:
    """The shipped models that are loaded; each is loaded once, whatever the number of threads."""

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
        embedder = WordEmbedder.from_file(data_file(f"{name}.safetensors"))
        embedder.name, embedder.shipped = name, True
        self.loaded[name] = embedder  # when it is complete
        return embedder

    def _after_fork(self) -> None:
        self.lock = threading.RLock()


_MODELS = _Models()


def default_networks() -> ScorerNetworks:
    """Return the scorer of the program's model, or else that of the default model.

    ``LookupError`` if neither has one.
    """
    networks = load(program_model()).score or load("default").score
    if networks is None:
        raise LookupError("the default model was built without its scorer")
    return networks


def _reduce(embedder: WordEmbedder) -> Any:
    """Reduce a shipped model to its name, for copies and pickles."""
    return (load, (embedder.name,)) if embedder.shipped else embedder.__reduce_ex__(4)


copyreg.pickle(WordEmbedder, _reduce)
