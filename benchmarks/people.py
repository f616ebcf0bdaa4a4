"""What painting and seasons do to people: `python -m benchmarks.people --out DIR`.

Portraits near (the head alone), middle (as they are) and far (cut out, small in a landscape), each
painted in the chosen styles and strengths. Measured are

- score: the face detector's, at the places of the photo's faces; the mean and the lowest of those
  that have .75 or more in the photo;
- moved: how far the 468 landmarks are from the photo's, in % of the distance between the eyes;
- style, inside, outside: `benchmarks.quality.Vgg19.style_error` of the whole painting, of the faces
  and of the rest; `photo` is that of the unpainted faces;
- seconds: of `paint`, its networks loaded before.

And, for both seasons, by how much of 255 the pixels within the faces change. Into DIR go the
paintings and `people.json`. Needs `pip install --no-deps -r requirements-bench.txt`.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.nst import load
from benchmarks.quality import Vgg19, as_judged
from image_processing import change_season, paint
from model_nst.style_transfer import Style
from model_people.faces import (
    CROP,
    NEAR,
    Face,
    detect,
    find_people,
    landmarks,
    overlap,
    upright_at,
)
from model_people.masks import face_map
from model_people.persons import persons_mask
from presets import PRESETS
from settings import ROOT
from wishes import DIRECTIONS, STRENGTHS, PaintingOptions, Strength

PORTRAITS = {
    "astronaut": "photos/astronaut",
    "grace_hopper": "people/grace_hopper",
    "workers": "people/workers",
    "mechanics": "people/mechanics",
    "lorentz_einstein": "people/lorentz_einstein",
    "solvay": "people/solvay",
}
GROUPS = ("mechanics", "workers", "solvay", "lorentz_einstein")  # they are not cut out
LANDSCAPES = {"astronaut": "summer_valley", "grace_hopper": "summer_palace"}
DISTANCES = ("near", "middle", "far")
FAR = 0.5  # of the landscape's height: that of the portrait
SURELY = 0.75  # the detector's score in the photo, of faces that must stay

SCENES = [
    f"{name}_{distance}"
    for name, distance in product(PORTRAITS, DISTANCES)
    if distance == "middle" or name not in GROUPS
]


@dataclass(frozen=True)
class Run:
    """A painting that was made and judged; see the top of this file."""

    scene: str
    style: str
    strength: str
    seconds: float
    scores: list[float]  # of the faces, the largest first
    photo_scores: list[float]  # of the same faces in the photo
    moved: float
    style_error: float
    inside: float
    outside: float
    photo: float

    @property
    def sure_scores(self) -> list[float]:
        pairs = zip(self.scores, self.photo_scores, strict=True)
        return [score for score, before in pairs if before >= SURELY]


def scene(name: str) -> Image.Image:
    """An RGB photo of `SCENES`."""
    portrait, _, distance = name.rpartition("_")
    photo = load(ROOT / "images" / f"{PORTRAITS[portrait]}.jpg")
    if distance == "near":
        return near(photo)
    return photo if distance == "middle" else far(photo, LANDSCAPES[portrait])


def near(photo: Image.Image) -> Image.Image:
    """The head alone, enlarged to a long side of 512 pixels."""
    face = find_people(photo).faces[0]
    x, y = face.centre
    half = 1.1 * face.width
    left, top = max(0, round(x - half)), max(0, round(y - 1.2 * half))
    right, bottom = min(photo.width, round(x + half)), min(photo.height, round(y + half))
    return as_judged(photo.crop((left, top, right, bottom)))


def far(photo: Image.Image, landscape: str) -> Image.Image:
    """The person small in a landscape, standing on its lower edge."""
    result = load(ROOT / "images" / "photos" / f"{landscape}.jpg")
    height = round(FAR * result.height)
    width = round(photo.width * height / photo.height)
    mask = persons_mask(photo, find_people(photo), width, height)
    small = photo.resize((width, height), Image.Resampling.LANCZOS)
    place = ((result.width - width) // 3, result.height - height)
    result.paste(small, place, Image.fromarray((mask * 255).astype(np.uint8)))
    return result


def score_at(picture: Image.Image, face: Face) -> float:
    """The detector's highest score at the place of a face of the photo; 0 if there is none."""
    look = upright_at(face.landmarks, CROP)
    near_it = detect(picture, replace(look, side=NEAR / CROP * look.side), 0.01)
    return max((one.score for one in near_it if overlap(one.box, face.box)), default=0.0)


def moved(picture: Image.Image, face: Face) -> float:
    """How far the landmarks are from those of the photo, in % of the distance of the eyes."""
    points, _ = landmarks(picture, upright_at(face.landmarks, CROP))
    apart = np.hypot(*(points - face.landmarks).T).mean()
    return float(100 * apart / np.hypot(*(face.points[1] - face.points[0])))


