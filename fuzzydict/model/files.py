"""Files of models: where they are, and their format."""

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError, read_arrays

__all__ = ["MODEL_FORMAT", "is_shipped", "model_file", "read_model"]

MODEL_FORMAT = "2"


def model_file(name: str | os.PathLike[str]) -> Path:
    """Return the file of a model that is shipped, or of one that is in a file.

    ``FileNotFoundError`` where there is no such model.
    """
    for path in (data_file(f"{os.fspath(name)}.safetensors"), Path(name)):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f'no model {os.fspath(name)!r}: neither shipped, as "default" and "brown" are, nor a file'
    )


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Return True for a file of the package."""
    return Path(path) == data_file(Path(path).name)


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays and the name of a model file; its format must be the current one."""
    # A shipped file gets replaced, but is never changed in place.
    arrays, metadata = read_arrays(path, mapped=is_shipped(path))
    found = metadata.get("format", MODEL_FORMAT)  # of other programs' files there is none
    if found != MODEL_FORMAT:
        raise FileFormatError(
            f"{os.fspath(path)}: not a model of words of the format {MODEL_FORMAT!r}, but {found!r}"
            ": train it again, or use the version of FuzzyDict that wrote it"
        )
    return arrays, metadata.get("name", os.fspath(path))
