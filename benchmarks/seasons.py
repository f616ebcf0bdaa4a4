"""How good the season networks are: `python -m benchmarks.seasons --data DIR --cache DIR --out DIR
networks.safetensors...`.

The files are what `model_cyclegan.train` writes, or else what ships; their averaged generators are
judged. The data's DIR holds `train/summer`, `train/winter`, `test/summer` and `test/winter`.
Photographs of Yosemite from `test`, central squares of 256 px, are translated both ways and
measured:

- KID: how far they are from all test photographs of the target season (`kid`), as features of
  VGG16, or of VGG19, which no training here saw (`--judge vgg19`); times 1000, with its standard
  error, and as a ratio to that of the untouched photographs.
- share: of them, what a season classifier that was trained on `train` takes for the target season.
- shift: how far their mean score (log-odds of the target season) went from that of the untouched
  ones, 0, to that of all test photographs of the target season, 1.
- gradients: how well the content survived (`gradient_similarity`), the mean over the photographs.
- sky, worst: how skies changed when their mean change is taken off (`sky_change`), of 255: the mean
  over the photographs, of all the sky and of the block of 16 px that changed most.
- skyline: as gradients, but only within 3 px of where sky and the rest meet.
- bright: the share that is left of what is bright and grey below the sky (`bright_ground`), where
  winters become summers. Clouds, waterfalls and rock are as bright and grey as snow: for the
  photographs of `--count 40` they were marked by hand, in `not_snow.toml`.

The networks are judged alone, as trained, and what ships also by its looks in the bot
(`image_processing.change_season`, people apart).

Beside them stand the photographs untouched, the same in other colours (`colour_transfer`), and the
real photographs of the target season; these have their KID from one half against the other.

Into --out go `seasons.json` and, for each file, a sheet of 24 pairs before and after. In --cache
the features of the real photographs are kept, those of each judge in its own folder.
"""

import argparse
import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor
from tqdm import tqdm

from benchmarks.changes import bright_ground, even_sky, gradient_similarity, sky_change, skyline
from benchmarks.season_judges import JUDGES, SIDE, Features
from image_processing import change_season
from model_cyclegan.generator import load_generator
from model_cyclegan.options import DIRECTIONS, SEASONS
from model_cyclegan.photos import photo_files
from model_nst.colours import in_colours_of
from model_nst.training_precision import mixed_precision
from model_people.faces import People
from weights import WEIGHTS
from wishes import Direction

NOT_SNOW = Path(__file__).with_name("not_snow.toml")
DECAY = 0.1  # L2 penalty of the classifier
PAIRS = 12  # on the sheet, each way

Array = NDArray[np.float32]
Translate = Callable[[Image.Image], Image.Image]


def load_square(path: Path) -> Image.Image:
    """The central square of a photograph, RGB, `SIDE` pixels."""
    with Image.open(path) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").crop((left, top, left + side, top + side))
    return square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def marked_no_snow(name: str) -> NDArray[np.bool_]:
    """Where the square of a test winter is bright and shows no snow, `[SIDE, SIDE]`; by its name
    without the ending.
    """
    mask = Image.new("1", (SIDE, SIDE))
    for polygon in tomllib.loads(NOT_SNOW.read_text()).get(name, []):
        ImageDraw.Draw(mask).polygon([(x, y) for x, y in polygon], fill=1)
    return np.asarray(mask)


def features_of(files: Sequence[Path], network: Features, cache: Path) -> Array:
    """`[N, 1024]` of the photographs' squares, kept in the file `cache`."""
    names = [path.name for path in files]
    if cache.exists():
        with np.load(cache) as kept:
            if kept["names"].tolist() == names:
                return np.asarray(kept["features"], np.float32)
    steps = tqdm(range(0, len(files), 16), desc=cache.stem)
    rows = [network.features([load_square(path) for path in files[i : i + 16]]) for i in steps]
    features = np.concatenate(rows)
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, names=np.array(names), features=features)
    return features


