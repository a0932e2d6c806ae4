"""Files that are shipped with the package."""

from pathlib import Path

__all__ = ["data_file", "read_table"]


def data_file(name: str) -> Path:
    """Return the path of a file that is shipped with the package, there or not."""
    # An installed package holds its data inside itself, a checkout beside itself.
    package = Path(__file__).parent
    installed = package / "data" / name
    return installed if installed.exists() else package.parent / "data" / name


def read_table(name: str) -> dict[str, tuple[str, ...]]:
    """Read a table of words that is shipped with the package: ``word<TAB>word,word`` a line."""
    lines = data_file(name).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {word: tuple(others.split(",")) for word, others in pairs}
