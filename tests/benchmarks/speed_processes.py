"""Child processes of the speed benchmark, on chosen cores and with a chosen installation."""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Numbers of threads, for versions and libraries that do not look at the cores they may use.
THREADS = (
    "FUZZYDICT_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "RAYON_NUM_THREADS",
)

Turn = Callable[[], Any]


class NotMeasuredError(Exception):
    """Something that a row needs is missing; the message says what to install or to pass."""


class WorkerError(Exception):
    """A process of the benchmark failed; its own error is on the standard error."""


@dataclass(frozen=True)
class Installation:
    """A Python with FuzzyDict: an interpreter, and a folder that comes first on its path."""

    python: str = sys.executable
    folder: str = ""

    @classmethod
    def at(cls, location: str) -> "Installation":
        """Return the installation of an interpreter, or of a checkout that has been built."""
        path = Path(location)
        return cls(folder=str(path.resolve())) if path.is_dir() else cls(location)

    def environment(self, threads: int) -> dict[str, str]:
        """Return the environment of a process with so many threads."""
        paths = [self.folder, str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        search = os.pathsep.join(dict.fromkeys(filter(None, paths)))
        result = {**os.environ, **dict.fromkeys(THREADS, str(threads)), "PYTHONPATH": search}
        result.pop("PYTHONDONTWRITEBYTECODE", None)
        return result


def idle_cores() -> list[int]:
    """Return the cores that this process may use, the idlest first."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    first = _idle_ticks()
    time.sleep(0.2)
    then = _idle_ticks()
    cores = sorted(os.sched_getaffinity(0))
    return sorted(cores, key=lambda core: first.get(core, 0) - then.get(core, 0))


def _idle_ticks() -> dict[int, int]:
    """Return how long each core has been idle; nothing where the system does not say."""
    try:
        lines = [line.split() for line in Path("/proc/stat").read_text("ascii").splitlines()]
    except OSError:
        return {}
    return {int(line[0][3:]): int(line[4]) for line in lines if line[0][:3] == "cpu" < line[0]}


@contextmanager
def worker(
    function: Callable[..., Iterator[Any]],
    *arguments: Any,
    cores: Sequence[int],
    installation: Installation | None = None,
) -> Iterator[Turn]:
    """Start a process on these cores, with a thread for each; yield what runs one turn in it.

    ``function`` is a generator function of a module in this folder; a turn returns what it yields
    next. Arguments and results are JSON.
    """
    installation = installation or Installation()
    pin = "pass"
    if hasattr(os, "sched_setaffinity"):
        pin = f"import os; os.sched_setaffinity(0, {list(cores)})"
    with subprocess.Popen(
        [installation.python, "-c", f"{pin}\nfrom speed_processes import serve\nserve()"],
        env=installation.environment(len(cores)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stdin, stdout = child.stdin, child.stdout
        request = json.dumps([function.__module__, function.__name__, arguments])

        def turn() -> Any:
            nonlocal request
            with suppress(BrokenPipeError):
                stdin.write(f"{request}\n")  # the first line is the request, the others are empty
                stdin.flush()
            request = ""
            line = stdout.readline()
            if not line:
                raise WorkerError(f"the process of {function.__name__}; its error is above")
            reply = json.loads(line)
            if "missing" in reply:
                raise NotMeasuredError(reply["missing"])
            return reply["value"]

        try:
            yield turn
        finally:
            with suppress(BrokenPipeError):
                stdin.close()


def serve() -> None:
    """Answer each line of the standard input with the next result of a generator, as JSON.

    The first line says which generator.
    """
    lines = iter(sys.stdin.readline, "")
    module, name, arguments = json.loads(next(lines))
    results = getattr(importlib.import_module(module), name)(*arguments)
    while True:
        try:
            reply = {"value": next(results)}
        except NotMeasuredError as error:
            reply = {"missing": str(error)}
        print(json.dumps(reply), flush=True)
        if next(lines, None) is None:
            return


def process_seconds(program: str) -> Callable[[], float]:
    """Return what measures a Python process from its start to its end."""

    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        return time.perf_counter() - start

    return seconds
