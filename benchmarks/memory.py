"""How much memory it takes: `python -m benchmarks.memory --out DIR`.

Each case is a fresh process with one photo of 1280x1280 pixels, as large as Telegram sends them:

- season, painting: the command line at 512 px; a painting of a photo of 2560x1920 pixels, also as
  on a processor without bf16;
- bot, season and bot: `bot.py` by webhook, against the local Bot API server: its own web server,
  its queue, and a season, then two paintings at `NST_SIZE`;
- talker, worker: the two processes that share the work over a redis-server of their own, after a
  season and two paintings; left out, and that is said, where there is no redis-server;
- in 512 MB: the same bot in a real cgroup, v1 or v2, with that limit. It has to live, and nothing
  in the cgroup may have been killed; without the right to make a cgroup these cases are left out,
  and that is said.

Measured are the peak RSS in MB beside the most that it should be, in the cgroup also the highest
usage as the kernel counts it, page cache included. Into DIR go `memory.json` and the pictures.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from benchmarks.nst import load, peak_mb, photo_path
from benchmarks.start import choose_painting, choose_season, seconds_to_result, webhook_bot
from local_chat.client import join
from local_chat.server import start
from memory import CGROUPS
from settings import ROOT
from tests.servers import redis_server

STYLE = 2  # The Great Wave
SIDE = 1280  # pixels of the photo
LARGE = (2560, 1920)  # pixels of the larger photo
LIMIT = 512  # MB, of the cgroup
IN_F32 = "import sys, engines, command_line; engines.forced = 'f32'; sys.exit(command_line.main())"


@dataclass(frozen=True)
class Row:
    """A case that ran; `size` is the long side in pixels."""

    case: str
    size: int
    peak_mb: float
    most_mb: float  # that is allowed
    seconds: float
    cgroup_mb: float | None = None  # the highest usage
    killed: int | None = None  # processes in the cgroup


class Cgroup:
    """One of our own, limited to `LIMIT` MB; v1 or v2, as the machine has it."""

    def __init__(self, folder: Path, version: int) -> None:
        self.folder, self.version = folder, version

    def wrapped(self, command: Sequence[str]) -> list[str]:
        """A command that joins the cgroup and becomes `command`."""
        join_it = 'echo $$ > "$0" && exec "$@"'
        return ["sh", "-c", join_it, str(self.folder / "cgroup.procs"), *command]

    def highest_mb(self) -> float:
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        return int((self.folder / name).read_text()) / 2**20

    def killed(self) -> int:
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        lines = (self.folder / name).read_text().splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])


@contextmanager
def cgroup() -> Iterator[Cgroup]:
    """Raises `OSError` where none can be made."""
    version = 1 if (CGROUPS / "memory").is_dir() else 2
    folder = (CGROUPS / "memory" if version == 1 else CGROUPS) / f"paintbox-{os.getpid()}"
    if version == 2:
        (CGROUPS / "cgroup.subtree_control").write_text("+memory")
    folder.mkdir()
    try:
        name = "memory.limit_in_bytes" if version == 1 else "memory.max"
        (folder / name).write_text(str(LIMIT * 2**20))
        yield Cgroup(folder, version)
    finally:
        folder.rmdir()


async def watch_peak(process: Process, peaks: list[float]) -> None:
    """Until the process ends; its last look comes at most 20 ms before."""
    while process.returncode is None:
        try:
            peaks.append(peak_mb(process.pid))
        except (OSError, IndexError):  # it has just ended
            return
        await asyncio.sleep(0.02)


async def by_command_line(
    kind: str, photo: Path, out: Path, most: float, *, in_f32: bool = False
) -> Row:
    """`most` MB are allowed."""
    orders = {
        "painting": ["style", str(photo), "--style", "great_wave"],
        "season": ["summer2winter", str(photo)],
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *(["-c", IN_F32] if in_f32 else ["image_processing.py"])),
        *(*orders[kind], "--size", "512", "-o", str(out / f"{kind}.jpg")),
        cwd=ROOT,
        stderr=asyncio.subprocess.DEVNULL,
    )
    begin = asyncio.get_running_loop().time()
    peaks: list[float] = []
    await watch_peak(process, peaks)
    if await process.wait():
        raise SystemExit(f"{kind} ended with {process.returncode}")
    seconds = asyncio.get_running_loop().time() - begin
    with Image.open(photo) as file:
        pixels = "" if file.size == (SIDE, SIDE) else f" of {file.width}x{file.height}"
    case = f"{kind}{pixels}, command line{', f32' if in_f32 else ''}"
    return Row(case, 512, peaks[-1], most, seconds)


async def by_bot(size: int, most: float, photo: bytes, limited: Cgroup | None) -> list[Row]:
    """A season, then two paintings, by one bot."""
    command = [sys.executable, "bot.py"]
    if limited:
        command = limited.wrapped(command)
    place = f"bot in {LIMIT} MB" if limited else "bot"
    rows = []
    chat = await start(port=0, first_webhook_pause_s=0.1)
    try:
        async with (
            webhook_bot(chat, command, NST_SIZE=str(size)) as (bot, _),
            join(chat.url, "Ann", "en") as ann,
        ):

            def row(kind: str, asked: int, allowed: float, seconds: float) -> Row:
                facts = (limited.highest_mb(), limited.killed()) if limited else (None, None)
                return Row(f"{kind}, {place}", asked, peak_mb(bot.pid), allowed, seconds, *facts)

            await choose_season(ann)
            seconds = await seconds_to_result(ann, photo)
            rows.append(row("season", 512, 400, seconds))
            await choose_painting(ann, STYLE)
            for kind in ("painting", "the next"):
                seconds = await seconds_to_result(ann, photo)
                rows.append(row(kind, size, most, seconds))
    finally:
        await chat.close()
    return rows


async def by_roles(photo: bytes, folder: Path) -> list[Row]:
    """A season, then two paintings, by a process that talks and one that works."""
    chat = await start(port=0, first_webhook_pause_s=0.1)
    try:
        async with AsyncExitStack() as stack:
            redis = stack.enter_context(redis_server(folder))
            bots = {}
            for role, arguments in (("talker", []), ("worker", ["worker"])):
                command = [sys.executable, "bot.py", *arguments]
                starting = webhook_bot(chat, command, REDIS_URL=redis.url)
                bots[role], _ = await stack.enter_async_context(starting)
            ann = await stack.enter_async_context(join(chat.url, "Ann", "en"))
            await choose_season(ann)
            seconds = await seconds_to_result(ann, photo)
            await choose_painting(ann, STYLE)
            for _ in range(2):
                seconds = await seconds_to_result(ann, photo)
            return [
                Row(role, 512, peak_mb(bot.pid), most, seconds)
                for (role, bot), most in zip(bots.items(), (230, 480), strict=True)
            ]
    finally:
        await chat.close()


async def measure(out: Path) -> list[Row]:
    astronaut = load(photo_path("astronaut"))
    picture = astronaut.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=93)
    photo, large = out / "photo.jpg", out / "large.jpg"
    photo.write_bytes(buffer.getvalue())
    upper = (0, 0, astronaut.width, astronaut.width * LARGE[1] // LARGE[0])
    astronaut.resize(LARGE, Image.Resampling.LANCZOS, upper).save(large, quality=93)
    rows = []
    for kind, of, most, in_f32 in (
        ("season", photo, 400, False),
        ("painting", photo, 400, False),
        ("painting", large, 420, False),
        ("painting", large, 420, True),
    ):
        rows.append(await by_command_line(kind, of, out, most, in_f32=in_f32))
        show(rows[-1:])
    for size, most in ((512, 480), (1024, 500)):
        some = await by_bot(size, most, buffer.getvalue(), None)
        show(some)
        rows += some
    if shutil.which("redis-server"):
        with TemporaryDirectory() as folder:
            some = await by_roles(buffer.getvalue(), Path(folder))
        show(some)
        rows += some
    else:
        sys.stdout.write("there is no redis-server\n")
    try:
        with cgroup() as limited:
            some = await by_bot(1024, LIMIT, buffer.getvalue(), limited)
    except OSError as error:
        sys.stdout.write(f"no cgroup could be made: {error}\n")
    else:
        show(some)
        rows += some
    return rows


def show(rows: Sequence[Row]) -> None:
    for row in rows:
        text = (
            f"{row.case:43} {row.size:5} {row.peak_mb:8.0f} {row.most_mb:7.0f} {row.seconds:8.1f}"
        )
        if row.cgroup_mb is not None:
            text += f" {row.cgroup_mb:9.0f} {row.killed:7}"
        sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("out/memory"))
    arguments = parser.parse_args()
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(
        f"{'':43} {'px':>5} {'peak MB':>8} {'allowed':>7} {'seconds':>8}"
        f" {'cgroup MB':>9} {'killed':>7}\n"
    )
    rows = asyncio.run(measure(out))
    facts = json.dumps([asdict(row) for row in rows], indent=2)
    (out / "memory.json").write_text(facts + "\n")


if __name__ == "__main__":
    main()
