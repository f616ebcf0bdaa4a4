"""Whether a photo is in a season already: a small head on VGG16's features.

A logistic regression on the strength of each channel of the five layers that style transfer uses,
in the upper and in the lower half of the photo; `model_cyclegan.train_recognition` fits it.
"""

from functools import cache

import numpy as np
from PIL import Image

from model_nst.images import Array, to_array
from model_nst.openvino_engine import OpenVino
from weights import checked
from wishes import Direction

FILE = "season_head.npz"
SIZE = (192, 128)  # pixels, whatever the shape of the photo
SURELY_WINTER, SURELY_SUMMER = 0.94, 0.1  # shares of winter: from the one on, and up to the other


def is_in_season_already(photo: Image.Image, direction: Direction) -> bool:
    """Whether an RGB photo surely shows the season that the direction leads to."""
    winter = share_of_winter(photo)
    return winter > SURELY_WINTER if direction == "summer2winter" else winter < SURELY_SUMMER


def share_of_winter(photo: Image.Image) -> float:
    """How likely an RGB photo is a winter and no summer, 0 to 1."""
    mean, deviation, weights, bias = _head()
    score = float(np.dot((features(photo) - mean) / deviation, weights)) + float(bias)
    return 1 / (1 + float(np.exp(-score)))


def features(photo: Image.Image) -> Array:
    """`[1280]`: logarithms of the channels' quadratic means, of both halves."""
    pixels = to_array(photo.resize(SIZE, Image.Resampling.BILINEAR, reducing_gap=3))
    half = pixels.shape[2] // 2
    parts = (np.ascontiguousarray(pixels[:, :, rows]) for rows in (slice(half), slice(half, None)))
    strengths = [np.sqrt(np.diag(gram)) for part in parts for gram in _engine().grams(part)]
    result: Array = np.log(1e-3 + np.concatenate(strengths)).astype(np.float32)
    return result


@cache
def _engine() -> OpenVino:
    return OpenVino()


@cache
def _head() -> tuple[Array, Array, Array, Array]:
    with np.load(checked(FILE)) as head:
        return head["mean"], head["deviation"], head["weights"], head["bias"]
