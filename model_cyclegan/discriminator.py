"""The networks that tell photos of a season from translations into it.

All take RGB in -1..1 and return maps of scores, higher for what looks real.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

DiscriminatorKind = Literal["patch", "features", "whole"]


class PatchDiscriminator(nn.Module):
    """Scores every 70x70 patch (Isola et al., 2017); `[N, 3, H, W]` to `[N, 1, H/8-2, W/8-2]`.

    With `spectral` (Miyato et al., 2018) instead of instance norm it also sees how bright and how
    colourful a picture is.
    """

    def __init__(self, filters: int = 64, spectral: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        widths = [3, filters, 2 * filters, 4 * filters, 8 * filters, 1]
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            conv = nn.Conv2d(inputs, outputs, 4, 2 if i < 3 else 1, 1)
            nn.init.normal_(conv.weight, 0.0, 0.02)
            layers.append(spectral_norm(conv) if spectral else conv)
            if 0 < i < 4 and not spectral:
                layers.append(nn.InstanceNorm2d(outputs))
            if i < 4:
                layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.model = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        scores: Tensor = self.model(image)
        return scores


def _strided(inputs: int, width: int, steps: int) -> nn.Sequential:
    """A 1x1 convolution, `steps` halvings of the resolution, and a score at each place."""
    layers: list[nn.Module] = [spectral_norm(nn.Conv2d(inputs, width, 1)), nn.LeakyReLU(0.2)]
    for _ in range(steps):
        layers += [spectral_norm(nn.Conv2d(width, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(width, 1, 3, 1, 1)))


class Discriminator(nn.Module):
    """The judges of one season, side by side.

    - "patch": 70x70 patches of the pixels.
    - "features": a small head on each layer of a frozen VGG16 (Sauer et al., Projected GANs, 2021);
      knows textures from the start, so it teaches within minutes.
    - "whole": the whole picture at 64x64, where blotches and a wrong overall colour show.
    """

    whole_size = 64  # pixels

    def __init__(
        self,
        kinds: Sequence[DiscriminatorKind],
        feature_widths: Sequence[int] = (),
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.patch = PatchDiscriminator(spectral=spectral) if "patch" in kinds else None
        # Each head ends where a score stands for 16 or 32 pixels.
        self.heads = nn.ModuleList(
            _strided(width, 48, 2 if i else 3)
            for i, width in enumerate(feature_widths)
            if "features" in kinds
        )
        self.whole = _strided(3, 64, 3) if "whole" in kinds else None

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
        """The score maps of all judges.

        `features` are a feature network's layers for the image or a window of it, as many as
        `feature_widths` told; empty without "features".
        """
        scores = [head(layer) for head, layer in zip(self.heads, features, strict=True)]
        if self.patch is not None:
            scores.append(self.patch(image))
        if self.whole is not None:
            scores.append(self.whole(F.adaptive_avg_pool2d(image, self.whole_size)))
        return scores
