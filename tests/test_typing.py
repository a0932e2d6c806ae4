"""What type checkers infer of the public names, by mypy and by pyright, both strict."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "typing_cases.py"


def test_mypy_infers_what_the_cases_say():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "setup.cfg", CASES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_pyright_infers_what_the_cases_say(tmp_path):
    pyright = shutil.which("basedpyright", path=Path(sys.executable).parent)
    if pyright is None:
        pytest.skip("basedpyright, which is pyright with a Node of its own, is not installed")
    settings = {
        "typeCheckingMode": "strict",
        "include": [str(CASES)],
        "extraPaths": [str(ROOT)],
        "pythonVersion": f"{sys.version_info[0]}.{sys.version_info[1]}",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [pyright, "--project", tmp_path, "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
