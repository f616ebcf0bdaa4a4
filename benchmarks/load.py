"""How quickly the bot acknowledges updates while it paints: `python -m benchmarks.load --out DIR`.

The bot, a process of its own, paints one photo after the other on all cores. Meanwhile it gets 200
updates a second by webhook from 2,000 users: 35 % messages, 35 % presses of buttons, 25 % photos,
which its full queue refuses, and 5 % updates that it has had already. They are posted when their
time has come, whether or not the ones before are answered, as Telegram does; so the time from then
to the 200 counts all waiting. This process also plays Telegram, leaner than local_chat, which is
made to be strict and not to be quick.

Printed, and written to `load.json`: the percentiles of that time; posts that failed and had to be
repeated; answers that never came, and second ones to the same update (of talkers, whom a message is
due for each); how many answers had left when the load ended, and when the last one did, at
Telegram's 30 messages a second; and the photos that were painted meanwhile.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import ClientError, ClientSession, TCPConnector, web

from benchmarks.servers import bot_program, free_port
from benchmarks.start import PHOTO, seconds_to_answer
from keyboards import Menu, MenuChoice, StyleChoice
from settings import ROOT
from telegram_api.webhook import WEBHOOK_PATH, webhook_secret

Json = dict[str, Any]

TOKEN = "1000:benchmark"
USERS = 2000
PHOTOGRAPHERS = range(10_000, 10_000 + USERS // 4)  # have chosen a season and only send photos
TALKERS = range(20_000, 20_000 + USERS * 3 // 4)
PAINTERS = range(1, 4)  # their photos keep the worker busy and the queue full
WORDS = ("/start", "/help", "hello", "/language")
BUTTONS = (Menu.MAIN, Menu.STYLE, Menu.SUMMER_TO_WINTER, Menu.WINTER_TO_SUMMER)


@dataclass
class Telegram:
    """Answers the bot's calls and counts what each chat was told."""

    told: Counter[int] = field(default_factory=Counter)
    results: asyncio.Queue[int] = field(default_factory=asyncio.Queue)  # chats that got a picture
    last_told: float = 0.0
    _messages: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        fields = await request.post()
        result: Any = True
        if method == "getFile":
            result = {"file_id": "a", "file_unique_id": "a", "file_path": "photo.jpg"}
        elif method == "getMe":
            result = {"id": 1000, "is_bot": True, "first_name": "Bot", "username": "bot"}
        elif method == "getMyCommands":
            result = []
        elif method.startswith("getMy"):
            result = {"description": "", "short_description": "", "name": ""}
        elif method.startswith(("send", "edit")) and method != "sendChatAction":
            chat = int(str(fields["chat_id"]))
            self._messages += 1
            result = {"message_id": self._messages, "date": 0, "chat": chat_of(chat), "text": "x"}
            if method == "sendMessage":
                self.told[chat] += 1
                self.last_told = time.monotonic()
            elif method in ("editMessageMedia", "sendPhoto") and "reply_markup" in fields:
                self.results.put_nowait(chat)
        return web.json_response({"ok": True, "result": result})

    async def file(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PHOTO)


def chat_of(user: int) -> Json:
    return {"id": user, "type": "private", "first_name": "Ann"}


@dataclass
class Updates:
    """Makes updates, each with an id of its own."""

    chance: random.Random
    _number: int = 0

    def _update(self, user: int, kind: str, content: Json) -> Json:
        self._number += 1
        sender = {"id": user, "is_bot": False, "first_name": "Ann", "language_code": "en"}
        message = {"message_id": self._number, "date": int(time.time()), "chat": chat_of(user)}
        if kind == "message":
            return {"update_id": self._number, kind: {**message, "from": sender, **content}}
        bot = {"id": 1000, "is_bot": True, "first_name": "Bot"}
        message |= {"from": bot, "text": "a menu"}
        press = {"id": f"{self._number}", "from": sender, "chat_instance": "1", "message": message}
        return {"update_id": self._number, kind: {**press, **content}}

    def message(self, user: int, text: str) -> Json:
        return self._update(user, "message", {"text": text})

    def press(self, user: int, data: str) -> Json:
        return self._update(user, "callback_query", {"data": data})

    def photo(self, user: int) -> Json:
        file_id = f"photo{self._number}"
        size = {"file_id": file_id, "file_unique_id": file_id, "width": 1280, "height": 960}
        return self._update(user, "message", {"photo": [{**size, "file_size": 200_000}]})

    def any(self) -> Json:
        share = self.chance.random() * 95
        if share < 35:
            return self.message(self.chance.choice(TALKERS), self.chance.choice(WORDS))
        if share < 70:
            data = MenuChoice(item=self.chance.choice(BUTTONS)).pack()
            return self.press(self.chance.choice(TALKERS), data)
        return self.photo(self.chance.choice(PHOTOGRAPHERS))


@dataclass(frozen=True)
class Outcome:
    """Times in seconds; counts of updates, and of messages to those who sent them."""

    updates: int
    rate: float
    p50: float
    p90: float
    p99: float
    longest: float
    failed: int
    answers_due: int
    answers_at_the_end: int
    answers_lost: int
    answers_too_many: int
    drained_after: float
    painted: int


