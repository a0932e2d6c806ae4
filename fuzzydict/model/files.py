"""Files of models: where they are, and their format."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError, read_arrays, read_header

__all__ = [
    "MODEL_FORMAT",
    "SHIPPED",
    "ModelInfo",
    "is_shipped",
    "model_file",
    "model_info",
    "read_model",
]

MODEL_FORMAT = "2"
SHIPPED = ("default", "brown")
"""The names of the models that are shipped."""


class ModelInfo(NamedTuple):
    """What a model file says about itself."""

    name: str
    words: int
    dimension: int
    size: int  # bytes
    licence: str  # an SPDX expression
    sources: str


def model_file(name: str | os.PathLike[str]) -> Path:
    """Return the file of a model that is shipped, or of one that is in a file.

    ``FileNotFoundError`` where there is no such model.
    """
    for path in (data_file(f"{os.fspath(name)}.safetensors"), Path(name)):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"no model {os.fspath(name)!r}: neither shipped, as "
        f"{', '.join(SHIPPED[:-1])} and {SHIPPED[-1]} are, nor a file"
    )


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Return True for a file of the package."""
    return Path(path) == data_file(Path(path).name)


def model_info(name: str | os.PathLike[str]) -> ModelInfo:
    """Return what a model file says about itself; only its header is read.

    ``FileNotFoundError`` if there is no such model, `FileFormatError` if it is no model.
    """
    path = model_file(name)
    shapes, metadata = read_header(path)
    rows = shapes.get("vectors", ())
    if len(rows) != 2:
        raise FileFormatError(f"{path}: not a model of words")
    sources = metadata.get("sources", "unknown")
    licence = metadata.get("licence", "unknown")  # of models from before they said so
    if licence == "unknown" and "non-commercial" in sources:
        licence = "non-commercial use"
    found = metadata.get("name", path.stem)
    return ModelInfo(found, *rows, path.stat().st_size, licence, sources)


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays and the name of a model file of any format so far.

    Of a file of format 1 the scorer is left out, because it was fitted on other features: the model
    is used with the scorer of a shipped one. `FileFormatError` if the format is newer.
    """
    # A shipped file gets replaced, but is never changed in place.
    arrays, metadata = read_arrays(path, mapped=is_shipped(path))
    found = metadata.get("format", MODEL_FORMAT)  # of other programs' files there is none
    if found == "1":
        arrays = {name: each for name, each in arrays.items() if not name.startswith("score.")}
    elif found != MODEL_FORMAT:
        raise FileFormatError(
            f"{os.fspath(path)}: a model of the format {found!r}; this version of FuzzyDict reads "
            f"formats up to {MODEL_FORMAT!r}: upgrade FuzzyDict, or train the model again"
        )
    return arrays, metadata.get("name", os.fspath(path))
