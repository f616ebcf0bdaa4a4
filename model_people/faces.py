"""Finds the faces in a photo: mediapipe's full-range detector, and its landmarks to be sure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_people.looks import Look, tiles, whole
from model_people.networks import run

Array = NDArray[np.float32]
Box = tuple[float, float, float, float]  # left, top, right, bottom

SIZE = 192  # pixels of the square that both networks see
GRID = 48  # cells along a side of it, each of which may say that a face is there
SEEN = 1024  # pixels; long side of a larger photo when it is looked at
UNSURE = 0.2  # score from which on a place is looked at again
MOST_UNSURE = 8  # of them, the best ones; each takes a millisecond or two
SURE = 0.6  # score of a face
CERTAIN = 0.8  # by the landmarks; faces have .9 or more, what is none .1, upside down up to .8
OVERLAP = 0.3  # of the union, or half of the smaller one: two boxes are of one face
CROP = 1.5  # side of what the landmarks are looked for in, of the face's
MOST_TURNS = 4  # after the first look; the landmarks lag behind where a look is not upright
STEADY = 0.1  # radians between two looks, the last of which is upright then
NEAR = 3.0  # side of what the detector looks at again, of the face's
FAR = 0.1  # of the photo's long side: the width of a face
# Landmarks whose means are the six points: right eye, left eye, nose, mouth, right and left ear.
SIX = np.array(((33, 133), (362, 263), (1, 1), (13, 14), (234, 234), (454, 454)))


class Boxed(Protocol):
    @property
    def box(self) -> Box: ...

    @property
    def score(self) -> float: ...


OneBoxed = TypeVar("OneBoxed", bound=Boxed)


@dataclass(frozen=True)
class Found:
    """What the detector says of one place, in pixels of the photo."""

    box: Box
    score: float  # 0 to 1
    points: Array  # `[6, 2]`, as of a `Face`


@dataclass(frozen=True)
class Face:
    """In pixels of the photo, from its upper left corner; may reach beyond the photo."""

    box: Box  # around the landmarks
    score: float  # the detector's, `SURE` to 1
    landmarks: Array  # `[468, 2]`

    @property
    def points(self) -> Array:
        """`[6, 2]`: right eye, left eye, nose, mouth, right ear, left ear; the person's right."""
        points: Array = self.landmarks[SIX].mean(1)
        return points

    @property
    def centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def roll(self) -> float:
        return roll(self.points)

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]


@dataclass(frozen=True)
class People:
    size: tuple[int, int]  # width and height of the photo
    faces: tuple[Face, ...]  # the largest first


def find_people(photo: Image.Image) -> People:
    """Finds all faces in an RGB photo; may be called from several threads.

    Raises `OSError` or `ValueError` for weights that are missing or changed.
    """
    share = min(1.0, SEEN / max(photo.size))
    size = max(1, round(photo.width * share)), max(1, round(photo.height * share))
    seen = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2) if share < 1 else photo
    scale = np.divide(photo.size, seen.size, dtype=np.float32)
    faces = [_face(face.landmarks * scale, face.score) for face in _faces(seen)]
    return People(photo.size, tuple(sorted(faces, key=lambda face: -face.width)))


def _faces(photo: Image.Image) -> list[Face]:
    first = whole(*photo.size)
    looks = [first, *tiles(*photo.size, 0.6)] if max(photo.size) > SIZE else [first]
    faces = _confirmed(photo, looks)
    if any(face.width < FAR * first.side for face in faces):  # there may be others, still smaller
        faces = best([*faces, *_confirmed(photo, list(tiles(*photo.size, 0.3)))])
    if not faces:  # people who lie, or a photo that is not upright
        turns = (math.pi / 2, -math.pi / 2, math.pi)
        faces = _confirmed(photo, [replace(first, angle=angle) for angle in turns])
    return faces


def _confirmed(photo: Image.Image, looks: Sequence[Look]) -> list[Face]:
    """The faces among what the detector finds in these looks."""
    found = best(one for look in looks for one in detect(photo, look, UNSURE))
    sure = sum(one.score >= SURE for one in found)
    faces = [_seen_again(photo, one) for one in found[: sure + MOST_UNSURE]]
    return best(face for face in faces if face)


