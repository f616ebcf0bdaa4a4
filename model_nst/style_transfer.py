"""Paints a content image in the style of others: Gatys' optimisation, from coarse to fine.

The large strokes are made on a small image, where a step costs little and a stroke spans many
pixels of the network's view; each finer scale starts from the enlarged result of the one before.
Where the quick network knows the style, its picture has these strokes already: the optimisation
starts from it, at once at full size.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from model_nst import preset_grams
from model_nst.calm import UP_TO, calmer
from model_nst.colours import in_colours_of
from model_nst.engine import StyleEngine
from model_nst.faces import BEGUN_AT, FaceMaps, begun_anew, calmed, guidance
from model_nst.images import (
    SMALLEST_WORKED_AT,
    Array,
    Features,
    enlarged,
    padded,
    padded_size,
    resized,
    to_array,
    to_image,
    working_copy,
)
from model_nst.lbfgs import minimise
from model_nst.likeness import recognisable
from model_nst.losses import Grams, Guidance
from model_nst.regions import Part, by_regions, in_size, without
from model_nst.sketch import over_photo
from wishes import USUAL, PaintingOptions, Strength, Strokes

# Long side of the style image to the painting's: what is seen larger is painted larger.
STROKE_SCALES: dict[Strokes, float] = {"fine": 0.6, "normal": 1, "large": 1.6}
STYLE_WEIGHTS: dict[Strength, float] = {"soft": 6, "normal": 60, "strong": 600}
# By long side in pixels: L-BFGS steps, and the content loss's weight. While the image is small the
# style leads and lays out its strokes; then the photo's own lines come back.
SCALES = {96: (60, 0.2), 192: (24, 0.2), 384: (18, 0.2), 768: (6, 0.4)}
SPARED = 3  # steps at the scale where faces are begun anew: they make up for what guiding costs
LAST_SCALE = (8, 0.25)  # the working size itself
# From a sketch: a few steps on a smaller image, which set right what the quick network had from
# other photos, then the long side of the next scale, and as many steps there as suffice for the
# style error of a painting begun with noise; where it is smaller it needs more, and has the time.
# On a slow engine both are fewer.
SKETCH_CORRECTED_AT, SKETCHED_AT = 256, 512
SKETCH_CORRECTED_BY = 0.2  # the content loss's weight there
SKETCHED_STEPS, SLOW_SKETCHED_STEPS = (16, 10), (12, 8)
MOST_SKETCHED_STEPS = 24
LEAST_WHOLE = 0.75  # to which share of its size a slow painting is rather made smaller than cut
START = 0.7  # share of the content image in the style's colours in the first image
NOISE = 0.15  # standard deviation of the first image's noise, from which flat areas get strokes


class Area(NamedTuple):
    """Where a picture shows a part: `[h, w]`, 1 where it is, else 0, in any size."""

    part: Part
    shown: Array


class Style(NamedTuple):
    """An RGB picture and how much of it goes into the painting; the shares sum up to 1.

    From its `area` takes the photo's, the rest from the rest; None: both take from all of it.
    """

    picture: Image.Image
    share: float = 1.0
    area: Area | None = None


class Room(NamedTuple):
    """A working copy of the photo, the engine for it, and whether an area is told apart."""

    photo: Image.Image
    engine: StyleEngine
    in_regions: bool


def within_memory(
    photo: Image.Image,
    size: int,
    engine: StyleEngine,
    megabytes: float,
    *,
    in_regions: bool = False,
) -> Room:
    """Makes the largest working copy, at most `size` on its long side, that can be painted in so
    much memory; one whose area is not told apart, or on a slow engine a somewhat smaller one, where
    that spares the time that tiles take.

    At 128 pixels it is painted however little memory there is.
    """
    for regions in (2, 1) if in_regions else (1,):
        side = size
        while side >= (max(size * LEAST_WHOLE, SMALLEST_WORKED_AT) if engine.is_slow else size):
            small = working_copy(photo, side)
            if fitting := engine.within(megabytes, _pixels(small), regions, as_whole=True):
                return Room(small, fitting, regions == 2)
            side = side * 24 // 25
    while True:
        small = working_copy(photo, size)
        fitting = engine.within(megabytes, _pixels(small), 1 + in_regions)
        if fitting or size <= SMALLEST_WORKED_AT:
            return Room(small, fitting or engine, in_regions)
        size = max(SMALLEST_WORKED_AT, size * 9 // 10)


def _pixels(image: Image.Image) -> int:
    width, height = padded_size(image.size)
    return width * height


def transfer(
    content: Image.Image,
    styles: Sequence[Style],
    engine: StyleEngine,
    options: PaintingOptions = USUAL,
    on_progress: Callable[[float], None] | None = None,
    on_scale: Callable[[Image.Image], None] | None = None,
    faces: FaceMaps | None = None,
    least_likeness: float = 0,
    on_kept: Callable[[], None] | None = None,
    sketch: Image.Image | None = None,
    area: Array | None = None,
    skin: Array | None = None,
) -> Image.Image:
    """Paints at the size of `content`, which is RGB. Several styles are mixed by their shares, in
    Gram matrices and in colours. `faces`, where there are any to be kept, are of `content`.

    Of the options, strength, strokes and variation count here. `sketch`, of the same view in any
    size, is what to start from; without one, it is noise over the photo. `area`, `[H, W]` of 0 to
    1, is painted as that of those styles that have one; in its `skin`, likewise, `content` has the
    styles' colours already. `on_progress` gets the
    share done, 0 to 1, after every step, and `on_scale` the painting so far, small, after every
    scale but the last; whatever they raise stops the work. Where the painting's likeness to the
    photo is less than wanted at the last scale but one, that scale is begun again with more of the
    photo, a few times, and `on_kept` is called; from a sketch at the scale after the first.
    """
    photo = padded(content)
    sketched_steps = SLOW_SKETCHED_STEPS if engine.is_slow else SKETCHED_STEPS
    scales = schedule(
        max(photo.size),
        with_faces=faces is not None,
        sketched_steps=sketched_steps if sketch else None,
    )
    progress = _Progress(scales, on_progress)
    coarser = scales[0][0]
    judged = None
    if least_likeness:  # from a sketch the first steps are too few to lose the photo in
        judged = 1 if sketch else max(len(scales) - 2, 0)
    anew = next((side for side, *_ in scales if side >= BEGUN_AT), scales[-1][0])
    kept = 1.0
    first = to_array(resized(photo, coarser))
    if sketch:
        whole = padded(sketch.resize(content.size, Image.Resampling.BICUBIC))
        apart = None if area is None else in_size(area, *first.shape[2:])
        drawn = to_array(resized(whole, coarser))
        x = over_photo(drawn, first, _at_scale(styles, coarser), apart)
        del whole
    else:
        x = first_image(first, _at_scale(styles, coarser), options.variation)
    if skin is not None:
        x += in_size(skin, *first.shape[2:]) * (first - x)
    del first
    for number, (side, steps, content_weight) in enumerate(scales):
        if faces:
            x = calmed(x, faces)
        x, fine = _at_next_scale(x, photo, coarser, side)
        if faces and side == anew:
            x = begun_anew(x, fine, _at_scale(styles, side), faces, skin)
        # To keep faces that will be begun anew, from the photo, would mostly be in vain.
        is_early = side < anew == BEGUN_AT
        guide = None
        if faces and not is_early:
            guide = guidance(faces, fine, options.strength, skin)
        if side <= UP_TO and side != scales[-1][0]:
            guide = calmer(fine, guide)
        if area is not None:
            guide = by_regions(guide, area, *fine.shape[2:])
        seen_at = round(side * STROKE_SCALES[options.strokes])
        goal = _Goal(
            engine.content(fine),
            style_grams(styles, seen_at, engine, in_regions=area is not None),
            guide,
            STYLE_WEIGHTS[options.strength] / content_weight,
        )
        painted = partial(_optimised, engine, goal, steps, partial(progress.steps, number))
        if number == judged:
            x, kept = recognisable(x, fine, _at_scale(styles, side), least_likeness, painted)
        else:
            del fine  # at large sizes each array counts
            # The last steps would take back a part of what was kept.
            x = painted(x, kept if kept == 1 else 2 * kept)
        coarser = side
        del goal, painted
        if on_scale and side != scales[-1][0] and not (sketch and number == 0):
            on_scale(to_image(x))
    if on_kept and kept > 1:
        on_kept()
    return to_image(x).crop((0, 0, *content.size))


class _Goal(NamedTuple):
    """What the image of one scale is compared with."""

    content: Features
    grams: Sequence[Grams]  # of each region
    guidance: Guidance | None
    style_weight: float


def _optimised(
    engine: StyleEngine,
    goal: _Goal,
    steps: int,
    counted: Callable[[Iterable[Array]], Iterable[Array]],
    x: Array,
    kept: float,
) -> Array:
    """Optimises `x`, `[1, 3, H, W]`, 0 to 1, by so many `counted` steps; the photo counts `kept`
    times what is usual.
    """
    style_weight = goal.style_weight / kept
    with engine.loss(goal.content, style_weight, goal.grams, goal.guidance) as loss:
        for best in counted(minimise(loss, x, style_weight, steps)):
            x = best
    return x


class _Progress:
    """Tells the share of the work done, 0 to 1; never less, where a scale is painted again."""

    def __init__(
        self, scales: Sequence[tuple[int, int, float]], tell: Callable[[float], None] | None
    ) -> None:
        self.scales, self.tell = scales, tell
        self.done = self.told = 0.0

    def steps(self, number: int, images: Iterable[Array]) -> Iterator[Array]:
        """Counts the steps of the scale of this number as they are made."""
        left = sum(side**2 * steps for side, steps, _ in self.scales[number:])
        step = self.scales[number][0] ** 2
        for image in images:
            yield image
            self.done, left = self.done + step, left - step
            self.told = max(self.told, min(self.done / (self.done + max(left, 0)), 1.0))
            if self.tell:
                self.tell(self.told)


def _at_next_scale(x: Array, photo: Image.Image, coarser: int, side: int) -> tuple[Array, Array]:
    """Enlarges the painting so far and adds what the photo has more at the finer scale; returns it
    and the photo, both `[1, 3, H, W]` with a long side of `side` pixels.
    """
    coarse, fine = (to_array(resized(photo, length)) for length in (coarser, side))
    return np.clip(enlarged(x, fine) + fine - enlarged(coarse, fine), 0, 1), fine


def _at_scale(styles: Sequence[Style], side: int) -> list[tuple[Array, float]]:
    """The styles' pictures as arrays with this long side, and their shares."""
    return [(to_array(resized(style.picture, side)), style.share) for style in styles]


