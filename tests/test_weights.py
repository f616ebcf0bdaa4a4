"""What lies in models_wts/ is what its README says."""

import hashlib
import re
from pathlib import Path

import pytest
from safetensors import safe_open

from weights import WEIGHTS, checked


def test_the_readme_names_every_file_with_its_size_and_sha256() -> None:
    told = re.findall(
        r"^\| `(\S+)` \| (\d+) \| `(\w{64})` \|$", (WEIGHTS / "README.md").read_text(), re.M
    )
    files = {path.name: path.read_bytes() for path in WEIGHTS.iterdir() if path.name != "README.md"}
    assert told == [
        (name, str(len(files[name])), hashlib.sha256(files[name]).hexdigest())
        for name in sorted(files)
    ]


def test_the_readme_tells_how_long_the_quick_network_was_trained() -> None:
    section = (WEIGHTS / "README.md").read_text().split("## The quick network")[1].split("\n## ")[0]
    with safe_open(WEIGHTS / "quick.safetensors", "np") as tensors:
        assert f"These have {tensors.metadata()['iteration']} iterations" in section


def test_every_file_that_the_bot_loads_is_checked() -> None:
    names = [path.name for path in WEIGHTS.iterdir() if path.name != "README.md"]
    assert checked(*names) == WEIGHTS / names[0]


def test_weights_that_were_changed_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("README.md", "summer2winter.xml", "summer2winter.bin"):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    weights = bytearray((tmp_path / "summer2winter.bin").read_bytes())
    weights[1000] ^= 1
    (tmp_path / "summer2winter.bin").write_bytes(weights)
    (tmp_path / "stranger.bin").write_bytes(b"")
    monkeypatch.setattr("weights.WEIGHTS", tmp_path)
    checked.cache_clear()
    assert checked("summer2winter.xml") == tmp_path / "summer2winter.xml"
    for name in ("summer2winter.bin", "stranger.bin"):
        with pytest.raises(ValueError, match=name):
            checked(name)
    with pytest.raises(OSError, match="gone"):
        checked("gone.bin")
    checked.cache_clear()
