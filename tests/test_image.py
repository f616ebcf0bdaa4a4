"""The Dockerfile, built and run without a daemon: by buildah in a chroot, on Debian's own Python.

It asks Debian's mirror and the packages' registry, needs root, and takes minutes. So it is run only
where it is named, as `make image` does.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from benchmarks.servers import free_port
from local_chat.client import join
from settings import ROOT
from tests.conftest import PHOTOS, start_chat
from tests.test_deployment import until_ready

FROM_THE_HOST = ("/etc/ssl/certs", "/etc/pip.conf")  # how the registry is reached here
USER = 10001
IN_BASE = "python3,python3-venv,python-is-python3,ca-certificates"


@dataclass
class Buildah:
    """buildah with a store of its own. `container` is one of the built image; `data` its volume."""

    store: Path
    container: str = ""

    @property
    def data(self) -> Path:
        return self.store / "data"

    def command(self, *arguments: str | Path) -> list[str]:
        places = ["--root", f"{self.store}/root", "--runroot", f"{self.store}/run"]
        return ["buildah", *places, "--storage-driver", "vfs", *map(str, arguments)]

    def __call__(self, *arguments: str | Path) -> str:
        """What it prints; what it complains of goes to stderr."""
        done = subprocess.run(self.command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, arguments
        return done.stdout.strip()

    def running(self, *command: str, **variables: str) -> list[str]:
        """The command line that runs a command in the container, as the image's user."""
        environment = [f"--env={name}={value}" for name, value in variables.items()]
        volumes = [f"--volume={PHOTOS}:/photos:ro", f"--volume={self.data}:/data"]
        options = ["--isolation=chroot", *volumes, *environment]
        return self.command("run", *options, self.container, "--", *command)

    def config(self, name: str) -> list[str]:
        """A list of the built image's configuration."""
        found: list[str] = json.loads(self("inspect", self.container))["OCIv1"]["config"][name]
        return found


def bases() -> set[str]:
    return set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.M))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    missing = [name for name in ("buildah", "debootstrap") if not shutil.which(name)]
    if missing or os.geteuid():
        pytest.skip(f"needs root, buildah and debootstrap; missing: {missing or 'root'}")
    folder = tmp_path_factory.mktemp("image")
    base, buildah = folder / "base", Buildah(folder)
    options = ["--variant=minbase", f"--include={IN_BASE}", "bookworm"]
    subprocess.run(["debootstrap", *options, base], check=True)
    packed = shutil.make_archive(str(folder / "base"), "tar", base)
    empty = buildah("from", "scratch")
    buildah("add", "--quiet", empty, packed, "/")
    buildah("commit", "--quiet", "--rm", empty, "base")
    for name in bases():
        buildah("tag", "base", f"docker.io/library/{name}")
    mounts = [f"--volume={path}:{path}:ro" for path in FROM_THE_HOST if Path(path).exists()]
    buildah("build", "--isolation=chroot", "--pull-never", *mounts, "--tag=paintbox", ".")
    buildah.data.mkdir()
    os.chown(buildah.data, USER, USER)
    buildah.container = buildah("from", "--pull-never", "localhost/paintbox")
    print(buildah("images"))
    yield buildah
    shutil.rmtree(folder)


def test_it_paints_as_a_user_who_may_write_to_data_only(image: Buildah) -> None:
    paint = ["style", "/photos/chelsea.jpg", "--style", "great_wave", "--size", "128"]
    command = ["python", "image_processing.py", *paint, "-o"]
    subprocess.run(image.running(*command, "/data/out.png"), check=True)
    assert Path(image("mount", image.container), "data").stat().st_uid == USER
    painting = image.data / "out.png"
    assert painting.stat().st_uid == USER
    with Image.open(painting) as after, Image.open(PHOTOS / "chelsea.jpg") as before:
        change = ImageChops.difference(after, before.convert("RGB"))
    assert max(ImageStat.Stat(change).mean) > 10
    elsewhere = subprocess.run(image.running(*command, "/app/out.png"), capture_output=True)
    assert elsewhere.returncode == 2
    assert b"/app" in elsewhere.stderr


def test_nothing_is_in_it_that_it_does_not_need(image: Buildah) -> None:
    root = Path(image("mount", image.container))
    assert not [name for name in ("tests", "benchmarks", ".git") if (root / "app" / name).exists()]
    packages = next((root / "venv" / "lib").glob("*/site-packages"))
    assert not (packages / "torch").exists()
    assert (packages / "openvino").exists()


def innermost(process: int) -> int:
    """The process that buildah's own, which pass no signal on, have started in the end."""
    threads = Path(f"/proc/{process}/task").glob("*/children")
    children = " ".join(thread.read_text() for thread in threads).split()
    return innermost(int(children[0])) if children else process


async def test_it_starts_talks_tells_its_health_and_ends(image: Buildah) -> None:
    chat, port = await start_chat(), free_port()
    given = {"BOT_TOKEN": chat.token, "TELEGRAM_API_URL": chat.url, "HEALTH_PORT": str(port)}
    bot = await asyncio.create_subprocess_exec(*image.running(*image.config("Cmd"), **given))
    async with join(chat.url, "Ann", "en") as ann:
        await until_ready(port)
        await ann.say("/start")
        assert "Hello, Ann!" in (await ann.next_message()).text
    os.kill(innermost(bot.pid), signal.SIGTERM)
    assert await bot.wait() == 0
    await chat.close()
