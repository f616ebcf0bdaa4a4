"""The famous paintings' Gram matrices that ship are those that the network gives."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_nst import preset_grams
from model_nst.images import Array, resized, to_array
from model_nst.layers import CHANNELS
from model_nst.openvino_engine import OpenVino
from model_nst.preset_grams import SIDES, load
from model_nst.style_transfer import Style, style_grams
from presets import PRESETS


def painting(name: str) -> Image.Image:
    with Image.open(PRESETS[name].path) as image:
        return image.convert("RGB")


def difference(grams: tuple[Array, ...], wanted: tuple[Array, ...]) -> float:
    """The largest of the layers, relative to the matrix's length."""
    return max(
        float(np.linalg.norm(gram - other) / np.linalg.norm(other))
        for gram, other in zip(grams, wanted, strict=True)
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_known_at_every_side(name: str) -> None:
    for side in SIDES:
        grams = load(painting(name), side)
        assert grams
        assert [gram.shape for gram in grams] == [(c, c) for c in CHANNELS.values()]
        assert all(np.array_equal(gram, gram.T) for gram in grams)


@pytest.mark.parametrize("name", ["starry_night", "composition_viii"])
def test_what_is_kept_is_what_the_network_gives(name: str) -> None:
    known = load(painting(name), 512)
    assert known
    computed = OpenVino("f32").grams(to_array(resized(painting(name), 512)))
    assert difference(known, computed) < 1e-3


def test_other_pictures_and_sides_are_not_known() -> None:
    kiss = painting("kiss")
    assert load(kiss, 511) is None
    assert load(kiss.rotate(180), 512) is None


def test_a_picture_that_is_not_known_is_computed() -> None:
    turned = painting("kiss").rotate(180)
    engine = OpenVino("f32")
    computed = engine.grams(to_array(resized(turned, 96)))
    (grams,) = style_grams([Style(turned)], 96, engine)
    assert difference(grams, computed) < 1e-6


def test_they_can_be_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preset_grams, "PRESETS", {"kiss": PRESETS["kiss"]})
    preset_grams.save(tmp_path / "grams.npz")
    with np.load(tmp_path / "grams.npz") as made, np.load(preset_grams.FILE) as shipped:
        assert len(made.files) == 7  # whole, sky, figures, each with its largest; the name
        names = [key for key in made.files if key.endswith("-name")]
        assert [str(made[key]) for key in names] == [str(shipped[key]) for key in names] == ["kiss"]
        for name in sorted({*made.files} - {*names}):
            np.testing.assert_allclose(made[name], shipped[name], rtol=2e-3, atol=1e-4)