def style_grams(
    styles: Sequence[Style], side: int, engine: StyleEngine, *, in_regions: bool = False
) -> list[Grams]:
    """The mean of the style images' Gram matrices at this long side, weighted by their shares: of
    the whole images, or of their areas and of the rest.
    """
    each = [_grams_of(style, side, engine, in_regions=in_regions) for style in styles]
    shares = np.array([style.share for style in styles], np.float32)
    return [
        tuple(np.tensordot(shares, np.stack(layer), 1) for layer in zip(*region, strict=True))
        for region in zip(*each, strict=True)
    ]


def _grams_of(style: Style, side: int, engine: StyleEngine, *, in_regions: bool) -> list[Grams]:
    """Of one style; where it has no area, both regions take from all of it."""
    picture = resized(style.picture, side)
    whole = preset_grams.load(style.picture, side) or engine.grams(to_array(picture))
    if not in_regions:
        return [whole]
    if style.area is None:
        return [whole, whole]
    part, shown = style.area
    area = in_size(shown, picture.height, picture.width)[None, None]
    own = preset_grams.load(style.picture, side, part) or engine.grams(to_array(picture), area)
    return [own, without(whole, own, area)]


def first_image(photo: Array, styles: Sequence[tuple[Array, float]], variation: int) -> Array:
    """Puts the photo, most of it in the styles' colours, under noise of this variation's own.

    `photo` and the result are `[1, 3, H, W]`, 0 to 1; `styles` are arrays `[1, 3, h, w]`, 0 to 1,
    of any size, with their shares.
    """
    x = np.random.default_rng(variation).normal(0, NOISE, photo.shape).astype(np.float32)
    x += (1 - START) * photo
    for painting, share in styles:
        x += START * share * in_colours_of(photo, painting)
    return np.clip(x, 0, 1)


