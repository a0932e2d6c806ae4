"""The built documentation in headless Chromium. Skipped without Zensical, Playwright, Chromium."""

import functools
import importlib.util
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from conftest import CHROMIUM

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(
        importlib.util.find_spec("zensical") is None, reason="Zensical is not installed"
    ),
]


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the address of the site, built from a copy of the project's pages."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")  # Zensical follows no links
    for name in ("data", "fuzzydict"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, folder)
    build = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert build.returncode == 0, build.stdout + build.stderr
    handler = functools.partial(Handler, directory=folder / "site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def opened(browser, site, **options):
    """Return a page without a network, and the list of its errors."""
    errors = []
    page = browser.new_page(**options)
    page.route(lambda url: not url.startswith(site), lambda route: route.abort())
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on(
        "response",
        lambda answer: answer.status >= 400 and errors.append(f"{page.url}: {answer.url}"),
    )
    return page, errors


def navigation(page, site):
    """Return the addresses of all pages of the navigation."""
    page.goto(site)
    links = page.eval_on_selector_all("nav.md-nav--primary a[href]", "all => all.map(a => a.href)")
    return sorted({urldefrag(link).url for link in links if link.startswith(site)})


def test_every_page_opens_and_every_link_leads_somewhere(browser, site):
    page, errors = opened(browser, site)
    addresses = navigation(page, site)
    assert len(addresses) >= 15
    links, anchors = {}, {}
    for address in addresses:
        page.goto(address, wait_until="domcontentloaded")
        anchors[address] = set(page.eval_on_selector_all("[id]", "all => all.map(e => e.id)"))
        for link in page.eval_on_selector_all("article a[href]", "all => all.map(a => a.href)"):
            links.setdefault(link, address)
    broken = []
    for link, source in links.items():
        target, anchor = urldefrag(link)
        if not target.startswith(site):
            continue
        found = target in anchors or page.request.get(target).ok
        if not found or (anchor and target in anchors and anchor not in anchors[target]):
            broken.append(f"{source} → {link}")
    page.close()
    assert (errors, broken) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_narrow_and_wide_screens_in_both_themes(browser, site, scheme):
    backgrounds = set()
    for width in (1280, 420):
        size = {"width": width, "height": 900}
        page, errors = opened(browser, site, viewport=size, color_scheme=scheme)
        for address in navigation(page, site):
            page.goto(address, wait_until="domcontentloaded")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, address
            backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert not errors
        page.close()
    (background,) = backgrounds
    light = sum(map(int, background.strip("rgba()").split(",")[:3])) > 384
    assert light == (scheme == "light")


@pytest.mark.parametrize("word", ["csv", "yaml", "licence", "polars", "duplicates", "cache"])
def test_the_search_index_has_the_words_of_tasks(browser, site, word):
    page, _ = opened(browser, site)
    assert word in page.request.get(f"{site}search.json").text().lower()
    page.close()


def test_examples_have_copy_buttons(browser, site):
    page, _ = opened(browser, site)
    page.goto(f"{site}tool_calls/")
    assert page.locator("article button.md-clipboard, article [data-clipboard-target]").count()
    page.close()


def test_examples_of_the_reference_are_code(browser, site):
    page, _ = opened(browser, site)
    page.goto(f"{site}reference/")
    assert page.locator("article blockquote").count() == 0
    assert page.locator("article .doc-contents pre", has_text=">>>").count() > 20
    page.close()
