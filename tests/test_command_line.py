"""`python image_processing.py`, as people call it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat
from pillow_heif import register_heif_opener

import command_arguments
from presets import PRESETS
from settings import ROOT
from tools.clips import make_clip

PHOTO = ROOT / "images" / "photos" / "chelsea.jpg"
STYLE = ROOT / "images" / "styles" / "3_kiss.jpg"


def paintbox(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "image_processing.py", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("style", "name"), [("kiss", "a.jpg"), (str(STYLE), "ä b.PNG")], ids=["preset", "file"]
)
def test_a_photo_is_painted(tmp_path: Path, style: str, name: str) -> None:
    out = tmp_path / name
    run = paintbox("style", PHOTO, "--style", style, "--size", "128", "-o", out)
    assert run.returncode == 0, run.stderr
    assert "100%" in run.stderr
    assert "Traceback" not in run.stderr
    with Image.open(out) as painting, Image.open(PHOTO) as photo:
        assert painting.size == photo.size
        assert painting.format == ("PNG" if name.endswith("PNG") else "JPEG")
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("photo", "options", "words"),
    [
        pytest.param("missing.jpg", ["--style", "kiss"], "missing.jpg", id="no such photo"),
        pytest.param("text.jpg", ["--style", "kiss"], "not a picture", id="not a picture"),
        pytest.param("empty.jpg", ["--style", "kiss"], "empty", id="empty"),
        pytest.param("cut.jpg", ["--style", "kiss"], "damaged", id="truncated"),
        pytest.param("damaged.tif", ["--style", "kiss"], "damaged", id="libtiff talks"),
        pytest.param("folder.jpg", ["--style", "kiss"], "folder.jpg", id="a folder"),
        pytest.param(PHOTO, ["--style", "rembrandt"], "starry_night", id="no such style"),
        pytest.param(PHOTO, ["--style", "cut.jpg"], "damaged", id="truncated style"),
        pytest.param(PHOTO, ["--style", "kiss", "--size", "9"], "128 to 2048", id="size"),
        pytest.param(PHOTO, ["--style", "kiss", "--strength", "mild"], "strong", id="strength"),
        pytest.param(PHOTO, [], "--style", id="no style"),
        pytest.param(PHOTO, ["--style", STYLE, "--quick"], "famous paintings", id="own, quickly"),
        pytest.param(PHOTO, ["--style", "kiss", "--amount", "1"], "--season", id="no season"),
    ],
)
def test_mistakes_get_one_line_and_exit_code_2(
    tmp_path: Path, photo: str | Path, options: list[str], words: str
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.jpg").write_bytes(PHOTO.read_bytes()[:20_000])
    (tmp_path / "folder.jpg").mkdir()
    Image.radial_gradient("L").save(tmp_path / "damaged.tif", compression="tiff_deflate")
    tiff = bytearray((tmp_path / "damaged.tif").read_bytes())
    tiff[20:60] = b"\xff" * 40
    (tmp_path / "damaged.tif").write_bytes(tiff)
    options = [str(tmp_path / option) if option == "cut.jpg" else option for option in options]
    out = tmp_path / "out.png"
    run = paintbox("style", tmp_path / photo, *options, "-o", out)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert words in run.stderr
    assert run.stdout == ""
    assert not out.exists()


@pytest.mark.parametrize("command", [("style", "--style", "kiss"), ("summer2winter",), ("styles",)])
@pytest.mark.parametrize("out", ["out.gif", "nowhere/out.png", "there/x.jpg", "out.webp2"])
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, command: tuple[str, ...], out: str
) -> None:
    (tmp_path / "there").touch()
    run = paintbox(command[0], PHOTO, *command[1:], "-o", tmp_path / out)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert str(tmp_path) in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.skipif(sys.platform != "linux", reason="nobody may write into /proc")
@pytest.mark.parametrize("out", ["/proc/out.png", "/proc/out"])
def test_what_may_not_be_written_is_told_by_the_name_that_was_given(out: str) -> None:
    run = paintbox("summer2winter", PHOTO, "-o", out)
    assert run.returncode == 2
    assert f"{out}: nothing can be written" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param((PHOTO, PHOTO, "-o", "one.jpg"), "2 photos: name a folder", id="one file"),
        pytest.param((PHOTO, STYLE, "-o", "there"), "2 photos: name a folder", id="a file there"),
        pytest.param((PHOTO, "-o", "there"), "a file and no folder", id="no folder"),
        pytest.param((PHOTO, PHOTO, "-o", "."), "written as one file", id="twice"),
        pytest.param((PHOTO, "gone.jpg", "-o", "."), "no file gone.jpg", id="the second is gone"),
        pytest.param((PHOTO, "-o", "a/b/c"), "no folder a/b", id="no folder above"),
    ],
)
def test_seasons_say_what_is_wrong_before_the_first_photo(
    tmp_path: Path, arguments: tuple[str | Path, ...], words: str
) -> None:
    (tmp_path / "there").touch()
    run = subprocess.run(
        [sys.executable, ROOT / "image_processing.py", "summer2winter", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert run.returncode == 2
    assert words in run.stderr
    assert run.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_both_commands_write_webp(tmp_path: Path) -> None:
    for command in (("summer2winter",), ("style", "--style", "kiss", "--quick")):
        out = tmp_path / f"{command[0]}.webp"
        run = paintbox(command[0], PHOTO, *command[1:], "-o", out)
        assert run.returncode == 0, run.stderr
        with Image.open(out) as picture, Image.open(PHOTO) as photo:
            assert picture.format == "WEBP"
            assert picture.size == photo.size


def test_a_photo_in_the_season_already_is_changed_and_that_is_told(tmp_path: Path) -> None:
    """The chat leaves such a photo as it is; here it was named by a command of its own."""
    snow = ROOT / "images" / "photos" / "winter_slope.jpg"
    run = paintbox("summer2winter", snow, PHOTO, "-o", tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stderr.splitlines() == [
        f"{snow}: it is winter here already, it seems; changed all the same."
    ]
    with Image.open(snow) as before, Image.open(tmp_path / snow.name) as after:
        change = ImageChops.difference(before.convert("RGB"), after.convert("RGB"))
    assert max(ImageStat.Stat(change).mean) > 2
    harder = paintbox("summer2winter", snow, "--amount", "1.4", "-o", tmp_path / "more.jpg")
    assert (harder.returncode, harder.stderr) == (0, "")  # asked for knowingly


def test_heic_is_read(tmp_path: Path) -> None:
    register_heif_opener()  # and saver
    with Image.open(PHOTO) as photo:
        photo.save(tmp_path / "a.heic")
        size = photo.size
    run = paintbox("winter2summer", tmp_path / "a.heic", "-o", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    with Image.open(tmp_path / "out" / "a.jpg") as changed:
        assert changed.size == size


@pytest.mark.parametrize("command", ["style", "styles", "summer2winter", "winter2summer"])
def test_help_shows_examples_that_can_be_read(command: str) -> None:
    examples = command_arguments.EXAMPLES[command].splitlines()[1:]
    assert examples
    for example in examples:
        arguments = command_arguments.parser().parse_args(shlex.split(example))
        assert arguments.command == command


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("st", {"style", "styles"}),
        ("style a.jpg --style gr", {"great_wave"}),
        ("style a.jpg --strength s", {"soft", "strong"}),
        ("summer2winter --am", {"--amount"}),
    ],
)
def test_the_shell_completes_what_is_typed(tmp_path: Path, typed: str, offered: set[str]) -> None:
    line = f"image_processing.py {typed}"
    completing = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "offered"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run(
        [sys.executable, ROOT / "image_processing.py"],
        env=os.environ | completing,
        check=True,
        timeout=60,
    )
    words = (tmp_path / "offered").read_text().split("\n")
    assert {word.strip() for word in words} == offered


def test_what_was_there_stays_when_the_photo_is_bad(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"an older painting")
    assert paintbox("style", "missing.jpg", "--style", "kiss", "-o", out).returncode == 2
    assert out.read_bytes() == b"an older painting"


def test_a_photo_is_painted_quickly(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    mix = ("--style", "kiss", "--style", "great_wave", "--mix", "0.3")
    run = paintbox("style", PHOTO, *mix, "--quick", "-o", out)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    with Image.open(out) as painting, Image.open(PHOTO) as photo:
        assert painting.size == photo.size


def test_a_sheet_shows_a_photo_in_all_styles(tmp_path: Path) -> None:
    out = tmp_path / "sheet.jpg"
    run = paintbox("styles", PHOTO, "-o", out)
    assert run.returncode == 0, run.stderr
    with Image.open(out) as sheet:
        width, height = sheet.width // 3, sheet.height // 6
        tiles = [
            sheet.crop((x * width + 80, y * height + 60, x * width + 320, y * height + 220))
            for y in range(6)
            for x in range(3)
        ][: len(PRESETS)]
    colours = np.array([ImageStat.Stat(tile).mean for tile in tiles])
    distances = np.abs(colours[:, None] - colours).max(2) + 99 * np.eye(len(tiles))
    assert distances.min() > 3  # the styles differ


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(make_clip((128, 96), 0.4, 10, sound=True))
    return path


@pytest.mark.parametrize(
    "command",
    [("style", "--style", "great_wave", "--season", "summer2winter"), ("summer2winter",)],
    ids=["style", "season"],
)
def test_a_clip_is_repainted(tmp_path: Path, clip: Path, command: tuple[str, ...]) -> None:
    out = tmp_path / "out.mp4"
    run = paintbox(command[0], clip, *command[1:], "-o", out)
    assert run.returncode == 0, run.stderr
    assert "100%" in run.stderr
    with av.open(out, "r") as written:
        assert len(written.streams.audio) == 1
        pictures = [frame.to_ndarray(format="rgb24") for frame in written.decode(video=0)]
    with av.open(clip, "r") as own:
        before = [frame.to_ndarray(format="rgb24") for frame in own.decode(video=0)]
    assert len(pictures) == len(before)
    assert np.abs(pictures[0].astype(float) - before[0]).mean() > 5


def test_clips_in_a_folder_stay_clips(tmp_path: Path, clip: Path) -> None:
    run = paintbox("summer2winter", PHOTO, clip, "-o", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"chelsea.jpg", "clip.mp4"}


@pytest.mark.parametrize(
    ("photo", "options", "out", "words"),
    [
        pytest.param("clip", ["--style", "kiss"], "a.png", "must end in .mp4", id="as a picture"),
        pytest.param("clip", ["--style", str(STYLE)], "a.mp4", "famous", id="own style"),
        pytest.param("clip", ["--style", "kiss", "--compare"], "a.mp4", "side", id="compared"),
        pytest.param("photo", ["--style", "kiss"], "a.mp4", "of a clip", id="of a photo"),
        pytest.param("damaged", ["--style", "kiss"], "a.mp4", "not a clip", id="damaged"),
        pytest.param("missing.mp4", ["--style", "kiss"], "a.mp4", "missing.mp4", id="missing"),
    ],
)
def test_mistakes_with_clips_get_one_line(
    tmp_path: Path, clip: Path, photo: str, options: list[str], out: str, words: str
) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(clip.read_bytes()[:2000])
    path = {"clip": clip, "photo": PHOTO, "damaged": damaged}.get(photo, tmp_path / photo)
    run = paintbox("style", path, *options, "-o", tmp_path / out)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / out).exists()
