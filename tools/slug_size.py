"""How large Heroku's slug becomes: the repository and a fresh install of requirements.txt, packed.

`make slug-size` prints it. Python itself, which Heroku adds, is not counted. Needs a registry of
packages; exits with 1 above `LIMIT_MB`.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from settings import ROOT

LIMIT_MB = 250


def megabytes(*files: Path) -> float:
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        packages = Path(folder, "site-packages")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--target", packages, "--requirement", ROOT / "requirements.txt"], check=True
        )
        listed = subprocess.run(
            ["git", "ls-files", "-z"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        repository = [ROOT / name for name in listed.split("\0") if name]
        slug = Path(folder, "slug.tar.gz")
        with tarfile.open(slug, "w:gz", compresslevel=6) as tar:
            tar.add(packages, "site-packages")
            for file in repository:
                tar.add(file, file.relative_to(ROOT))
        installed = [path for path in packages.rglob("*") if path.is_file()]
        size = megabytes(slug)
        sys.stdout.write(
            f"packages {megabytes(*installed):.0f} MB, repository {megabytes(*repository):.0f} MB, "
            f"together packed {size:.0f} MB\n"
        )
    return int(size > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
