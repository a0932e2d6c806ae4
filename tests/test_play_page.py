"""The interactive page in headless Chromium. Skipped where Playwright or Chromium is missing."""

import contextlib
import threading
import time

import pytest
from conftest import CHROMIUM

from fuzzydict.play.playground import Playground
from fuzzydict.play.server import Server

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

# Types a text letter by letter and returns the milliseconds from each to the new weights.
TYPE = """
async text => {
  const times = [], query = document.getElementById("query");
  const bars = document.querySelector("#bars tbody");
  for (let end = 1; end <= text.length; end++) {
    const start = performance.now();
    query.value = text.slice(0, end);
    const shown = new Promise(done => new MutationObserver((_, observer) => {
      observer.disconnect();
      done();
    }).observe(bars, { childList: true }));
    query.dispatchEvent(new Event("input"));
    await shown;
    times.push(performance.now() - start);
  }
  return times;
}
"""


def serve(playground, port=0):
    server = Server(playground, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def end(server):
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server():
    server = serve(Playground())
    yield server
    end(server)


@contextlib.contextmanager
def opened(browser, url, expected=(), **options):
    """Open the page; fail on errors in its console, but for those with an expected text."""
    context = browser.new_context(**options)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(url)
    page.wait_for_selector("#bars .null")
    page.wait_for_selector("#words td")
    yield page
    context.close()
    assert [error for error in errors if not any(text in error for text in expected)] == []


@pytest.fixture
def page(browser, server):
    with opened(browser, server.url) as page:
        yield page


def weights(page):
    """Return key → weight, as shown."""
    rows = page.locator("#bars tbody tr").all()
    cells = (
        (row.locator(".key").inner_text(), row.locator("td").nth(3).inner_text()) for row in rows
    )
    return {key.strip(): float(weight) for key, weight in cells}


def shows(page, selector, text):
    playwright.expect(page.locator(selector)).to_contain_text(text)


def slide(page, name, value):
    page.locator(name).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def test_typing_changes_answer_weights_arrays_and_explanation(page):
    page.fill("#query", "colour")
    shows(page, "#answer", "d[\"colour\"] finds 'color' → 0.1")
    shows(page, "#explanation", "'colour' matches 'color'")
    assert weights(page)["color"] > 0.9
    page.fill("#query", "parliament")
    shows(page, "#answer", "raises NoMatchError")
    assert weights(page)["no match"] > 0.9
    shapes = [each.inner_text() for each in page.locator(".array .faint").all()]
    assert shapes == ["[1, 104]", "[8, 104]", "[8, 1]", "[1, 1]"]
    colours = (
        page.locator("canvas")
        .nth(1)
        .evaluate(
            "it => new Set(it.getContext('2d').getImageData(0, 0, it.width, it.height).data).size"
        )
    )
    assert colours > 50


def test_the_sliders_move_from_a_mean_of_all_keys_to_one_key(page):
    page.fill("#query", "colours")
    shows(page, "#answer", "finds")
    slide(page, "#temperature", -2)
    shows(page, "#formula-t", "0.01")
    assert weights(page)["color"] > 0.95
    slide(page, "#temperature", 1)
    shows(page, "#formula-t", "10")
    assert 0.05 < weights(page)["seat 1"] < weights(page)["color"] < 0.4
    slide(page, "#temperature", -2)
    slide(page, "#cutoff", 0.99)
    shows(page, "#answer", "raises NoMatchError")
    shows(page, "#explanation", "below the cutoff of 0.99")
    assert weights(page)["no match"] == 1.0


def test_masks_guards_and_the_null_key_are_switched(page):
    page.fill("#query", "seat 4")
    shows(page, "#bars", "numbers_differ")
    page.uncheck("input[name=numbers_differ]")
    playwright.expect(page.locator("#bars")).not_to_contain_text("numbers_differ")
    assert weights(page)["seat 2"] > 0.5
    page.uncheck("[data-key='seat 1']")
    shows(page, "#bars .masked", "seat 1")
    shows(page, "#code", 'mask=lambda key: key not in ["seat 1"]')
    assert weights(page)["seat 1 masked"] == 0
    page.check("[data-key='seat 1']")
    playwright.expect(page.locator("#bars .masked")).to_have_count(0)
    page.uncheck("#null-key")
    playwright.expect(page.locator("#code")).not_to_contain_text("null_key")
    shown = weights(page)
    assert sum(shown.values()) - shown["no match"] == pytest.approx(1, abs=0.05)


def test_keys_are_edited_and_damaged_lines_are_named(page):
    page.fill("#keys", "größe = 5\nfarbe = 6")
    page.fill("#query", "Größe")
    shows(page, "#answer", "'größe' → 5")
    shows(page, "#count", "(2)")


def test_a_damaged_line_or_file_leaves_the_last_keys(browser, server):
    with opened(browser, server.url, expected=["400"]) as page:
        page.fill("#query", "colour")
        page.fill("#keys", "color = 1\ncolor = 2")
        shows(page, "#keys-error", "line 2: duplicate key 'color'")
        shows(page, "#answer", "'color' → 0.1")
        for name, text, message in (
            ("a.json", "{", "a.json: Expecting property name"),
            ("a.exe", "MZ", "a.exe: unknown format"),
        ):
            file = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
            page.set_input_files("#file", file)
            shows(page, "#keys-error", message)
        shows(page, "#answer", "'color' → 0.1")
        good = {"name": "b.json", "mimeType": "text/plain", "buffer": b'{"color": "blue"}'}
        page.set_input_files("#file", good)
        shows(page, "#answer", "'color' → 'blue'")
        shows(page, "#keys-error", "")
        page.fill("#sentence", "...")
        shows(page, "#sentence-error", "must contain a word")


def open_many_keys(page, count):
    """Open a file of many keys, as typing them into the text field would take long."""
    lines = [f'"name{number % 97} of {number}": {number}' for number in range(count)]
    content = ("{" + ",\n".join(lines) + "}").encode()
    file = {"name": "many.json", "mimeType": "text/plain", "buffer": content}
    page.set_input_files("#file", file)
    shows(page, "#count", f"({count:,})")


def test_ten_thousand_keys_are_typed_through(browser, server):
    with opened(browser, server.url) as page:
        open_many_keys(page, 10_000)
        page.fill("#query", "name5 of 5")
        shows(page, "#answer", "'name5 of 5' → 5")
        assert len(page.evaluate(TYPE, "performance")) == 11
        playwright.expect(page.locator("#bars tbody tr")).to_have_count(17)


def test_two_tabs_do_not_disturb_each_other(browser, server):
    with opened(browser, server.url) as one, opened(browser, server.url) as other:
        one.fill("#keys", "color = 1")
        other.fill("#keys", "colour = 2")
        slide(other, "#cutoff", 0.99)
        for _ in range(3):
            one.fill("#query", "colours")
            other.fill("#query", "hue")
            shows(one, "#answer", "'color' → 1")
            shows(other, "#answer", "NoMatchError")
            one.fill("#query", "")
            other.fill("#query", "")
            shows(one, "#answer", 'd[""]')


def test_a_dropped_connection_is_reported_and_found_again(browser):
    server = serve(Playground())
    port = server.server_address[1]
    with opened(browser, server.url, expected=["net::ERR", "410"]) as page:
        page.fill("#keys", "color = 5")
        page.fill("#query", "colour")
        shows(page, "#answer", "'color' → 5")
        context = page.context
        context.set_offline(True)
        end(server)
        page.fill("#query", "hue")
        shows(page, "#status", "The connection is lost")
        server = serve(Playground(), port)  # which has never seen these keys
        context.set_offline(False)
        shows(page, "#answer", "d[\"hue\"] finds 'color' → 5")
        shows(page, "#status", "")
    end(server)


def test_the_keyboard_reaches_every_control(page):
    page.keyboard.press("Tab")
    reached = []
    for _ in range(60):
        reached.append(
            page.evaluate(
                "(it => it.id || it.dataset.key || it.name || it.tagName)(document.activeElement)"
            )
        )
        page.keyboard.press("Tab")
    wanted = {"query", "temperature", "cutoff", "keys", "file", "numbers_differ", "color",
              "null-key", "explanation", "CANVAS", "sentence"}  # fmt: skip
    assert wanted <= set(reached)
    page.focus("#temperature")
    page.keyboard.press("ArrowLeft")
    playwright.expect(page.locator("#formula-t")).not_to_have_text("1")
    page.locator("canvas").nth(1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    shows(page, "#cell", "K[1, 1] = ")
    page.focus("[data-key='battery']")
    page.keyboard.press("Space")
    shows(page, "#bars .masked", "battery")
    assert page.evaluate("document.activeElement.dataset.key") == "battery"


def test_every_control_has_a_name(page):
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, textarea, canvas')].filter(it =>"
        " !it.labels?.length && !it.ariaLabel).map(it => it.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.parametrize("width", [320, 420, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_has_contrast(browser, server, width, scheme):
    size = {"width": width, "height": 900}
    with opened(browser, server.url, viewport=size, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for selector in ("body", ".faint", "textarea", "#answer", "td.number"):
            assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5


# The contrast of the text of an element on its background, 1 to 21 (WCAG 2.2).
CONTRAST = """
element => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255);
    const [r, g, b] = parts.map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  const isClear = it => getComputedStyle(it).backgroundColor === "rgba(0, 0, 0, 0)";
  while (isClear(ground)) ground = ground.parentElement;
  const one = light(getComputedStyle(element).color);
  const other = light(getComputedStyle(ground).backgroundColor);
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
"""


if __name__ == "__main__":  # how long an update takes while typing
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        server = serve(Playground())
        with opened(browser, server.url) as page:
            for count in (8, 10_000):
                if count > 8:
                    open_many_keys(page, count)
                    time.sleep(2)
                times = sorted(page.evaluate(TYPE, "performance of a car with horses"))
                median, most = times[len(times) // 2], times[-1]
                print(f"{count} keys: median {median:.0f} ms, largest {most:.0f} ms")
        end(server)
