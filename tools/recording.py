"""Makes the README's recording of the chat page: a conversation with the real bot, in Chromium.

Run by `make recording`; needs Chromium and what `make test` installs. Time is not the bot's own:
what is waited for is shown quickly, and what is to be read stands still.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, sync_playwright

from examples import PHOTOS
from settings import ROOT

RECORDING = ROOT / "images" / "readme" / "chat.webp"
LARGEST = 2 * 10**6  # bytes; above it, few would wait for it
PHONE: ViewportSize = {"width": 390, "height": 780}
SCALE = 1.5  # pixels of the recording to one of the page
QUALITY = 75
MOST_OF_A_WAIT = 12  # frames that show it
FINGER = """node => {
    const { left, top, width, height } = node.getBoundingClientRect();
    const finger = document.createElement("div");
    finger.id = "finger";
    finger.style.cssText = `position: fixed; z-index: 99; width: 44px; height: 44px;
        left: ${left + width / 2 - 22}px; top: ${top + height / 2 - 22}px; border-radius: 50%;
        background: rgb(255 90 60 / 45%); border: 2px solid rgb(255 90 60 / 90%)`;
    finger.popover = "manual"; // above dialogs too
    finger.style.margin = "0";
    document.body.append(finger);
    finger.showPopover();
}"""


@dataclass
class Recording:
    """Frames of a page, each with the milliseconds that it stands still."""

    page: Page
    frames: list[tuple[bytes, int]] = field(default_factory=list)

    def look(self, milliseconds: int) -> None:
        """One frame; the same as before makes that one stand longer."""
        frame = self.page.screenshot(type="png")
        if self.frames and self.frames[-1][0] == frame:
            milliseconds += self.frames.pop()[1]
        self.frames.append((frame, milliseconds))

    def settle(self, milliseconds: int) -> None:
        """What moves comes to rest; then it can be read for so long."""
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            self.look(60)
        self.look(milliseconds)

    def press(self, target: Locator) -> None:
        target.wait_for()
        target.scroll_into_view_if_needed()
        self.settle(200)
        target.evaluate(FINGER)
        self.look(450)
        self.page.evaluate("document.getElementById('finger').remove()")
        target.click()
        self.page.mouse.move(0, 0)  # no finger rests on a button

    def wait(self, done: Callable[[], bool], milliseconds: int = 250) -> None:
        """Shows some of the frames until it is done, which takes the machine as long as it does."""
        seen: list[bytes] = []
        end = time.monotonic() + 300
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("what the recording waits for does not come")
            frame = self.page.screenshot(type="png")
            if frame not in seen[-1:]:
                seen.append(frame)
            self.page.wait_for_timeout(100)
        step = -(-len(seen) // MOST_OF_A_WAIT)
        self.frames += [(frame, milliseconds) for frame in seen[::step]] if seen else []

    def write(self, path: Path) -> int:
        """As an animated WebP that begins again; returns its bytes."""
        images = [Image.open(BytesIO(frame)).convert("RGB") for frame, _ in self.frames]
        images[0].save(
            path,
            save_all=True,
            append_images=images[1:],
            duration=[milliseconds for _, milliseconds in self.frames],
            loop=0,
            quality=QUALITY,
            method=4,
        )
        return path.stat().st_size


def talk(page: Page) -> Recording:
    """A photo becomes a painting, and another one, captioned, winter."""
    recording = Recording(page)
    log = page.get_by_role("log")

    def button(words: str) -> Locator:
        """The last one in the chat that is named so."""
        return log.get_by_role("button", name=re.compile(words, re.IGNORECASE)).last

    def answered(act: Callable[[], None]) -> None:
        """Waits for the bot's answer to it: a message more."""
        before = log.locator("li.in").count()
        act()
        recording.wait(lambda: log.locator("li.in").count() > before)

    def send(photo: str, caption: str = "") -> None:
        recording.press(page.locator("#attach"))
        recording.press(page.locator("#attach-photo"))
        page.locator("#choose-photo").set_input_files(PHOTOS / photo)
        recording.settle(500)
        if caption:
            page.locator("#caption").press_sequentially(caption, delay=0)
            recording.settle(700)
        recording.press(page.locator("#send-files"))

    answered(lambda: recording.press(page.locator("#start")))
    recording.settle(1500)

    answered(lambda: send("summer_palace.jpg"))
    answered(lambda: recording.press(button("in a style")))
    answered(lambda: recording.press(button("famous")))
    wave = button("great wave")
    wave.wait_for()
    recording.settle(500)
    log.locator(".pictures").last.scroll_into_view_if_needed()
    recording.settle(2000)
    recording.press(wave)
    recording.wait(lambda: button("another style").count() > 0)
    recording.settle(3000)

    answered(lambda: send("summer_rice_fields.jpg", "winter"))
    recording.wait(lambda: button("weaker|paint this").count() > 0)
    recording.settle(3000)
    return recording


@contextmanager
def bot() -> Iterator[str]:
    """The bot with nothing to remember; yields the address of its chat page."""
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [sys.executable, ROOT / "bot.py"],
            env={**os.environ, "LOCAL_CHAT_PORT": "0", "SOURCE_URL": "", "DATA_DIR": data},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield re.findall(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()
            process.wait()


def main() -> int:
    with bot() as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(
            viewport=PHONE, locale="en-US", device_scale_factor=SCALE, has_touch=True
        )
        page.goto(url)
        recording = talk(page)
        chromium.close()
    size = recording.write(RECORDING)
    seconds = sum(milliseconds for _, milliseconds in recording.frames) / 1000
    sys.stdout.write(
        f"{RECORDING.relative_to(ROOT)}: {len(recording.frames)} frames, {seconds:.0f} s, "
        f"{size / 1e6:.2f} MB\n"
    )
    return int(size > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
