"""Files: whole or not at all, the same bytes for the same input, and never trusted."""

import json
import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fuzzydict.resources import data_file, read_table
from fuzzydict.storage import arrays as storage
from fuzzydict.storage.arrays import FileFormatError, mapped_file, read_arrays, write_arrays

ARRAYS = {
    "vectors": np.arange(-6, 6, dtype=np.int8).reshape(4, 3),
    "scale": np.array([0.5, 1.5], np.float32),
    "counts": np.array([1, 2**40], np.int64),
    "half": np.array([[1.5]], np.float16),
    "flags": np.array([True, False, True]),
    "none": np.empty((0, 3), np.float64),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    write_arrays(path, ARRAYS, {"name": "test", "about": "naïve 😀"})
    return path


def with_header(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="U8", shape=(4,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_arrays_and_metadata_come_back(path):
    arrays, metadata = read_arrays(path)
    assert metadata == {"name": "test", "about": "naïve 😀"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_the_file_is_of_the_safetensors_format(path, tmp_path):
    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, ARRAYS[name])
    theirs = tmp_path / "theirs.safetensors"
    save_file(ARRAYS, theirs)
    arrays, metadata = read_arrays(theirs)
    assert metadata == {}
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_what_is_read_cannot_be_written_unless_it_was_checked(path, tmp_path):
    for mapped in (False, True):
        arrays, _ = read_arrays(str(path), mapped=mapped)
        assert not arrays["vectors"].flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            arrays["vectors"][0] = 1
    checked = tmp_path / "checked"
    write_arrays(checked, ARRAYS, {}, checked=True)
    before = checked.read_bytes()
    for mapped in (False, True):
        arrays, _ = read_arrays(checked, checked=True, mapped=mapped)
        arrays["vectors"][0] = 1
    assert checked.read_bytes() == before


def test_a_small_file_is_copied_and_a_large_one_mapped(path, monkeypatch):
    assert mapped_file(path) is None
    arrays, _ = read_arrays(path)
    with open(path, "wb"):
        pass
    np.testing.assert_array_equal(arrays["vectors"], ARRAYS["vectors"])
    write_arrays(path, ARRAYS, {})
    monkeypatch.setattr(storage, "_COPIED", path.stat().st_size - 1)
    mapped = mapped_file(path)
    arrays, _ = read_arrays(path)
    mapped.require_unchanged()
    with open(path, "r+b") as file:  # what is changed in place is seen in a file that is mapped
        file.write(bytes(path.stat().st_size))
    assert not arrays["vectors"].any()
    with pytest.raises(FileFormatError, match="changed since it was loaded; load it again"):
        mapped.require_unchanged()
    path.unlink()
    mapped.require_unchanged()
    write_arrays(path, ARRAYS, {})
    mapped.require_unchanged()


def test_the_arrays_outlive_the_name_of_the_file(path):
    arrays, _ = read_arrays(path)
    os.unlink(path)
    np.testing.assert_array_equal(arrays["vectors"], ARRAYS["vectors"])


def test_the_same_input_gives_the_same_bytes(path, tmp_path):
    again = tmp_path / "again"
    write_arrays(again, ARRAYS, {"about": "naïve 😀", "name": "test"})
    assert again.read_bytes() == path.read_bytes()


def test_the_bytes_do_not_depend_on_the_hash_seed(tmp_path):
    program = (
        "import sys, numpy as np; from fuzzydict.storage.arrays import write_arrays\n"
        "arrays = {name: np.arange(3.0) for name in 'abcdef'}\n"
        "write_arrays(sys.argv[1], arrays, {name: name for name in 'uvwxyz'})"
    )
    written = []
    for seed in "123":
        path = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program, path], env=environment, check=True)
        written.append(path.read_bytes())
    assert len(set(written)) == 1


def test_arrays_that_are_not_contiguous_are_written_as_they_look(tmp_path):
    array = np.arange(12).reshape(3, 4).T[::2]
    write_arrays(tmp_path / "file", {"a": array}, {})
    np.testing.assert_array_equal(read_arrays(tmp_path / "file")[0]["a"], array)


def test_a_file_is_replaced_and_nothing_else_is_left(path):
    write_arrays(path, {"new": np.ones(2)}, {})
    assert list(read_arrays(path)[0]) == ["new"]
    assert os.listdir(path.parent) == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_write_that_fails_leaves_the_old_file_whole(path, monkeypatch):
    before = path.read_bytes()

    def full(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_arrays(path, {"new": np.ones(2)}, {})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_arrays(tmp_path / "nowhere" / "file", ARRAYS, {})
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        read_arrays(tmp_path)


def test_a_file_cut_short_anywhere_is_refused(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"model\.safetensors"):
            read_arrays(path)


def test_a_file_with_more_at_its_end_is_refused(path):
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FileFormatError, match="bytes of arrays"):
        read_arrays(path)


def test_a_file_with_a_damaged_header_is_read_or_refused_and_nothing_else(path):
    whole = bytearray(path.read_bytes())
    refused = 0
    for place in range(int.from_bytes(whole[:8], "little") + 8):
        for wrong in (0, ord("9"), ord('"'), 0xFF):
            damaged = bytearray(whole)
            damaged[place] = wrong
            path.write_bytes(damaged)
            try:
                read_arrays(path)
            except FileFormatError:
                refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\0" * 7,
            b"\0" * 8,
            b"\0" * 100,
            b"\xff" * 100,
            b"PK\x03\x04 not this",
            b"{}" * 50,
        ),
        *(with_header(b"{"), with_header(b"[]"), with_header(b"null"), with_header(b"\xff\xff")),
        *(with_header(b"[" * 100_000), with_header(b'{"a":' * 50_000)),
        *(with_header({"a": value}) for value in (1, None, "U8", [], {}, {"dtype": "U8"})),
        *(with_header({"__metadata__": value}) for value in (1, None, [], {"a": 1})),
        *(with_header({"a": entry(dtype)}, b"1234") for dtype in ("U7", "", None, 8, [], "O")),
        *(
            with_header({"a": entry("U8", shape)}, b"1234")
            for shape in ([3], [-4], [-2, -2], ["4"])
        ),
        *(with_header({"a": entry("U8", shape)}, b"1234") for shape in ([4.0], None, 4, [2**70])),
        with_header({"a": entry("U8", [0, 2**70], [0, 0])}),
        with_header({"a": entry("U8", [1] * 100, [0, 1])}, b"1"),
        *(
            with_header({"a": entry("U8", [4], at)}, b"1234")
            for at in ([1, 5], [4, 0], [-4, 0], [0])
        ),
        *(
            with_header({"a": entry("U8", [4], at)}, b"1234")
            for at in (None, 4, ["0", "4"], [0, 2**70])
        ),
        *(with_header({"a": entry("U8", [4], at)}, b"1234") for at in ([0, 3], [0.0, 4.0])),
        with_header({"a": entry(), "b": entry()}, b"1234"),
        with_header({"a": entry(), "b": entry(offsets=[5, 9])}, b"1234x1234"),
    ],
)
def test_a_file_that_breaks_the_format_is_refused_by_name(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"broken\.safetensors"):
        read_arrays(path)


