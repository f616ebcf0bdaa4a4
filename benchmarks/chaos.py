"""Kills the bot at random moments under load, and counts what became of every photo.

    python -m benchmarks.chaos --kills 200

People in a local chat send photos, some of their updates come twice, and every few seconds SIGKILL
hits a process, at times just after the answer to a message of its was lost. Three bots are treated
so at the same time: one process that polls, one behind a webhook, and four that share the work: one
that talks, two workers, and redis-server. In the end all run once more, and every photo has to be
answered, with one picture each.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from benchmarks.servers import RedisServer, bot_program, free_port
from local_chat.bot_api import Check
from local_chat.client import Message, Person, join
from local_chat.server import LocalChat, start
from settings import ROOT

Setup = Literal["polling", "webhook", "workers"]
SETUPS: tuple[Setup, ...] = ("polling", "webhook", "workers")

PEOPLE = 6
LIFE_SECONDS = (0.0, 4.0)  # from a process's first word to Telegram until it is killed
LOST_ANSWERS = 0.25  # share of kills before which a message is sent whose answer is lost
IN_START = 0.1  # share of starts that are killed in their first second
PAUSE_SECONDS = (0.2, 2.0)  # between two photos of one person
UNANSWERED = 3  # photos that a person has waiting before they pause
TWICE = 0.2  # share of photos after which Telegram delivers the newest update once more
PATIENCE_SECONDS = 600.0  # with a busy machine


@dataclass
class Count:
    """What became of the photos. Lost and doubled ones must not be."""

    kills: int = 0
    accepted: int = 0
    answered: int = 0
    told: int = 0  # answered by a sentence: the process was killed twice while it worked on them
    lost: int = 0
    doubled: int = 0
    # Put into its message a second time, as the process had died before it could write the first
    # time down. Nobody sees that: the message is the same.
    doubled_in_the_instant: int = 0
    left_behind: int = 0  # status messages of which nothing became

    def __add__(self, other: "Count") -> "Count":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Count(*(one + another for one, another in pairs))


@dataclass
class Sender:
    """A person, and the ids of the photos that they sent."""

    person: Person
    photos: list[int] = field(default_factory=list)

    def replies(self) -> dict[int, list[Message]]:
        """The bot's messages under each photo."""
        found: dict[int, list[Message]] = {photo: [] for photo in self.photos}
        for message in self.person.history.values():
            answered = message.raw.get("reply_to_message", {}).get("message_id")
            if message.by_bot and answered in found:
                found[answered].append(message)
        return found

    def unanswered(self) -> int:
        return sum(not any(map(is_final, replies)) for replies in self.replies().values())


def is_final(message: Message) -> bool:
    """Whether nothing more is to come: a picture, or a sentence that says why not."""
    return ["✖️ Cancel"] not in message.buttons