def measure(
    scenes: Sequence[str],
    styles: Sequence[str],
    strengths: Sequence[Strength],
    options: dict[str, Any],
    size: int,
    out: Path,
) -> list[Run]:
    judge = Vgg19()
    runs: list[Run] = []
    for name in scenes:
        photo = scene(name)
        photo.save(out / f"{name}.png")
        people = find_people(photo)
        inside = face_map(people, *as_judged(photo).size)
        before = [score_at(photo, face) for face in people.faces]
        for style, strength in product(styles, strengths):
            painted_like = load(PRESETS[style].path)
            wanted = PaintingOptions(strength=strength, **options)
            start = time.perf_counter()
            painting = paint(photo, [Style(painted_like, 1)], wanted, size=size)
            seconds = time.perf_counter() - start
            painting.save(out / f"{name}_{style}_{strength}.png")
            runs.append(
                Run(
                    name,
                    style,
                    strength,
                    seconds,
                    [score_at(painting, face) for face in people.faces],
                    before,
                    mean(moved(painting, face) for face in people.faces),
                    judge.style_error(painting, painted_like),
                    judge.style_error(painting, painted_like, inside),
                    judge.style_error(painting, painted_like, 1 - inside),
                    judge.style_error(photo, painted_like, inside),
                )
            )
            sys.stderr.write(f"{runs[-1]}\n")
    return runs


def season_changes(scenes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Direction, scene, and by how much of 255 a pixel within the faces changes on average."""
    changes: dict[str, dict[str, float]] = {direction: {} for direction in DIRECTIONS}
    for name, direction in product(scenes, DIRECTIONS):
        photo = scene(name)
        inside = face_map(find_people(photo), *photo.size)
        changed = np.asarray(change_season(photo, direction), np.float32)
        apart = np.abs(changed - np.asarray(photo, np.float32)).mean(2)
        changes[direction][name] = float((apart * inside).sum() / inside.sum())
    return changes


def table(runs: Sequence[Run], changes: dict[str, dict[str, float]]) -> str:
    lines = [
        f"{'scene':24} {'style':22} {'strength':8} {'score':>5} {'lowest':>6} {'moved':>6}"
        f" {'style':>6} {'inside':>6} {'outside':>7} {'photo':>6} {'seconds':>7}"
    ]
    lines += [
        f"{run.scene:24} {run.style:22} {run.strength:8} {mean(run.scores):5.2f}"
        f" {min(run.sure_scores, default=1):6.2f} {run.moved:5.0f}% {run.style_error:6.3f}"
        f" {run.inside:6.3f} {run.outside:7.3f} {run.photo:6.3f} {run.seconds:7.1f}"
        for run in runs
    ]
    for strength in dict.fromkeys(run.strength for run in runs):
        own = [run for run in runs if run.strength == strength]
        scores = [score for run in own for score in run.sure_scores]
        # Of each painting, so that a photo of 29 people does not outweigh the others.
        means = [mean(run.sure_scores) for run in own if run.sure_scores]
        lines.append(
            f"{strength}: score {mean(means):.2f}, lowest {min(scores):.2f},"
            f" under .5 {sum(score < 0.5 for score in scores)} of {len(scores)};"
            f" moved {median(run.moved for run in own):.0f}%;"
            f" style error {median(run.style_error for run in own):.3f},"
            f" inside {median(run.inside / run.photo for run in own):.2f} of the photo's;"
            f" {median(run.seconds for run in own):.1f} s"
        )
    for direction, by_scene in changes.items():
        each = ", ".join(f"{name} {change:.1f}" for name, change in by_scene.items())
        lines.append(f"{direction}: {mean(by_scene.values()):.1f} of 255 ({each})")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.people",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=SCENES, metavar="NAME")
    parser.add_argument("--styles", nargs="+", choices=PRESETS, default=PRESETS, metavar="NAME")
    parser.add_argument("--strengths", nargs="+", choices=STRENGTHS, default=STRENGTHS)
    parser.add_argument("--size", type=int, default=512, help="long side in pixels, 512 if none")
    parser.add_argument("--faces", help="how `paint` treats faces, where it has that option")
    parser.add_argument("--no-seasons", action="store_true")
    arguments = parser.parse_args()
    options: dict[str, Any] = {}
    if arguments.faces:
        if "faces" not in {field.name for field in fields(PaintingOptions)}:
            parser.error("paint has no option for faces")
        options["faces"] = arguments.faces
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    runs = measure(
        arguments.scenes, arguments.styles, arguments.strengths, options, arguments.size, out
    )
    changes = {} if arguments.no_seasons else season_changes(arguments.scenes)
    facts = {
        "size": arguments.size,
        "options": options,
        "runs": [asdict(run) for run in runs],
        "seasons": changes,
    }
    (out / "people.json").write_text(json.dumps(facts, indent=2) + "\n")
    sys.stdout.write(table(runs, changes) + "\n")


if __name__ == "__main__":
    main()
