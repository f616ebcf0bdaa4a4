"""What is told apart in a photo and in paintings: skies, figures, skin, and faces."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model_cyclegan.skies import sky_mask
from model_nst.faces import FaceMaps
from model_nst.images import working_copy
from model_nst.regions import AREAS, Part, in_size, is_worth_it, painted, shows
from model_nst.skin import with_painted_skin
from model_nst.style_transfer import Area, Style
from model_people.faces import People, find_people
from model_people.masks import face_map, features_map
from model_people.persons import persons_mask
from model_people.skin import skin_map

Array = NDArray[np.float32]

KEPT_WIDTH = 40  # pixels of a face as it is worked at; a wider one is kept less, a smaller more
LEAST_KEPT, MOST_KEPT = 0.65, 1.5
AROUND_FACE, SOFT_FACE = (
    0.08,
    0.1,
)  # of a face's width: how far around it, how softly
NEARBY = (1.0, 0.3)  # the same for what is freed of grain
MAPPED = 512  # pixels; most on the long side of the faces' maps, which are soft
LOOKED_AT, SMOOTHED = 512, 3.0  # pixels: size of a painting whose sky is looked for, and its blur
LEAST_SKIN = 0.003  # share of a painting of one's own; of less its colours are not sure


def told_apart(
    photo: Image.Image, people: People, styles: Sequence[Style], names: Sequence[str | None]
) -> tuple[Array, list[Style]] | None:
    """The area of an RGB photo, `[H, W]`, 1 where it is, else 0, and the styles with those that it
    takes from: the people where a style shows figures, else the sky where one shows a sky.

    None where the photo has none of these, or the styles; `names` are those of famous paintings,
    and `people` those of the photo.
    """
    for part in AREAS:
        if all(name and not shows(name, part) for name in names):
            continue
        if part == "figures":
            shown = persons_mask(photo, people, *photo.size)
        else:  # a portrait's backdrop would pass for haze
            shown = sky_mask(photo, with_haze=not people.faces)
        if not is_worth_it(shown):
            continue
        pairs = zip(styles, names, strict=True)
        own = [style._replace(area=_area_of(part, style.picture, name)) for style, name in pairs]
        if any(style.area for style in own):
            return shown, own
    return None


def _area_of(part: Part, painting: Image.Image, name: str | None) -> Area | None:
    """Drawn by hand where it is a famous painting, `name`; else found as a photo's, a sky after the
    strokes are smoothed away.
    """
    if name:
        return Area(part, painted(name, part, *painting.size)) if shows(name, part) else None
    small = working_copy(painting, LOOKED_AT)
    if part == "figures":
        shown = persons_mask(small, find_people(small), *small.size)
    else:
        shown = sky_mask(small.filter(ImageFilter.GaussianBlur(SMOOTHED)))
    return Area(part, shown) if is_worth_it(shown) else None


class PaintedSkin(NamedTuple):
    """The skin of a photo in the colours of paintings' skin: the photo, and where, `[h, w]`."""

    photo: Image.Image
    shown: Array


def painted_skin(
    photo: Image.Image, skin: Array, styles: Sequence[Style], names: Sequence[str | None]
) -> PaintedSkin | None:
    """The RGB photo with its `skin`, `[h, w]` of any size, in the colours of that of the styles, of
    which `names` are famous paintings; None where there is none in the photo, or in the paintings.
    """
    if not skin.any():
        return None
    shown = [_skin_in(style.picture, name) for style, name in zip(styles, names, strict=True)]
    if all(each is None for each in shown):
        return None
    both = zip(styles, shown, strict=True)
    parts = [(style.picture, style.share, of_style) for style, of_style in both]
    return PaintedSkin(with_painted_skin(photo, skin, parts), skin)


def _skin_in(painting: Image.Image, name: str | None) -> Array | None:
    """Drawn by hand or found likewise; None where there is little of it."""
    if name:
        return painted(name, "skin", *painting.size) if shows(name, "skin") else None
    skin = skin_map(painting, find_people(painting))
    return skin if skin.mean() > LEAST_SKIN else None


def maps_of_faces(
    people: People, size: tuple[int, int], skin: Array | None = None
) -> FaceMaps | None:
    """Maps of the faces in a photo that is worked at in this size; None where there are none.

    Where a face is small, few strokes would hide it: it is kept more. Other `skin`, `[h, w]` of any
    size, is kept as a large face is.
    """
    if not people.faces:
        return None
    scale = size[0] / people.size[0]
    weights = [
        min(max(KEPT_WIDTH / (face.width * scale), LEAST_KEPT), MOST_KEPT) for face in people.faces
    ]
    share = min(1, MAPPED / max(size))
    width, height = (max(1, round(side * share)) for side in size)
    faces = face_map(people, width, height, AROUND_FACE, SOFT_FACE, weights)
    if skin is not None:
        np.maximum(faces, LEAST_KEPT * in_size(skin, height, width), out=faces)
    return FaceMaps(
        faces,
        features_map(people, width, height, weights),
        face_map(people, width, height, *NEARBY),
    )


def mask_of_persons(photo: Image.Image, people: People) -> Image.Image:
    """Mode L, at the size of the RGB photo in which `people` were found: 255 where a person is."""
    mask = persons_mask(photo, people, *photo.size)
    return Image.fromarray((mask * 255 + 0.5).astype(np.uint8))
