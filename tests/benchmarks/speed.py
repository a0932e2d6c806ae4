"""How fast FuzzyDict is: each operation as a ratio to a peer of the same run.

    python tests/benchmarks/speed.py [--only ROW,...] [--million] [--python PYTHON] [--out FOLDER]

Prints one table and writes ``speed.md``, ``speed.json`` and ``cost.png`` into the folder. Both
sides of a row take turns; a ratio is the median of those of the turns. Each row runs in a process
of its own on one core with one thread, unless it says otherwise.

Only public functions are used, so the script also measures an older installation: that of the
interpreter ``--python``, or the one that PYTHONPATH names. ``--baseline`` compares with an older
one in the same run: an interpreter, or the folder of a checkout that has been built.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from speed_plot import costs, plot
from speed_processes import NotMeasuredError, WorkerError, idle_cores, worker
from speed_rows import ROWS, Options, measure
from speed_texts import Texts
from speed_timing import Figure, table

CORES = 2  # of the rows and of the plot, at most


def run(rows: Sequence[str], options: Options) -> list[Figure]:
    """Measure the rows. One that cannot be measured has a line that says why."""
    result = []
    for name in rows:
        try:
            cores = options.cores[: ROWS[name].cores]
            if len(cores) < ROWS[name].cores:
                raise NotMeasuredError(f"needs {ROWS[name].cores} cores")
            with worker(measure, name, asdict(options), cores=cores) as turn:
                result += [Figure(**each) for each in turn()]
        except NotMeasuredError as error:
            result.append(Figure(name, name.replace("_", " "), "-", note=f"not measured: {error}"))
        except WorkerError as error:
            result.append(Figure(name, name.replace("_", " "), "-", note=f"failed: {error}"))
        print(f"{name} done", file=sys.stderr)
    return result


def software() -> str:
    """Return the versions of Python and of what is measured, and where the package is."""
    import fuzzydict

    parts = [f"Python {platform.python_version()}"]
    for name in ("numpy", "rapidfuzz", "model2vec"):
        with suppress(PackageNotFoundError):
            parts.append(f"{name} {version(name)}")
    return f"{', '.join(parts)}; fuzzydict of {Path(fuzzydict.__file__ or '').parent}"


def report(figures: Sequence[Figure], **more: Any) -> str:
    """Return everything as JSON, where null stands for what was not measured."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and math.isnan(value) else value

    rows = [{name: plain(value) for name, value in asdict(each).items()} for each in figures]
    return json.dumps({"figures": rows, **more}, indent=1) + "\n"


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    names = [*ROWS, "cost"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", type=_names, default=names, metavar="ROW,...", help=", ".join(names)
    )
    parser.add_argument(
        "--keys", type=int, default=100_000, metavar="N", help="limit the keys of every row"
    )
    parser.add_argument(
        "--million",
        type=int,
        nargs="?",
        const=1_000_000,
        default=0,
        metavar="N",
        help="measure a million keys, too, or N, in the row million and in the plot",
    )
    parser.add_argument("--turns", type=int, default=11, help="how often each side is measured")
    parser.add_argument("--python", metavar="PYTHON", help="the interpreter to measure")
    parser.add_argument(
        "--baseline", default="", metavar="PATH", help="an older interpreter, or a built checkout"
    )
    parser.add_argument("--out", type=Path, default=Path("speed"), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if unknown := {*options.only} - {*names}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    if options.keys < 10:
        parser.error("--keys must be at least 10")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    chosen = _parse(words := sys.argv[1:] if arguments is None else [*arguments])
    if chosen.python:
        command = [chosen.python, __file__, *words, "--python", ""]
        sys.exit(subprocess.call(command))
    chosen.out.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.json"
        Texts.load(chosen.seed, notes).write(path)
        options = Options(
            keys=chosen.keys,
            million=chosen.million,
            turns=chosen.turns,
            seed=chosen.seed,
            cores=idle_cores()[:CORES],
            baseline=chosen.baseline,
            texts=str(path),
        )
        figures = run([name for name in chosen.only if name in ROWS], options)
        measured = costs(options, notes) if "cost" in chosen.only else []
    if measured:
        try:
            plot(measured, chosen.out / "cost.png")
        except ImportError:
            notes.append("no plot: install matplotlib")
    notes.append(software())
    notes.append(f"load at the start: {load:.1f}, with {os.cpu_count()} cores")
    text = "\n".join([table(figures), "", *(f"- {note}" for note in notes)])
    print(text)
    (chosen.out / "speed.md").write_text(text + "\n", "utf-8")
    more = {"costs": [asdict(each) for each in measured], "notes": notes}
    machine = {"machine": platform.platform(), "software": software()}
    (chosen.out / "speed.json").write_text(report(figures, **more, **machine), "utf-8")


if __name__ == "__main__":
    main()
