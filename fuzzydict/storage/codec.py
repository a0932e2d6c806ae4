"""Values as text: JSON data and NumPy arrays; never pickle, nothing executed on reading.

`dumps` rejects values that `loads` could not restore exactly, so that nothing is lost silently: a
tuple, a nested dict with numbers as keys, an instance of a class.
"""

import base64
import re
from typing import Any

import numpy as np

__all__ = ["dumps", "loads"]

_TAG = "$fuzzydict"  # the key of a dict that represents something else
_DTYPE = re.compile(r"[<>|=]([biufc]\d{1,2}|[SU]\d{1,9}|[mM]8(\[\w+\])?)")


def dumps(value: Any) -> str:
    """Return a value as JSON, in ASCII.

    Values are None, bool, int, float (also NaN and infinity), str, lists and dicts of these with
    text as keys, and NumPy arrays and numbers of any dtype except objects and records.
    ``TypeError`` for anything else, ``ValueError`` for values nested too deeply or in themselves.

    >>> dumps({"tags": ["red", None], "size": 1.5})
    '{"tags": ["red", null], "size": 1.5}'
    """
    import json

    try:
        return json.dumps(_plain(value))
    except RecursionError:
        raise ValueError("it is nested too deeply, or contains itself") from None


def loads(text: str | bytes) -> Any:
    """Return the value that `dumps` turned into text; ``ValueError`` for any other text.

    >>> loads(dumps({"size": 1.5, "speeds": np.array([1, 2])}))
    {'size': 1.5, 'speeds': array([1, 2])}
    """
    import json

    try:
        return json.loads(text, object_hook=_restored)
    except (RecursionError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(f"not a value written by dumps: {error}") from error


def _plain(value: Any) -> Any:
    """Return the value as JSON data."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_plain(each) for each in value]
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise TypeError(f"keys of nested dicts must be text, got {key!r}")
        plain = {key: _plain(each) for key, each in value.items()}
        return {_TAG: "dict", "items": list(plain.items())} if _TAG in plain else plain
    if isinstance(value, np.generic) or kind is np.ndarray:
        dtype = value.dtype.str
        if not _DTYPE.fullmatch(dtype):
            raise TypeError(f"arrays of {value.dtype} are not supported")
        data = base64.b64encode(value.tobytes()).decode()
        tagged = {_TAG: dtype, "data": data}
        return tagged if isinstance(value, np.generic) else tagged | {"shape": list(value.shape)}
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not JSON data")


def _restored(data: dict[str, Any]) -> Any:
    """Return the value that a dict represents."""
    kind = data.get(_TAG)
    if kind is None:
        return data
    if kind == "dict":
        return dict(data["items"])
    if not _DTYPE.fullmatch(kind):
        raise ValueError(f"invalid dtype {kind!r}")
    numbers = np.frombuffer(base64.b64decode(data["data"], validate=True), np.dtype(kind))
    array = numbers.reshape(data.get("shape", [])).copy()
    return array if "shape" in data else array[()]
