"""Draw the picture of the interactive page: python docs/play_picture.py [FOLDER].

Needs Playwright and Chromium. Writes ``play.png`` into the folder, by default that of this file.
"""

import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

from fuzzydict.play.playground import Playground
from fuzzydict.play.server import Server


def main(folder: Path) -> None:
    """Write the picture to a folder."""
    with Server(Playground()) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 690})
        page.goto(server.url)
        page.wait_for_selector("#words td")
        page.wait_for_selector("#bars .null")
        page.locator("#query").blur()
        page.screenshot(path=folder / "play.png")
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