class Processes:
    """The bot's processes, in which `code` runs before anything else, and redis-server, by name."""

    def __init__(self, setup: Setup, chat: LocalChat, folder: Path, code: str = "") -> None:
        self.program = bot_program(code)
        self.variables = {
            "PATH": os.environ["PATH"],
            "BOT_TOKEN": chat.token,
            "TELEGRAM_API_URL": chat.url,
            "DATA_DIR": str(folder),
            "NST_SIZE": "128",
            "CYCLEGAN_SIZE": "128",
            "LOG_LEVEL": "WARNING",
        }
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.redis: RedisServer | None = None
        self.names = ["bot"]
        self.log = (folder / "log").open("ab")
        if setup == "webhook":
            port = str(free_port())
            url = f"http://127.0.0.1:{port}"
            self.variables |= {"WEBHOOK_HOST": url, "WEBAPP_HOST": "127.0.0.1", "PORT": port}
        if setup == "workers":
            self.redis = RedisServer(folder)
            self.variables["REDIS_URL"] = self.redis.url
            self.names = ["bot", "worker 1", "worker 2", "redis"]

    async def start(self, name: str) -> None:
        if name == "redis":
            assert self.redis
            await asyncio.to_thread(self.redis.start)
            return
        arguments = ["worker"] if name.startswith("worker") else []
        self.running[name] = await asyncio.create_subprocess_exec(
            *self.program, *arguments, cwd=ROOT, env=self.variables, stderr=self.log
        )

    async def kill(self, name: str) -> None:
        if name == "redis":
            assert self.redis
            await asyncio.to_thread(self.redis.kill)
            return
        self.check(name)
        process = self.running.pop(name)
        process.kill()
        await process.wait()

    def check(self, name: str) -> None:
        """A process that ended by itself tells why in its log, which is gone with the storm."""
        if self.running[name].returncode is not None:
            last = Path(self.log.name).read_text(errors="replace")[-1000:]
            code = self.running[name].returncode
            raise RuntimeError(f"{name} ended by itself, with {code}: {last}")

    async def end(self) -> None:
        for process in self.running.values():
            if process.returncode is None:
                process.kill()
            await process.wait()
        if self.redis:
            self.redis.kill()
        self.log.close()


def a_photo() -> bytes:
    data = BytesIO()
    with Image.open(ROOT / "images" / "photos" / "chelsea.jpg") as image:
        image.resize((240, 160)).save(data, "JPEG")
    return data.getvalue()


async def prepare(sender: Sender, photo: bytes, wish: str) -> None:
    """The person says what shall be done with all their photos, and gets the first one back."""
    person = sender.person
    await person.say("/start")
    await person.press(
        await person.next_message(PATIENCE_SECONDS), wish, timeout_s=PATIENCE_SECONDS
    )
    if wish == "🎨 Paint in a style":
        await person.press(
            await person.next_message(PATIENCE_SECONDS),
            "🖼 Famous paintings",
            timeout_s=PATIENCE_SECONDS,
        )
        await person.press(
            await person.next_message(PATIENCE_SECONDS),
            "The Great Wave",
            timeout_s=PATIENCE_SECONDS,
        )
    await person.next_message(PATIENCE_SECONDS)
    await send(sender, photo)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sender.unanswered():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def send(sender: Sender, photo: bytes) -> None:
    [sent] = await sender.person.send_photo(photo)
    sender.photos.append(sent.id)


async def keep_sending(
    sender: Sender, photo: bytes, chat: LocalChat, chance: random.Random
) -> None:
    while True:
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
        if sender.unanswered() < UNANSWERED:
            await send(sender, photo)
            if chance.random() < TWICE:
                chat.repeat_last_update()


@dataclass
class Ear:
    """Hears every call of the bot's processes to the chat that is carried out."""

    calls: asyncio.Queue[dict[str, Any] | None] = field(default_factory=asyncio.Queue)
    starts: int = 0
    pictures: Counter[tuple[str, str]] = field(default_factory=Counter)  # by chat and message

    async def listen(self) -> None:
        while call := await self.calls.get():
            said = call["parameters"]
            if call["method"] in ("deleteWebhook", "setWebhook"):
                self.starts += 1
            is_last = "cancel:" not in str(said.get("reply_markup"))
            if call["method"] == "editMessageMedia" and call["status"] == 200 and is_last:
                self.pictures[str(said["chat_id"]), str(said["message_id"])] += 1

    async def hear_start(self, before: int, processes: Processes) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.starts == before:
                processes.check("bot")
                await asyncio.sleep(0.02)


