"""What lies in models_wts/ is what its README says."""

import hashlib
import re

from engines import WEIGHTS


def test_the_readme_names_every_file_with_its_size_and_sha256() -> None:
    told = re.findall(
        r"^\| `(\S+)` \| (\d+) \| `(\w{64})` \|$", (WEIGHTS / "README.md").read_text(), re.M
    )
    files = {path.name: path.read_bytes() for path in WEIGHTS.iterdir() if path.name != "README.md"}
    assert told == [
        (name, str(len(files[name])), hashlib.sha256(files[name]).hexdigest())
        for name in sorted(files)
    ]
