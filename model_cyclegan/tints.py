"""Which colours a season may give.

Winter takes colours away and gives hardly any: rocks below a blue sky do not turn yellow. Summer
gives green, and not the sand that lies between snow and meadow where the generator is unsure; nor
does it give anything to what it leaves as bright as snow, which would be lime.
"""

import numpy as np
from PIL import Image

from model_cyclegan.skies import LUMINANCE

SNOWED, WHITE = 20.0, 100.0  # of 255; gain of luminance up to which a pixel keeps its own chroma,
# and from which on it keeps none: snow lies on it
MOST_NEW = 6.0  # of 255; length of the chroma that a pixel may get
MOST_REDDER = 3.0  # of 255; red above green that a pixel may get
GIVEN_TO_GREEN = 0.4  # share of what is more; the rest is taken from red
MEADOW, SNOW = 0.7 * 255, 0.95 * 255  # luminance up to which a pixel may get all of its new
# chroma, and from which on it may get none
GREY = 5.0  # of 255; chroma below which a photo's pixel has no colour to keep


def without_new_colours(changed: Image.Image, photo: Image.Image) -> Image.Image:
    """`changed` with, at each pixel, a share of the photo's own chroma, 0 to 1 but less the more
    snow lies there, and at most `MOST_NEW` of another; its luminance stays. All are RGB, of one
    size.
    """
    after, before = (np.asarray(image, np.float32) for image in (changed, photo))
    light, own_light = (image @ LUMINANCE for image in (after, before))
    chroma, own = after - light[..., None], before - own_light[..., None]
    share = (chroma * own).sum(2) / np.maximum((own**2).sum(2), GREY**2)
    most = np.clip((WHITE - (light - own_light)) / (WHITE - SNOWED), 0, 1)
    kept = np.clip(share, 0, most)[..., None] * own
    new = chroma - kept
    new *= np.minimum(1, MOST_NEW / np.maximum(np.linalg.norm(new, axis=2), 1e-3))[..., None]
    result = light[..., None] + kept + new
    return Image.fromarray((np.clip(result, 0, 255) + 0.5).astype(np.uint8))


def without_new_red(changed: Image.Image, photo: Image.Image) -> Image.Image:
    """`changed`, greener where it has more red above green than `photo` and `MOST_REDDER`. All are
    RGB, of one size.
    """
    after, before = (np.asarray(image, np.float32) for image in (changed, photo))
    redder, own = (image[..., 0] - image[..., 1] for image in (after, before))
    excess = np.maximum(redder - own - MOST_REDDER, 0)
    step = np.array((GIVEN_TO_GREEN - 1, GIVEN_TO_GREEN, 0), np.float32)
    result = after + excess[..., None] * step
    return Image.fromarray((np.clip(result, 0, 255) + 0.5).astype(np.uint8))


def without_bright_colours(changed: Image.Image, photo: Image.Image) -> Image.Image:
    """`changed` with less of the chroma that it has got, the brighter a pixel is; its luminance
    stays. All are RGB, of one size.
    """
    after, before = (np.asarray(image, np.float32) for image in (changed, photo))
    light = after @ LUMINANCE
    own = before - (before @ LUMINANCE)[..., None]
    share = np.clip((SNOW - light) / (SNOW - MEADOW), 0, 1)[..., None]
    result = light[..., None] + own + share * (after - light[..., None] - own)
    return Image.fromarray((np.clip(result, 0, 255) + 0.5).astype(np.uint8))