def schedule(
    long_side: int,
    *,
    with_faces: bool = False,
    sketched_steps: tuple[int, int] | None = None,
) -> list[tuple[int, int, float]]:
    """The scales, coarse to fine: long side in pixels, number of steps, content loss's weight.

    From a sketch there are so many steps that correct it, and then at 512 px.
    """
    coarser = [(side, *scale) for side, scale in SCALES.items() if side * 1.25 <= long_side]
    if sketched_steps:
        first = SKETCHED_AT if long_side >= SKETCHED_AT * 1.25 else long_side
        steps = min(sketched_steps[1] * SKETCHED_AT // first, MOST_SKETCHED_STEPS)
        corrected = (SKETCH_CORRECTED_AT, sketched_steps[0], SKETCH_CORRECTED_BY)
        begun = [corrected, (first, steps, LAST_SCALE[1])]
        if first == long_side:
            return begun
        coarser = [*begun, *(scale for scale in coarser if scale[0] > first)]
    elif with_faces:
        coarser = [
            (side, steps - SPARED if side == BEGUN_AT else steps, weight)
            for side, steps, weight in coarser
        ]
    steps, weight = LAST_SCALE if coarser else SCALES[96]
    # A scale that was left out for being near the working size leaves its work to that.
    left_out = [side for side in SCALES if coarser and coarser[-1][0] < side <= long_side]
    steps += sum(round(SCALES[side][0] * (side / long_side) ** 2) for side in left_out)
    return [*coarser, (long_side, steps, weight)]
