"""Check that a wheel or sdist installs and works: ``python .ci/installation.py dist/*.tar.gz``.

It is installed into a folder with spaces and letters outside ASCII, with and without a compiler,
and used from another folder, also when nobody may write to it. Prints size and time of each.
"""

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

PROGRAM = """
import os, sys, tempfile, warnings
warnings.simplefilter("ignore")
from fuzzydict import FuzzyDict
from fuzzydict.implementation import native

d = FuzzyDict({"color": "red", "top speed": 250})
assert (d["colour"], d["velocity"], "parliament" in d) == ("red", 250, False)
path = os.path.join(tempfile.mkdtemp(), "größe d.fuzzydict")
d.save(path)
assert FuzzyDict.load(path)["hue"] == "red"
print("native" if native else "reference", end="")
"""


def size(folder: Path) -> float:
    """Return the size of all files in a folder in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def check(package: Path, folder: Path, **environment: str) -> str:
    """Install the package into a new environment, use it, and return what it used."""
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    before, start = size(folder), time.monotonic()
    # Linux limits the length of a script's first line, so that pip is run as a module.
    command = [python, "-m", "pip", "install", "-q", "--no-cache-dir", package.resolve()]
    subprocess.run(command, check=True, env={**os.environ, **environment})
    seconds, after = time.monotonic() - start, size(folder)
    site = next(folder.rglob("site-packages"))
    for path in sorted(site.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run(
                [python, "-c", PROGRAM], cwd=elsewhere, check=True, capture_output=True, text=True
            )
        subprocess.run([python, "-m", "fuzzydict", "models"], check=True, cwd=folder.parent)
    finally:
        for path in [site, *sorted(site.rglob("*"))]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    print(f"{package.name}: {done.stdout}, {after - before:.1f} MB, {seconds:.0f} s, {environment}")
    return done.stdout


def main() -> None:
    """Check each package that is named."""
    for package in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            check(package, Path(folder, "mit Leerzeichen é"))
            if package.suffix == ".gz":
                without = {"CC": "false", "CXX": "false"}
                assert check(package, Path(folder, "no compiler"), **without) == "reference"


if __name__ == "__main__":
    main()
