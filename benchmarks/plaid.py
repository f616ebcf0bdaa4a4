"""How much of a plaid lies over a picture: waves along its rows and columns."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WINDOW = 128  # pixels, the side of each of the squares whose spectra are added up
FINE = (0.22, 0.5)  # waves for each pixel, so some 2 to 4.5 px long
NEAR, FAR = 4, 10  # degrees from an axis: up to the first is along it, from the second on is not


def plaid(picture: Image.Image) -> float:
    """The power of fine waves of luminance along the axes, over that of other directions.

    1 where no direction prevails. A photo of buildings has more; a painting has as much as its
    canvas shows. Raises `ValueError` for a picture smaller than `WINDOW`.
    """
    light = np.asarray(picture.convert("L"), np.float64) / 255
    power = _spectrum(light)
    down, right = np.fft.fftfreq(WINDOW)[:, None], np.fft.fftfreq(WINDOW)[None]
    fine = (np.hypot(down, right) >= FINE[0]) & (np.hypot(down, right) < FINE[1])
    angle = np.degrees(np.arctan2(abs(down), abs(right)))
    from_axis = np.minimum(angle, 90 - angle)
    return float(power[fine & (from_axis < NEAR)].mean() / power[fine & (from_axis >= FAR)].mean())


def _spectrum(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum over all squares, which overlap by half; each fades out at its borders."""
    if min(light.shape) < WINDOW:
        raise ValueError(f"smaller than {WINDOW} pixels")
    fading = np.hanning(WINDOW)[:, None] * np.hanning(WINDOW)[None]
    squares = np.lib.stride_tricks.sliding_window_view(light, (WINDOW, WINDOW))
    some = squares[:: WINDOW // 2, :: WINDOW // 2].reshape(-1, WINDOW, WINDOW)
    spectra = np.fft.fft2((some - some.mean((1, 2), keepdims=True)) * fading)
    power: NDArray[np.float64] = np.square(abs(spectra)).sum(0)
    return power
