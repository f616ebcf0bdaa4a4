"""Real servers beside the benchmarks and the tests: the bot, free ports, redis-server."""

import random
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, Popen

from redis import Redis


def free_port() -> int:
    """Below those that the system gives to outgoing connections: it stays free over a restart."""
    while True:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def bot_program(code: str = "") -> list[str]:
    """The command of `python bot.py`, in whose process `code` runs before anything else."""
    main = "import sys, bot\nsys.argv[0] = 'bot.py'\nsys.exit(bot.main())"
    return [sys.executable, "-c", f"{code}\n{main}"]


class RedisServer:
    """A redis-server process of its own that keeps every write in `folder`.

    Raises `FileNotFoundError` where none is installed.
    """

    def __init__(self, folder: Path) -> None:
        path = shutil.which("redis-server")
        if path is None:
            raise FileNotFoundError("there is no redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [path, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--appendonly", "yes", "--dir", str(folder), "--loglevel", "warning"]
        self.start()

    def start(self) -> None:
        self.process = Popen(self._command, stdout=DEVNULL)
        with Redis(port=self.port, retry_on_error=[ConnectionError]) as client:
            while True:
                try:
                    client.ping()
                except Exception:
                    assert self.process.poll() is None
                else:
                    break

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
