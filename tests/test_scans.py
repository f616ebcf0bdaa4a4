"""What frees a scan of its grain."""

import numpy as np

from tools.scans import GRAIN, without_grain


def test_grain_goes_and_edges_stay() -> None:
    clean = np.full((40, 60, 3), 90, np.float32)
    clean[:, 30:] = 200
    grain = np.random.default_rng(0).normal(0, GRAIN, clean.shape).astype(np.float32)
    mended = without_grain(clean + grain)
    assert mended.shape == clean.shape
    assert np.abs(mended - clean)[:, 5:25].mean() < 0.4 * np.abs(grain)[:, 5:25].mean()
    step = np.abs(np.diff(mended.mean((0, 2))))
    assert step.argmax() == 29
    assert step.max() > 70