async def storm(
    setup: Setup,
    kills: int,
    seed: int,
    people: int = PEOPLE,
    life: tuple[float, float] = LIFE_SECONDS,
    checks: Sequence[Check] = (),
) -> Count:
    """So many kills, with people sending photos all the while; then everything is answered.

    `checks` get what the bots send; see `local_chat.bot_api`.
    """
    chance = random.Random(seed)
    photo = a_photo()
    async with AsyncExitStack() as stack:
        chat = await start(port=0, first_webhook_pause_s=0.1, checks=checks)
        stack.push_async_callback(chat.close)
        ear = Ear()
        chat.state.call_listeners.add(ear.calls)
        listening = asyncio.create_task(ear.listen())
        stack.callback(listening.cancel)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = Processes(setup, chat, folder)
        stack.push_async_callback(processes.end)
        for name in processes.names:
            if name != "redis":
                await processes.start(name)
        senders = [
            Sender(await stack.enter_async_context(join(chat.url, f"Ann {number}", "en")))
            for number in range(people)
        ]
        wishes = ("🎨 Paint in a style", "❄️ Summer to winter", "☀️ Winter to summer")
        await asyncio.gather(
            *(prepare(s, photo, wishes[n % len(wishes)]) for n, s in enumerate(senders))
        )
        async with sending(senders, photo, chat, chance):
            for _ in range(kills):
                name = chance.choice(processes.names)
                await asyncio.sleep(chance.uniform(*life))
                if chance.random() < LOST_ANSWERS:
                    chat.fail_next("sendMessage", "drop_after")
                await processes.kill(name)
                before = ear.starts
                await processes.start(name)
                if name == "bot" and chance.random() < IN_START:
                    await asyncio.sleep(chance.random())
                    await processes.kill(name)
                    await processes.start(name)
                if name == "bot":
                    await ear.hear_start(before, processes)
        for _ in range(int(PATIENCE_SECONDS)):
            if not any(sender.unanswered() for sender in senders):
                break
            await asyncio.sleep(1)
        await asyncio.sleep(3)  # for what might come a second time
        repeated = sum(times - 1 for times in ear.pictures.values())
        return Count(kills, doubled_in_the_instant=repeated) + count(senders)


@asynccontextmanager
async def sending(
    senders: list[Sender], photo: bytes, chat: LocalChat, chance: random.Random
) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(keep_sending(s, photo, chat, chance)) for s in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(result, asyncio.CancelledError):
                raise RuntimeError("a person could not send") from result


def count(senders: list[Sender]) -> Count:
    counted: Counter[str] = Counter()
    for sender in senders:
        for replies in sender.replies().values():
            answers = [reply for reply in replies if is_final(reply)]
            pictures = sum(bool(answer.photo) for answer in answers)
            sentences = len(answers) - pictures
            counted["accepted"] += 1
            counted["answered"] += pictures + sentences > 0
            counted["told"] += pictures == 0 and sentences > 0
            counted["lost"] += pictures + sentences == 0
            counted["doubled"] += pictures > 1
            counted["left_behind"] += len(replies) - len(answers)
    return Count(**counted)


def row(setup: str, counted: Count) -> str:
    return "| " + " | ".join([setup, *map(str, vars(counted).values())]) + " |"


async def told(setup: Setup, kills: int, seed: int) -> Count:
    counted = await storm(setup, kills, seed)
    sys.stdout.write(row(setup, counted) + "\n")
    sys.stdout.flush()
    return counted


async def main() -> int:
    parser = argparse.ArgumentParser(description="Kills the bot and counts the answers.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--setups", nargs="+", choices=SETUPS, default=SETUPS)
    arguments = parser.parse_args()
    names = [name.replace("_", " ") for name in vars(Count())]
    sys.stdout.write(f"| setup | {' | '.join(names)} |\n|---{'|---' * len(names)}|\n")
    storms = []
    for number, setup in enumerate(arguments.setups):
        share = arguments.kills // len(arguments.setups)
        share += number < arguments.kills % len(arguments.setups)
        storms.append(told(setup, share, arguments.seed + number))
    total = sum(await asyncio.gather(*storms), Count())
    sys.stdout.write(row("in all", total) + "\n")
    return 1 if total.lost or total.doubled else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