@dataclass
class Load:
    """What sends the updates at their pace, and counts their answers."""

    url: str
    client: ClientSession
    telegram: Telegram
    updates: Updates
    failed: int = 0
    painted: int = 0

    async def post(self, update: Json) -> float:
        """Until it is acknowledged; what fails is brought again, as Telegram does."""
        while True:
            try:
                async with self.client.post(self.url, json=update) as answer:
                    if answer.ok:
                        return time.monotonic()
            except ClientError:
                pass
            self.failed += 1
            await asyncio.sleep(1)

    async def prepare(self) -> None:
        """Photographers choose a season; painters a style, and fill the queue with photos."""
        painting = StyleChoice(style="starry_night").pack()
        season = MenuChoice(item=Menu.SUMMER_TO_WINTER).pack()
        presses = [self.updates.press(user, painting) for user in PAINTERS]
        presses += [self.updates.press(user, season) for user in PHOTOGRAPHERS]
        await asyncio.gather(*map(self.post, presses))
        for painter in PAINTERS:
            await self.post(self.updates.photo(painter))

    async def keep_painting(self) -> None:
        while True:
            chat = await self.telegram.results.get()
            self.painted += 1
            await self.post(self.updates.photo(chat if chat in PAINTERS else PAINTERS[0]))

    async def run(self, rate: float, seconds: float) -> Outcome:
        told_before = self.telegram.told.copy()
        due: Counter[int] = Counter()
        sent: list[Json] = []
        posts: list[tuple[float, asyncio.Task[float]]] = []
        painting = asyncio.create_task(self.keep_painting())
        begin = time.monotonic()
        for number in range(round(rate * seconds)):
            moment = begin + number / rate
            await asyncio.sleep(max(0, moment - time.monotonic()))
            if self.updates.chance.random() < 0.05 and sent:
                update = self.updates.chance.choice(sent[-1000:])
            else:
                update = self.updates.any()
                sent.append(update)
                due[user_of(update)] += 1
            posts.append((moment, asyncio.create_task(self.post(update))))
        at_the_end = sum((self.telegram.told - told_before).values())
        delays = sorted([await answered - moment for moment, answered in posts])
        painting.cancel()
        end = time.monotonic()
        missing = due
        while missing and time.monotonic() - max(end, self.telegram.last_told) < 10:
            await asyncio.sleep(0.5)
            missing = due - (self.telegram.told - told_before)
        told = self.telegram.told - told_before
        too_many = Counter({user: told[user] for user in due if user in TALKERS}) - due
        return Outcome(
            updates=len(delays),
            rate=rate,
            p50=delays[len(delays) // 2],
            p90=delays[len(delays) * 90 // 100],
            p99=delays[len(delays) * 99 // 100],
            longest=delays[-1],
            failed=self.failed,
            answers_due=due.total(),
            answers_at_the_end=at_the_end,
            answers_lost=missing.total(),
            answers_too_many=too_many.total(),
            drained_after=max(0, self.telegram.last_told - end),
            painted=self.painted,
        )


def user_of(update: Json) -> int:
    content = update.get("message") or update["callback_query"]
    return int(content["from"]["id"])


@asynccontextmanager
async def bot_under_load(
    telegram: Telegram, code: str = "", **variables: str
) -> AsyncIterator[str]:
    """The address of the bot's webhook; `code` runs in its process before anything else."""
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/bot{token}/{method}", telegram.answer)
    app.router.add_get("/file/bot{token}/{path}", telegram.file)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as data:
        settings = {
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "WEBHOOK_HOST": url,
            "WEBAPP_HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": data,
            "QUEUE_LIMIT": "2",
            "LOG_LEVEL": "WARNING",
        }
        bot = await asyncio.create_subprocess_exec(
            *bot_program(code), cwd=ROOT, env={**os.environ, **settings, **variables}
        )
        try:
            await seconds_to_answer(url)
            yield url
        finally:
            bot.send_signal(signal.SIGTERM)
            await bot.wait()
            await runner.cleanup()


async def measure(rate: float, seconds: float, **variables: str) -> Outcome:
    telegram = Telegram()
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(TOKEN)}
    async with (
        bot_under_load(telegram, **variables) as url,
        ClientSession(headers=headers, connector=TCPConnector(limit=1000)) as client,
    ):
        load = Load(url + WEBHOOK_PATH, client, telegram, Updates(random.Random(1)))
        await load.prepare()
        return await load.run(rate, seconds)


def table(outcome: Outcome) -> str:
    return "\n".join(
        f"{name.replace('_', ' '):20} {value:10.3f}"
        if isinstance(value, float)
        else f"{name.replace('_', ' '):20} {value:10d}"
        for name, value in asdict(outcome).items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/load"))
    parser.add_argument("--rate", type=float, default=200, help="updates a second")
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    gc.freeze()  # looking through what is imported would take this process a quarter second
    outcome = asyncio.run(measure(arguments.rate, arguments.seconds))
    sys.stdout.write(table(outcome) + "\n")
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "load.json").write_text(json.dumps(asdict(outcome), indent=1))


if __name__ == "__main__":
    main()
