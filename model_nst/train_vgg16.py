"""Fine-tunes VGG16 for the bot: `python -m model_nst.train_vgg16 --data DIR --out DIR`.

The data's DIR holds a folder of pictures for each class. Where it is empty or missing, Caltech 101
(Fei-Fei, Fergus and Perona, 2004; 8677 pictures of 101 categories) is downloaded into it. Into the
other DIR go, after every epoch:

- `checkpoint.pt`: everything, to go on from; a training goes on by itself where it finds one;
- `best.safetensors`: the network of the epoch with the highest validation accuracy so far;
- `epochs.csv`;

and at the end `vgg16_features.safetensors`, the best network's first 11 layers in the form that
`python -m model_nst.export FILE` makes the bot's weights of.
"""

import argparse
import csv
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

import model_nst.torchvision_on_cpu  # noqa: F401  torchvision does not import without it
from model_nst.export import INDICES, OXFORD_MEAN
from model_nst.layers import CHANNELS
from weights import WEIGHTS

# isort: split
from torchvision.datasets import Caltech101  # type: ignore[import-untyped]
from torchvision.models import VGG16_Weights, vgg16  # type: ignore[import-untyped]
from torchvision.models.vgg import cfgs, make_layers  # type: ignore[import-untyped]
from torchvision.transforms import v2  # type: ignore[import-untyped]

Start = Literal["imagenet", "shipped", "none"]
Head = Literal["vgg16", "small"]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
NO_CLASS = "BACKGROUND_Google"  # comes with Caltech 101, but is no category
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
# What torchvision's weights were trained on: RGB, 0 to 1, minus MEAN, by DEVIATION.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Labelled = tuple[Path, int]  # a picture and the number of its class


