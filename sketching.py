"""What the quick network paints of a photo: a picture, and what a painting begins with."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from model_nst import preset_grams
from model_nst.colours import in_colours_of
from model_nst.engine import StyleEngine
from model_nst.faces import FaceMaps, laid_over
from model_nst.images import Array, resized, to_array, to_image, working_copy
from model_nst.nearest import nearest_mix
from model_nst.quick_painter import quick_picture, quick_styles
from model_nst.style_transfer import SKETCHED_AT, Style
from parts import PaintedSkin
from presets import PRESETS
from wishes import PaintingOptions, Strength

LEAST_SKETCHED = 384  # pixels; at smaller sizes the quick network's strokes are too large
SOFT = 0.4  # share of the photo in a quick picture that is to be soft


def famous(shares: Mapping[str, float]) -> tuple[list[Style], list[str]]:
    """The famous paintings of these names, and the names."""
    styles = []
    for name, share in shares.items():
        with Image.open(PRESETS[name].path) as file:
            styles.append(Style(file.convert("RGB"), share))
    return styles, [*shares]


def quick(
    small: Image.Image,
    shares: Mapping[str, float],
    strength: Strength,
    faces: FaceMaps | None,
    skin: PaintedSkin | None,
    *,
    in_colours: Sequence[Style] = (),
    then_free: bool = False,
) -> Image.Image:
    """The RGB photo in one pass of the network, in a mix of famous paintings, or in the colours of
    other styles; with its own faces and their `skin`.
    """
    photo = to_array(small)
    picture = quick_picture(photo, shares, then_free=then_free)
    if strength == "strong":
        picture = quick_picture(picture, shares, then_free=then_free)
    if in_colours:
        picture = _recoloured(picture, in_colours)
    if strength == "soft":
        picture += SOFT * (photo - picture)
    if faces and skin:
        photo = to_array(skin.photo.resize(small.size))
        return to_image(laid_over(picture, photo, faces, skin.shown))
    return to_image(laid_over(picture, photo, faces) if faces else picture)


def may_be_sketched(photo: Image.Image, options: PaintingOptions) -> bool:
    """Other variations, strengths and strokes show only where all is painted from the coarsest."""
    is_usual = options.variation == 0 and options.strokes == "normal"
    return is_usual and options.strength != "strong" and max(photo.size) >= LEAST_SKETCHED


def sketch(
    photo: Image.Image,
    styles: Sequence[Style],
    names: Sequence[str | None],
    engine: StyleEngine,
    strength: Strength,
    faces: FaceMaps | None,
    skin: PaintedSkin | None,
) -> Image.Image:
    """The quick picture that a painting of the RGB photo begins with; not larger than the network
    draws strokes well. Of styles that it does not know, by their `names`, it paints the most alike.
    """
    known = quick_styles()
    shares: dict[str, float] = {}
    for style, name in zip(styles, names, strict=True):
        mix = {name: 1.0} if name and name in known else _most_alike(style.picture, engine)
        for painting, share in mix.items():
            shares[painting] = shares.get(painting, 0.0) + style.share * share
    return quick(
        working_copy(photo, SKETCHED_AT),
        shares,
        strength,
        faces,
        skin,
        in_colours=() if {*names} <= {*known} else styles,
        then_free=True,
    )


def _most_alike(picture: Image.Image, engine: StyleEngine) -> dict[str, float]:
    """The shares of the famous paintings in the mix that an RGB picture is most like."""
    grams = engine.grams(to_array(resized(picture, SKETCHED_AT)))
    known = quick_styles()
    return nearest_mix(
        grams, {name: own for name, own in preset_grams.of_all().items() if name in known}
    )


def _recoloured(picture: Array, styles: Sequence[Style]) -> Array:
    """`[1, 3, H, W]`, 0 to 1, with the mean and the covariance of the styles' colours."""
    result = np.zeros_like(picture)
    for style in styles:
        small = to_array(working_copy(style.picture, SKETCHED_AT))
        result += np.float32(style.share) * in_colours_of(picture, small)
    return result
