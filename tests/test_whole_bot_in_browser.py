"""A stranger's first minute: `python bot.py`, the page it prints, a photo, and the painting."""

import pytest
from playwright.async_api import Browser, expect

from tests.conftest import PHOTOS, printed_url, running_bot

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_send_a_photo_pick_the_great_wave_see_the_painting(chromium: Browser) -> None:
    async with running_bot(LOCAL_CHAT_PORT="0") as bot:
        url = await printed_url(bot)
        context = await chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
        page = await context.new_page()
        page.set_default_timeout(30_000)
        await page.goto(url)
        log = page.get_by_role("log")
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(log.get_by_text("I repaint photos")).to_be_visible()

        await page.get_by_role("button", name="Attach").click()
        await page.get_by_role("menuitem", name="Voice message").click()
        await expect(log.get_by_text("I have eyes only")).to_be_visible()

        await page.locator("#choose-photo").set_input_files(PHOTOS / "chelsea.jpg")
        await page.locator("#send-files").click()
        await log.get_by_role("button", name="Paint in a style").last.click()
        await log.get_by_role("button", name="Famous paintings").last.click()
        await log.get_by_role("button", name="The Great Wave", exact=True).last.click()

        status = log.get_by_text("Painting…")
        result = log.locator("li", has=page.get_by_role("button", name="Another style"))
        await expect(result).to_be_visible(timeout=60_000)
        await expect(status).to_have_count(0)
        painting = result.locator("img").last
        size = await painting.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert size == [451, 300]
        await expect(result).to_contain_text("Katsushika Hokusai")
        await expect(result.get_by_role("button", name="Stronger")).to_be_visible()
        await context.close()
