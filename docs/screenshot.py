"""Makes the README's picture of the chat page: a conversation with the real bot, in Chromium.

Run by `make screenshot`; needs Chromium and what `make test` installs.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from playwright.sync_api import Page, sync_playwright

from settings import ROOT

PHOTO = ROOT / "images" / "photos" / "summer_palace.jpg"
PICTURE = ROOT / "images" / "readme" / "chat.jpg"


def talk(page: Page) -> None:
    """Sends a photo and has it painted; returns when the painting is on the page."""
    log = page.get_by_role("log")
    page.get_by_role("button", name="Start", exact=True).click()
    log.get_by_role("button", name="Paint in a style").click()
    log.get_by_role("button", name="Famous paintings").click()
    log.get_by_role("button", name="2", exact=True).click()
    log.get_by_text("Good choice").wait_for()
    page.locator("#choose-photo").set_input_files(PHOTO)
    page.locator("#send-files").click()
    log.get_by_role("button", name="Stronger").wait_for(timeout=120_000)
    page.wait_for_timeout(1000)  # the page scrolls there


def main() -> None:
    data = tempfile.TemporaryDirectory()
    bot = subprocess.Popen(
        [sys.executable, ROOT / "bot.py"],
        env={**os.environ, "LOCAL_CHAT_PORT": "0", "SOURCE_URL": "", "DATA_DIR": data.name},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert bot.stdout is not None
        url = re.findall(r"http://\S+", bot.stdout.readline())[0]
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = chromium.new_page(
                viewport={"width": 960, "height": 1080}, locale="en-US", device_scale_factor=1.5
            )
            page.goto(url)
            talk(page)
            page.screenshot(path=PICTURE, type="jpeg", quality=88)
            chromium.close()
    finally:
        bot.terminate()
        bot.wait()
        data.cleanup()


if __name__ == "__main__":
    main()