class Pictures(Dataset[tuple[Tensor, int]]):
    """Files as `[3, size, size]` in torchvision's scaling, `varied` by crops and mirroring."""

    def __init__(self, files: Sequence[Labelled], size: int, varied: bool) -> None:
        self.files = files
        shape = (
            [v2.RandomResizedCrop(size, scale=(0.4, 1)), v2.RandomHorizontalFlip()]
            if varied
            else [v2.Resize(size * 8 // 7), v2.CenterCrop(size)]
        )
        tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        self.transform = v2.Compose([*shape, *tensor, v2.Normalize(MEAN, DEVIATION)])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.files[index]
        with Image.open(path) as image:
            return self.transform(image.convert("RGB")), label


def labelled_files(folder: Path) -> tuple[list[str], list[Labelled]]:
    """The classes, which are the folders in `folder`, sorted, and their pictures.

    Raises `FileNotFoundError` where there are fewer than two classes or one has under 3 pictures.
    """
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    classes = [name for name in classes if name != NO_CLASS]
    if len(classes) < 2:
        raise FileNotFoundError(f"there are no two folders of pictures in {folder}")
    files: list[Labelled] = []
    for label, name in enumerate(classes):
        paths = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if len(paths) < len(SHARES):
            raise FileNotFoundError(f"{folder / name} has fewer than {len(SHARES)} pictures")
        files += [(path, label) for path in paths]
    return classes, files


def find_data(data: Path) -> Path:
    """The folder of the classes: `data` itself, or Caltech 101 in it, downloaded if need be."""
    caltech = data / "caltech101"
    if caltech.exists() or not data.exists() or not any(data.iterdir()):
        Caltech101(data, download=True)
        return caltech / "101_ObjectCategories"
    return data


def split(files: Sequence[Labelled], seed: int = 0) -> dict[str, list[Labelled]]:
    """Each class by `SHARES`, at least one picture for every part; always the same."""
    parts: dict[str, list[Labelled]] = {name: [] for name in SHARES}
    random = np.random.default_rng(seed)
    for label in sorted({label for _, label in files}):
        own = [file for file in files if file[1] == label]
        own = [own[i] for i in random.permutation(len(own))]
        for name in ("test", "validation"):
            count = max(1, round(SHARES[name] * len(own)))
            parts[name] += own[:count]
            own = own[count:]
        parts["train"] += own
    return parts


def build(head: Head, start: Start, classes: int) -> tuple[nn.Module, set[str]]:
    """torchvision's VGG16, `[N, 3, H, W]` to `[N, classes]`, and the names of the weights it knows.

    The small head takes the place of all that follows the first 11 layers: a mean over each
    quarter of the image and one linear layer.
    """
    if head == "vgg16":
        network: nn.Module = vgg16(num_classes=classes)
    else:
        width = 4 * [*CHANNELS.values()][-1]
        parts = {
            "features": make_layers(cfgs["D"][:7]),  # with the last convolution's ReLU
            "quarters": nn.AdaptiveAvgPool2d(2),
            "flat": nn.Flatten(),
            # Of Oxford's layers some answer a hundred times as strongly as others.
            "scaled": nn.BatchNorm1d(width),
            "classifier": nn.Linear(width, classes),
        }
        network = nn.Sequential(OrderedDict(parts))
    own = network.state_dict()
    known = starting_weights(start)
    fitting = {k: v for k, v in known.items() if k in own and v.shape == own[k].shape}
    network.load_state_dict(fitting, strict=False)
    return network, set(fitting)


def starting_weights(start: Start) -> dict[str, Tensor]:
    """Under torchvision's names and for its scaling; ImageNet's are downloaded, 528 MB."""
    if start == "none":
        return {}
    if start == "imagenet":
        weights: dict[str, Tensor] = VGG16_Weights.IMAGENET1K_V1.get_state_dict(
            progress=True, check_hash=True
        )
        return weights
    shipped = load_file(WEIGHTS / "nst_features.safetensors")
    weights = {
        f"features.{index}.{kind}": shipped[f"{name}.{kind}"].float()
        for index, name in zip(INDICES, CHANNELS, strict=True)
        for kind in ("weight", "bias")
    }
    # Ours take RGB, 0 to 1, as it is.
    kernel = weights["features.0.weight"]
    weights["features.0.bias"] += (kernel * column(MEAN)).sum((1, 2, 3))
    weights["features.0.weight"] = kernel * column(DEVIATION)
    return weights


def first_layers(network: nn.Module) -> dict[str, Tensor]:
    """The first five convolutions as `model_nst.export` takes them.

    Under their numbers, for BGR, 0 to 255, minus Oxford's mean.
    """
    features = {name.removeprefix("features."): t for name, t in network.state_dict().items()}
    weights = {
        f"{i}.{kind}": features[f"{i}.{kind}"].float().cpu().contiguous()
        for i in INDICES
        for kind in ("weight", "bias")
    }
    kernel = weights["0.weight"] / column(DEVIATION)  # now for RGB, 0 to 1, minus MEAN
    shift = column(OXFORD_MEAN) - column(MEAN)
    weights["0.bias"] = weights["0.bias"] + (kernel * shift).sum((1, 2, 3))
    weights["0.weight"] = (kernel / 255).flip(1).contiguous()
    return weights


def column(values: Sequence[float]) -> Tensor:
    """One number for each colour, as it multiplies a kernel `[C, 3, H, W]`."""
    return torch.tensor(values).view(1, 3, 1, 1)


@torch.inference_mode()
def accuracy(network: nn.Module, pictures: DataLoader[tuple[Tensor, int]]) -> float:
    """The share of the pictures whose class gets the highest score, 0 to 1."""
    device = next(network.parameters()).device
    network.eval()
    right = total = 0
    for images, labels in pictures:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            found = network(images.to(device)).argmax(1).cpu()
        right += int((found == labels).sum())
        total += len(labels)
    return right / total


@dataclass
class Progress:
    """Where a training stands."""

    epoch: int = 0  # epochs done
    best: float = -1.0  # highest validation accuracy, 0 to 1
    waited: int = 0  # epochs since


class Training:
    """A network, its optimiser, and where they are kept."""

    def __init__(
        self, network: nn.Module, known: set[str], out: Path, rate: float, patience: int
    ) -> None:
        """`known` weights learn at a tenth of the `rate` of those that begin at random."""
        self.network = network
        self.out = out
        self.patience = patience
        self.progress = Progress()
        groups = [
            {"params": [weight], "lr": rate / 10 if name in known else rate}
            for name, weight in network.named_parameters()
        ]
        self.optimiser = torch.optim.AdamW(groups)
        # As Simonyan and Zisserman did: a tenth of the rate once validation gains no more.
        self.schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, mode="max", factor=0.1, patience=patience // 2
        )
        if (out / "checkpoint.pt").exists():
            self._load()

    def run(
        self,
        pictures: DataLoader[tuple[Tensor, int]],
        validation: DataLoader[tuple[Tensor, int]],
        epochs: int,
    ) -> None:
        """Until `epochs` in all, or until validation has gained nothing for `patience` epochs."""
        while self.progress.epoch < epochs and self.progress.waited < self.patience:
            loss = self._epoch(pictures)
            reached = accuracy(self.network, validation)
            self.schedule.step(reached)
            self.progress.epoch += 1
            self.progress.waited += 1
            if reached > self.progress.best:
                self.progress.best, self.progress.waited = reached, 0
                _save(self.network.state_dict(), self.out / "best.safetensors")
            self._checkpoint(loss, reached)

    def _epoch(self, pictures: DataLoader[tuple[Tensor, int]]) -> float:
        """One pass over the pictures; the mean loss."""
        device = next(self.network.parameters()).device
        self.network.train()
        losses: list[float] = []
        with tqdm(pictures, f"epoch {self.progress.epoch + 1}", leave=False) as bar:
            for images, labels in bar:
                with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                    scores = self.network(images.to(device))
                loss = F.cross_entropy(scores.float(), labels.to(device))
                self.optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimiser.step()
                losses.append(loss.item())
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
        return float(np.mean(losses))

    def _checkpoint(self, loss: float, reached: float) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "progress": vars(self.progress),
        }
        torch.save(state, self.out / "checkpoint.tmp")
        (self.out / "checkpoint.tmp").replace(self.out / "checkpoint.pt")
        epochs = self.out / "epochs.csv"
        new = not epochs.exists()
        with epochs.open("a", newline="") as file:
            rows = csv.writer(file)
            if new:
                rows.writerow(("epoch", "loss", "validation_accuracy"))
            rows.writerow((self.progress.epoch, f"{loss:.4f}", f"{reached:.4f}"))
        print(
            f"epoch {self.progress.epoch}: loss {loss:.3f}, validation accuracy {reached:.3f}",
            file=sys.stderr,
        )

    def _load(self) -> None:
        """Raises `RuntimeError` if the network has another form."""
        state = torch.load(self.out / "checkpoint.pt", map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.progress = Progress(**state["progress"])


def _save(weights: dict[str, Tensor], path: Path) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".tmp")
    save_file({name: tensor.cpu().contiguous() for name, tensor in weights.items()}, beside)
    beside.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_nst.train_vgg16", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--weights", choices=get_args(Start), default="imagenet", help="what training starts from"
    )
    parser.add_argument(
        "--head", choices=get_args(Head), default="vgg16", help="what follows the first 11 layers"
    )
    parser.add_argument("--epochs", type=int, default=30, help="at most, earlier runs included")
    parser.add_argument("--patience", type=int, default=6, help="epochs without gain that end it")
    parser.add_argument("--rate", type=float, default=3e-4, help="of layers that begin at random")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=224, help="pixels")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=2, help="processes that read pictures")
    args = parser.parse_args(arguments)

    classes, files = labelled_files(find_data(args.data))
    loaders = {
        name: DataLoader(
            Pictures(part, args.size, varied=name == "train"),
            args.batch,
            shuffle=name == "train",
            num_workers=args.workers,
        )
        for name, part in split(files).items()
    }
    args.out.mkdir(parents=True, exist_ok=True)
    network, known = build(args.head, args.weights, len(classes))
    training = Training(network.to(args.device), known, args.out, args.rate, args.patience)
    training.run(loaders["train"], loaders["validation"], args.epochs)

    network.load_state_dict(load_file(args.out / "best.safetensors"))
    reached = accuracy(network, loaders["test"])
    _save(first_layers(network), args.out / "vgg16_features.safetensors")
    print(f"test accuracy {reached:.3f}, {len(loaders['test'].dataset)} pictures")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