def test_a_file_without_arrays_is_read(tmp_path):
    write_arrays(tmp_path / "file", {}, {"name": "nothing"})
    assert read_arrays(tmp_path / "file") == ({}, {"name": "nothing"})


def test_no_pickle_is_ever_loaded(tmp_path):
    path = tmp_path / "evil.npy"
    np.save(path, np.array([print], object), allow_pickle=True)
    with pytest.raises(FileFormatError):
        read_arrays(path)


def test_tables_of_words_are_shipped():
    for name in ("irregular.tsv", "opposites.tsv"):
        table = read_table(name)
        assert data_file(name).is_file()
        assert len(table) > 100
        assert all(others and all(others) for others in table.values())


def test_the_path_of_a_file_that_is_not_shipped_is_told_too():
    assert not data_file("nothing.safetensors").exists()


def test_a_system_that_cannot_map_files_copies_them(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mmap", None)  # as in WebAssembly
    arrays, _ = read_arrays(path, mapped=True)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert not array.flags.writeable


@pytest.mark.parametrize("system", ["nt", "posix"])
def test_a_file_in_use_that_windows_cannot_replace_is_an_error(path, monkeypatch, system):
    before = path.read_bytes()

    def refused(*_):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(storage.os, "replace", refused)
    monkeypatch.setattr(storage, "_SYSTEM", system)
    expected = "may be in use by a loaded dictionary" if system == "nt" else "Access is denied"
    with pytest.raises(PermissionError, match=expected):
        write_arrays(path, ARRAYS, {})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_paths_may_have_spaces_and_letters_of_any_script(tmp_path):
    folder = tmp_path / "größe und 価格"
    folder.mkdir()
    write_arrays(folder / "ein Modell.safetensors", ARRAYS, {})
    assert read_arrays(folder / "ein Modell.safetensors")[0].keys() == ARRAYS.keys()
    assert os.listdir(folder) == ["ein Modell.safetensors"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder without rights")
def test_a_read_only_folder_is_an_os_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        write_arrays(tmp_path / "model.safetensors", ARRAYS, {})
