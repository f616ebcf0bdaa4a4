"""What several tests start: the bot as a process of its own, talking over HTTP to a local chat."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from benchmarks.servers import bot_program
from local_chat.bot_api import Check
from local_chat.server import LocalChat, start
from tests import bot_api_schema

# Asks for packages on the net, and takes minutes: only where it is named, as by `make image`.
collect_ignore = ["test_image.py"]

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "images" / "photos"
STYLES = ROOT / "images" / "styles"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a microphone that beeps, for who is allowed to use it
    "--disable-quic",
    "--disable-sync",  # and nothing that calls home
    "--disable-background-networking",
    "--disable-component-update",
]

# torch's threads wait for each other by spinning: several processes of them on few cores crawl.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def requests_are_in_the_published_bot_api() -> Iterator[None]:
    """What any bot sends to a local chat while a test runs."""
    yield
    violations = [*bot_api_schema.violations]
    bot_api_schema.violations.clear()
    assert not violations


async def start_chat(
    port: int = 0,
    *,
    token: str | None = None,
    bot_name: str = "Local bot",
    first_webhook_pause_s: float = 1.0,
    checks: Sequence[Check] = (),
) -> LocalChat:
    """A local chat whose bots may send only what is in the published Bot API."""
    return await start(
        port=port,
        token=token,
        bot_name=bot_name,
        first_webhook_pause_s=first_webhook_pause_s,
        checks=[bot_api_schema.check, *checks],
    )


# Telegram's pace has tests of its own (test_sending.py); no other test waits a second a message.
# And on a busy machine the quick picture is waited for longer.
UNHURRIED = """
from jobs import answer
from telegram_api import sending
answer.QUICK_SECONDS = 60
sending.IN_CHAT = sending.IN_GROUP = 0.05
"""


@asynccontextmanager
async def running_bot(
    *arguments: str, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python bot.py` with this environment, no pace, small paintings, and a new `DATA_DIR` where
    none is given; ended by SIGTERM, which must do.
    """
    passed_on = ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG")  # the last one: where it is measured
    environment = {name: os.environ[name] for name in passed_on if name in os.environ} | variables
    with TemporaryDirectory() as data_dir:
        bot = await asyncio.create_subprocess_exec(
            *bot_program(UNHURRIED),
            *arguments,
            cwd=ROOT,
            env={"NST_SIZE": "128", "DATA_DIR": data_dir, **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield bot
        finally:
            if bot.returncode is None:
                bot.send_signal(signal.SIGTERM)
            async with asyncio.timeout(90):
                await bot.communicate()
    assert bot.returncode == 0


@asynccontextmanager
async def bot_in_chat(chat: LocalChat, **variables: str) -> AsyncIterator[None]:
    """Yields when the bot has said its first word to the server."""
    chat.state.commands.clear()
    async with running_bot(BOT_TOKEN=chat.token, TELEGRAM_API_URL=chat.url, **variables):
        async with asyncio.timeout(60):
            while not chat.state.commands:  # noqa: ASYNC110 the bot is another process
                await asyncio.sleep(0.05)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat() -> AsyncIterator[LocalChat]:
    """A local chat that the bot is in, for the tests of a module; each brings its own person."""
    chat = await start_chat()
    async with bot_in_chat(chat, SOURCE_URL="https://example.org/source"):
        yield chat
    await chat.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no Chromium to show the page in")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


async def printed_url(bot: asyncio.subprocess.Process) -> str:
    """The address of the chat page that the bot prints when it has no token."""
    assert bot.stdout is not None
    async with asyncio.timeout(30):
        line = (await bot.stdout.readline()).decode()
    found = re.search(r"http://localhost:\d+", line)
    assert found, line
    return found.group().replace("localhost", "127.0.0.1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first: so no worker begins one when the others are done."""
    longest = ["model_nst", "results", "conversation", "chaos", "reliability", "sending", "season"]
    longest += ["options", "model_cyclegan", "hostile", "start", "chat_page", "logs", "deployment"]
    first = {f"test_{name}.py": place for place, name in enumerate(longest)}
    items.sort(key=lambda item: first.get(item.path.name, len(first)))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With FORBID_SKIPS, as in CI, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("FORBID_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