def kid(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Unbiased squared MMD of `[N, D]` and `[M, D]` under the kernel `(x·y / D + 1)³`.

    Bińkowski et al., "Demystifying MMD GANs" (2018), there on features of Inception.
    """

    def kernel(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((a.astype(np.float64) @ b.T / a.shape[1] + 1) ** 3)

    n, m = len(x), len(y)
    within_x, within_y = kernel(x, x), kernel(y, y)
    return float(
        (within_x.sum() - within_x.trace()) / (n * (n - 1))
        + (within_y.sum() - within_y.trace()) / (m * (m - 1))
        - 2 * kernel(x, y).mean()
    )


def kid_error(x: NDArray[np.floating], y: NDArray[np.floating], rounds: int = 50) -> float:
    """The standard error of `kid`: its deviation over random halves.

    Shao and Wu, "A general theory for jackknife variance estimation" (1989). A bootstrap would not
    do, because photographs drawn twice are no longer an unbiased sample of pairs.
    """
    random = np.random.default_rng(0)
    values = [
        kid(*(a[random.permutation(len(a))[: len(a) // 2]] for a in (x, y))) for _ in range(rounds)
    ]
    return float(np.std(values))


@dataclass(frozen=True)
class SeasonClassifier:
    """Logistic regression on standardised features."""

    weights: NDArray[np.float64]
    bias: float

    def winter(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """The log-odds of winter, `[N]`, of features `[N, D]`."""
        return np.asarray(features @ self.weights + self.bias)


def train_classifier(
    summer: NDArray[np.floating], winter: NDArray[np.floating], decay: float = DECAY
) -> SeasonClassifier:
    """The least mean cross entropy, both seasons counting the same, plus `decay / 2 * |weights|²`.

    The features, `[N, D]` and `[M, D]`, should have a deviation of about 1.
    """
    x = torch.from_numpy(np.concatenate((summer, winter)).astype(np.float64))
    n, m = len(summer), len(winter)
    label = torch.cat((torch.zeros(n), torch.ones(m))).double()
    share = torch.cat((torch.full((n,), 0.5 / n), torch.full((m,), 0.5 / m))).double()
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        error = F.binary_cross_entropy_with_logits(x @ weights + bias, label, reduction="none")
        loss = (error * share).sum() + decay / 2 * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return SeasonClassifier(weights.detach().numpy(), float(bias.detach()))


def colour_transfer(photos: Sequence[Image.Image], files: Sequence[Path]) -> list[Image.Image]:
    """The photos with the mean and covariance of the colours of `files`, by one map for all.

    All photos together count as one picture, and all files as another. A map for each photo would
    also force the differences between photos on it, which looks gaudy and measures far worse.
    """
    pixels = np.stack([np.asarray(photo) for photo in photos])
    samples = []
    for path in files:
        with Image.open(path) as image:  # a grid of its pixels is enough
            small = image.convert("RGB").resize((32, 32), Image.Resampling.NEAREST)
        samples.append(np.asarray(small).reshape(-1, 3))
    mapped = in_colours_of(
        np.asarray(np.moveaxis(pixels, 3, 0) / 255, np.float32),
        np.asarray(np.concatenate(samples).T / 255, np.float32),
    )
    return [
        Image.fromarray((photo * 255 + 0.5).astype(np.uint8)) for photo in np.moveaxis(mapped, 0, 3)
    ]


def network(file: Path, direction: str) -> Translate:
    """The averaged generator of a training, in bf16."""
    generator = load_generator(file, f"average_{direction}").to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def translate(photo: Image.Image) -> Image.Image:
        x = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 127.5 - 1
        with mixed_precision():
            y: Tensor = generator(x.contiguous(memory_format=torch.channels_last))
        pixels = ((y[0].float() + 1) * 127.5).round().clamp(0, 255).byte()
        return Image.fromarray(pixels.permute(1, 2, 0).numpy())

    return translate


@dataclass(frozen=True)
class Measures:
    """One line of the table; see the top of this file."""

    direction: str
    name: str
    kid: float  # x 1000, as is its error
    kid_error: float
    kid_ratio: float
    share: float
    shift: float
    gradients: float | None  # none of real photographs, as of those below
    sky: float | None = None  # of 255, as is the next
    worst: float | None = None
    skyline: float | None = None
    bright: float | None = None  # of winters alone


class Judge:
    """What one direction is measured by; raises `FileNotFoundError` without photographs."""

    def __init__(self, direction: str, data: Path, cache: Path, eye: Features, count: int) -> None:
        self.direction, self.eye = direction, eye
        self.source, self.target = DIRECTIONS[direction]
        files = {
            (part, season): photo_files(data / part / season)
            for part in ("train", "test")
            for season in SEASONS
        }
        real = {
            (part, season): features_of(paths, eye, cache / f"{part}_{season}.npz")
            for (part, season), paths in files.items()
        }
        both = np.concatenate([real["train", season] for season in SEASONS])
        self.mean, self.deviation = both.mean(0), both.std(0) + 1e-6
        scaled = {key: self.scaled(features) for key, features in real.items()}
        self.classifier = train_classifier(scaled["train", "summer"], scaled["train", "winter"])
        self.real = scaled["test", self.target]
        # Of photographs it was not trained on; both seasons count the same.
        taken = [(self.scores(scaled["test", s]) > 0).mean() for s in (self.source, self.target)]
        self.accuracy = float((1 - taken[0] + taken[1]) / 2)
        own = [p for p in files["test", self.source] if p.name.startswith("yosemite")]
        chosen = np.linspace(0, len(own) - 1, min(count, len(own))).round().astype(int)
        self.photos = [load_square(own[i]) for i in chosen]
        self.marked = [marked_no_snow(own[i].stem) for i in chosen]
        self.skies = [even_sky(photo) for photo in self.photos]
        self.before = self.scaled(eye.features(self.photos))
        self.colours = files["train", self.target]

    def scaled(self, features: Array) -> Array:
        """With the mean and deviation of the training photographs, so that both layers count."""
        return np.asarray((features - self.mean) / self.deviation, np.float32)

    def scores(self, features: Array) -> NDArray[np.float64]:
        """The log-odds of the target season, `[N]`."""
        winter = self.classifier.winter(features)
        return winter if self.target == "winter" else -winter

    def measure(self, name: str, after: Sequence[Image.Image]) -> Measures:
        """Of the translated photographs."""
        pairs = zip(self.photos, after, strict=True)
        similarity = float(np.mean([gradient_similarity(a, b) for a, b in pairs]))
        features = self.scaled(self.eye.features(after))
        measures = self._measures(name, features, (features, self.real), similarity)
        sky, worst, line, bright = self._seen(after)
        return replace(measures, sky=sky, worst=worst, skyline=line, bright=bright)

    def _seen(self, after: Sequence[Image.Image]) -> tuple[float | None, ...]:
        """What the eye sees: change of skies, their worst blocks, skylines, snow that is left."""
        seen = list(zip(self.photos, after, self.skies, self.marked, strict=True))
        found = [c for a, b, sky, _ in seen if (c := sky_change(a, b, sky))]
        changes = np.array(found).reshape(-1, 2)
        mean, worst = changes.mean(0).tolist() if len(changes) else (None, None)
        lay = left = 0
        lines = []
        for before, then, shown, marked in seen:
            if (line := skyline(shown)).any():
                lines.append(gradient_similarity(before, then, line))
            snow = bright_ground(before, shown) & ~marked
            lay += int(snow.sum())
            left += int((snow & bright_ground(then, shown)).sum())
        bright = left / lay if lay and self.source == "winter" else None
        return mean, worst, float(np.mean(lines)) if lines else None, bright

    def measure_real(self) -> Measures:
        order = np.random.default_rng(0).permutation(len(self.real))
        halves = self.real[order[::2]], self.real[order[1::2]]
        return self._measures("real photographs", self.real, halves, None)

    def _measures(
        self, name: str, features: Array, compared: tuple[Array, Array], gradients: float | None
    ) -> Measures:
        distance = kid(*compared)
        after = self.scores(features)
        low, high = (self.scores(f).mean() for f in (self.before, self.real))
        return Measures(
            self.direction,
            name,
            kid=1000 * distance,
            kid_error=1000 * kid_error(*compared),
            kid_ratio=distance / kid(self.before, self.real),
            share=float((after > 0).mean()),
            shift=float((after.mean() - low) / (high - low)),
            gradients=gradients,
        )


def sheet(pairs: Sequence[tuple[Image.Image, Image.Image]], across: int = 4) -> Image.Image:
    """Pairs before and after, four in a row."""
    rows = -(-len(pairs) // across)
    image = Image.new("RGB", (across * (2 * SIDE + 8), rows * (SIDE + 8)), "white")
    for i, pair in enumerate(pairs):
        left, top = i % across * (2 * SIDE + 8), i // across * (SIDE + 8)
        for j, picture in enumerate(pair):
            image.paste(picture, (left + j * SIDE, top))
    return image


def table(measures: Sequence[Measures]) -> str:
    """In Markdown."""
    lines = [
        "| direction | | KID x 1000 | of untouched | share | shift | gradients | sky "
        "| worst | skyline | bright |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for m in measures:
        seen = [(m.gradients, 2), (m.sky, 1), (m.worst, 1), (m.skyline, 2), (m.bright, 2)]
        cells = ["" if value is None else f"{value:.{digits}f}" for value, digits in seen]
        lines.append(
            f"| {m.direction} | {m.name} | {m.kid:.0f} ± {m.kid_error:.0f} | {m.kid_ratio:.2f} "
            f"| {m.share:.2f} | {m.shift:.2f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.seasons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shipped = [WEIGHTS / "season_networks.safetensors"]
    parser.add_argument("networks", type=Path, nargs="*", default=shipped, help="else what ships")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("out/seasons/cache"))
    parser.add_argument("--out", type=Path, default=Path("out/seasons"))
    parser.add_argument("--count", type=int, default=160, help="photographs each way")
    parser.add_argument("--judge", choices=JUDGES, default="vgg16")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    eye = JUDGES[args.judge]()
    measures = []
    pairs: dict[Path, list[tuple[Image.Image, Image.Image]]] = {file: [] for file in args.networks}
    for direction in DIRECTIONS:
        judge = Judge(direction, args.data, args.cache / args.judge, eye, args.count)
        measures.append(judge.measure("untouched", judge.photos))
        recoloured = colour_transfer(judge.photos, judge.colours)
        measures.append(judge.measure("colour transfer", recoloured))
        for file in args.networks:
            translate = network(file, direction)
            after = [translate(photo) for photo in tqdm(judge.photos, f"{direction}, {file}")]
            measures.append(judge.measure(str(file), after))
            shown = np.linspace(0, len(after) - 1, min(PAIRS, len(after))).round().astype(int)
            pairs[file] += [(judge.photos[i], after[i]) for i in shown]
        way: Direction = "summer2winter" if direction == "summer2winter" else "winter2summer"
        nobody = People((SIDE, SIDE), ())
        shown_by_bot = [change_season(photo, way, people=nobody) for photo in judge.photos]
        measures.append(judge.measure("the bot", shown_by_bot))
        measures.append(judge.measure_real())
    for number, chosen in enumerate(pairs.values(), 1):
        sheet(chosen).save(args.out / f"sheet_{number}.png")
    facts = {
        "accuracy": judge.accuracy,
        "count": args.count,
        "measures": [asdict(m) for m in measures],
    }
    (args.out / "seasons.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(f"The classifier is right on {judge.accuracy:.1%} of the test photographs.\n")
    print(table(measures))


if __name__ == "__main__":
    main()
