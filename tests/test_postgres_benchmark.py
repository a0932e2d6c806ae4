"""The benchmark of a server runs. Its times are not judged: machines differ; what it finds is."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import untraced

PATH = Path(__file__).parent / "benchmarks" / "postgres.py"


def test_a_small_run_finds_what_memory_finds(server):
    command = [sys.executable, str(PATH), "--keys", "4000", "--queries", "100"]
    done = subprocess.run(
        [*command, "--dsn", server.dsn],
        capture_output=True, text=True, timeout=300, env=untraced(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["recall of the nearest key"] >= 0.99
    assert figures["the same result as in memory"] >= 0.97
    assert figures["all items are read back"]
    assert 500 < figures["bytes a key"]["all"] < 5000
