"""The files for contributors agree with the project."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fuzzydict

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
    """Return the anchors of the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_pages_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in LINK.findall(text):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_forms_and_citation_are_valid_yaml():
    yaml = pytest.importorskip("yaml")
    forms = [yaml.safe_load(path.read_text()) for path in (ROOT / ".github").rglob("*.yml")]
    for form in forms:
        fields = [field for field in form.get("body", ()) if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert fuzzydict.__version__ == str(citation["version"])
    assert citation["license"] == "MIT"


def test_hooks_are_the_checks_of_continuous_integration():
    yaml = pytest.importorskip("yaml")
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    script = (ROOT / ".ci" / "run").read_text()
    for hook in repository["hooks"][:3]:
        assert hook["entry"] in script


def test_the_diagram_is_that_of_the_script():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "structure.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
