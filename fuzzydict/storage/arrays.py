"""Arrays and JSON in one file, in the safetensors format; never pickle, nothing executed on load.

Files are written by the ``safetensors`` package. They are read here, because a reader that maps a
large file shares its pages between processes, and the package's NumPy reader copies them.
"""

import math
import os
import stat
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import mmap

__all__ = [
    "CHECKSUM",
    "FileFormatError",
    "MappedFile",
    "mapped_file",
    "read_arrays",
    "read_header",
    "write_arrays",
]

_HEADER_LIMIT = 1 << 20
_COPIED = 64 << 20  # bytes of the largest file that is copied into memory
CHECKSUM = "crc32"
_SYSTEM = os.name
_NO_SUM = "?" * 8  # stands in the place of the checksum where that is made
_DTYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}


class FileFormatError(ValueError):
    """The file is not what it says: cut short, garbled, or of another kind."""


def write_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    *,
    checked: bool = False,
) -> str:
    """Write ``arrays`` and ``metadata`` to ``path``, whole or not at all; same input, same bytes.

    The data go to a temporary file in the same folder, are synced, and take the place of ``path``
    in one step. With ``checked`` the file has a checksum among its metadata, `CHECKSUM`, which is
    returned; else the answer is empty. ``OSError`` where the folder cannot be written.
    """
    import tempfile  # what reading a file does without is imported here: it takes its time

    from safetensors.numpy import save

    path = Path(path)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    checksum = ""
    if checked:
        metadata = {**metadata, CHECKSUM: _NO_SUM}
    data = _with_sorted_metadata(save(contiguous), dict(metadata))
    if checked:
        checksum = _checksum([data])
        data = data.replace(_NO_SUM.encode(), checksum.encode(), 1)
    descriptor, temporary = tempfile.mkstemp(prefix=path.name, suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644)
        _replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    with suppress(PermissionError):  # of Windows, where folders need not be synced
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return checksum


def _replace(temporary: str, path: Path) -> None:
    try:
        os.replace(temporary, path)
    except PermissionError as error:
        if _SYSTEM != "nt":
            raise
        # Windows replaces no file that is mapped into memory, as a large dictionary's is.
        told = "it may be in use by a loaded dictionary; save under another name"
        raise PermissionError(
            error.errno, f"cannot be replaced: {told}", os.fspath(path)
        ) from error


def _checksum(parts: Iterable[bytes | memoryview]) -> str:
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return f"{checksum:08x}"


def _with_sorted_metadata(data: bytes, metadata: dict[str, str]) -> bytes:
    import json

    # The package writes the metadata in the order of a hash table, which differs from run to run.
    length = int.from_bytes(data[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8 : 8 + length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


class MappedFile(NamedTuple):
    """A file that is mapped into memory, and what it was like before that."""

    path: str
    stamp: tuple[int, int, int, int]  # device, inode, size, time of modification

    def require_unchanged(self) -> None:
        """Raise `FileFormatError` if the file was changed in place.

        To read beyond the end of a file that was truncated would end the process. A file that was
        replaced or removed is still there for those who have mapped it.
        """
        try:
            now = _stamp(self.path)
        except OSError:
            return
        if now[:2] == self.stamp[:2] and now != self.stamp:
            raise FileFormatError(f"{self.path}: changed since it was loaded; load it again")


def mapped_file(path: str | os.PathLike[str]) -> MappedFile | None:
    """Return the file that `read_arrays` is about to map, or None if it will copy it."""
    stamp = _stamp(path)
    return MappedFile(os.path.abspath(path), stamp) if stamp[2] > _COPIED else None


def _stamp(path: str | os.PathLike[str]) -> tuple[int, int, int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def read_arrays(
    path: str | os.PathLike[str], *, checked: bool = False, mapped: bool = False
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays of the file ``path``, read-only, and its metadata.

    A file of up to 64 MB is copied into memory. A larger one is mapped: its pages are read when
    they are first used, and shared with every other process that maps the file. It must not be
    changed in place meanwhile, because reading beyond the end of a truncated file ends the process;
    to replace or remove it is safe. Pass ``mapped`` for a smaller file to which nobody does that.

    With ``checked`` the whole file is read to compare its checksum, and arrays may be written to:
    what is written stays in this process. ``FileFormatError`` where the file does not keep its
    format, ``OSError`` where it cannot be read.
    """
    with open(path, "rb") as file:
        length = _header_length(path, file)
        text = file.read(length)
        mapping = None
        if mapped or os.fstat(file.fileno()).st_size > _COPIED:
            mapping = _mapping(file, is_private=checked)
        if mapping is None:
            data = np.fromfile(file, np.uint8)
            data.flags.writeable = checked
        else:
            data = np.frombuffer(mapping, np.uint8)[8 + length :]
    try:
        arrays, metadata = _parse(text, data)
        if checked:
            found = metadata.get(CHECKSUM, "")
            text = text.replace(found.encode(), _NO_SUM.encode(), 1)
            if found != _checksum([length.to_bytes(8, "little"), text, data.data]):
                raise ValueError("damaged, or not a file that has a checksum")
        return arrays, metadata
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"{os.fspath(path)}: {error}") from error


def read_header(
    path: str | os.PathLike[str],
) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Return the shapes of the arrays of a file, and its metadata; the arrays are not read.

    ``FileFormatError`` where the file does not keep its format, ``OSError`` where it cannot be
    read.
    """
    import json

    with open(path, "rb") as file:
        text = file.read(_header_length(path, file))
    try:
        header = json.loads(text)
        metadata = {name: str(value) for name, value in header.pop("__metadata__", {}).items()}
        return {name: tuple(map(int, each["shape"])) for name, each in header.items()}, metadata
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"{os.fspath(path)}: {error}") from error


def _mapping(file: BinaryIO, *, is_private: bool) -> "mmap.mmap | None":
    """Map a file into memory; return None where the system cannot, as WebAssembly."""
    try:
        import mmap

        access = mmap.ACCESS_COPY if is_private else mmap.ACCESS_READ
        return mmap.mmap(file.fileno(), 0, access=access)
    except (ImportError, OSError):
        return None


def _header_length(path: str | os.PathLike[str], file: BinaryIO) -> int:
    """Read the length of the header, in bytes, from the start of the file."""
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or not 2 <= length <= min(_HEADER_LIMIT, size - 8):
        raise FileFormatError(f"{os.fspath(path)}: not a safetensors file, or cut short")
    return length


def _parse(text: bytes, data: NDArray[np.uint8]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    import json

    header = json.loads(text)
    metadata = header.pop("__metadata__", {})
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata must be text")
    arrays: dict[str, NDArray[Any]] = {}
    expected = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape = _DTYPES[entry["dtype"]], entry["shape"]
        start, end = entry["data_offsets"]
        if not all(isinstance(number, int) and number >= 0 for number in shape):
            raise ValueError(f"array {name!r} has the shape {shape}")
        if start != expected or end - start != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"array {name!r} does not fill its place")
        arrays[name] = data[start:end].view(dtype).reshape(shape)
        expected = end
    if expected != len(data):
        raise ValueError(f"{len(data)} bytes of arrays, {expected} described")
    return arrays, metadata