def _seen_again(photo: Image.Image, found: Found) -> Face | None:
    """What was found, if the landmarks agree, and the detector when it sees it upright and near."""
    look = upright(found.box, roll(found.points), CROP)
    points, sure = landmarks(photo, look)
    for _ in range(MOST_TURNS):
        if sure < CERTAIN:
            return None
        before, look = look, upright_at(points, CROP)
        points, sure = landmarks(photo, look)
        if abs(look.angle - before.angle) < STEADY:
            break
    face = _face(points, found.score)
    near = detect(photo, replace(look, side=NEAR / CROP * look.side), SURE)
    score = max(one.score for one in (found, *near) if one is found or overlap(one.box, face.box))
    return replace(face, score=score) if score >= SURE and sure >= CERTAIN else None


def _face(points: Array, score: float) -> Face:
    (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
    return Face((left, top, right, bottom), score, points)


def detect(photo: Image.Image, look: Look, least: float) -> list[Found]:
    """Each place in a look with a score of at least `least`; many of them overlap."""
    boxes, logits = run("face_detector", look.picture(photo, SIZE))
    return decoded(boxes[0], logits[0, :, 0], look, least)


def decoded(boxes: Array, logits: Array, look: Look, least: float) -> list[Found]:
    """The same, of the detector's boxes `[2304, 16]` and logits `[2304]` for a look.

    A box is centre, size and six points, in pixels of the look, from the middle of its cell.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    cells = np.flatnonzero(scores >= least)
    rows, columns = np.divmod(cells, GRID)
    middles = (np.stack((columns, rows), 1).astype(np.float32) + 0.5) * np.float32(SIZE / GRID)
    values = boxes[cells].reshape(-1, 8, 2)
    points = look.to_photo(values[:, [0, *range(2, 8)]] + middles[:, None], SIZE)
    halves = np.abs(values[:, 1]).max(1) * (look.side / SIZE / 2)
    return [
        Found((x - half, y - half, x + half, y + half), score, six)
        for score, (x, y), half, six in zip(
            scores[cells].tolist(),
            points[:, 0].tolist(),
            halves.tolist(),
            points[:, 1:],
            strict=True,
        )
    ]


def best(found: Iterable[OneBoxed]) -> list[OneBoxed]:
    """Of those that overlap the one with the highest score; the highest scores first."""
    kept: list[OneBoxed] = []
    for one in sorted(found, key=lambda one: -one.score):
        if not any(overlap(one.box, other.box) for other in kept):
            kept.append(one)
    return kept


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes are of one face."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return False
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    common = wide * high
    return common > OVERLAP * (sum(areas) - common) or common > 0.5 * min(areas)


def landmarks(photo: Image.Image, look: Look) -> tuple[Array, float]:
    """The points `[468, 2]` of the face that fills a look, and how sure it is one, 0 to 1."""
    points, score = run("face_landmarks", look.picture(photo, SIZE))
    plane = points.reshape(468, 3)[:, :2]
    return look.to_photo(plane, SIZE), 1 / (1 + math.exp(-float(score.item())))


def upright(box: Box, angle: float, factor: float) -> Look:
    """A look `factor` times as large as the box of a face that is turned by `angle`."""
    side = max(box[2] - box[0], box[3] - box[1])
    return Look((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, factor * max(side, 1), angle)


def upright_at(points: Array, factor: float) -> Look:
    """The same for landmarks `[468, 2]`, around which the box is turned like the face."""
    look = Look(0, 0, 1, roll(points[SIX].mean(1)))
    inner = look.from_photo(points, 1)
    low, high = inner.min(0), inner.max(0)
    (x, y) = look.to_photo((low + high) / 2, 1).tolist()
    return replace(look, x=x, y=y, side=factor * max(float((high - low).max()), 1))


def roll(points: Array) -> float:
    """The angle, in radians, of the line from the right eye to the left one."""
    (x0, y0), (x1, y1) = points[:2].tolist()
    return math.atan2(y1 - y0, x1 - x0)
