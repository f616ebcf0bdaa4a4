"""VGG16's first 11 layers, the loss of style transfer on them, and its gradient written by hand.

After Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks" (2016) and
Simonyan and Zisserman, "Very Deep Convolutional Networks" (2014). The gradient is a plain forward
computation, so that the same module runs in torch and, exported, in OpenVINO without autograd.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = {"conv1_1": 64, "conv1_2": 64, "conv2_1": 128, "conv2_2": 128, "conv3_1": 256}
CONTENT = 3  # the content image is compared after conv2_2
POOLED = (1, 3)  # max pooling follows conv1_2 and conv2_2


def gram_matrix(features: Tensor) -> Tensor:
    """The mean over all pixels of f fᵀ: `[1, C, H, W]` to `[C, C]`."""
    f = features.flatten(2)[0]
    return f @ f.T / f.shape[1]


class StyleNetwork(nn.Module):
    """The five convolutions; takes images `[1, 3, H, W]`, RGB, 0 to 1, sides divisible by 4."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *CHANNELS.values())
        for name, c_in, c_out in zip(CHANNELS, widths, widths[1:], strict=False):
            self.add_module(name, nn.Conv2d(c_in, c_out, 3, padding=1))
        self.requires_grad_(False)

    def convolutions(self) -> list[nn.Conv2d]:
        return [conv for conv in self.children() if isinstance(conv, nn.Conv2d)]

    def activations(self, image: Tensor) -> list[Tensor]:
        """The five layers after their ReLU."""
        # Zero padding would be read as a dark frame around the image, and painted.
        x = F.pad(image, (1, 1, 1, 1), mode="replicate")
        taps: list[Tensor] = []
        for i, conv in enumerate(self.convolutions()):
            if i - 1 in POOLED:
                x = F.max_pool2d(x, 2)
            x = F.relu(F.conv2d(x, conv.weight, conv.bias, padding=1 if i else 0))
            taps.append(x)
        return taps

    def image_gradient(self, taps: list[Tensor], gradients: list[Tensor]) -> Tensor:
        """Back to the image: `gradients[i]` is the loss's gradient by `taps[i]` alone."""
        convolutions = self.convolutions()
        g = gradients[-1]
        for i in reversed(range(len(taps))):
            g = torch.where(taps[i] > 0, g, 0.0)
            # A transposed convolution; OpenVINO runs this form in half the time.
            weight = convolutions[i].weight.flip(2, 3).transpose(0, 1)
            g = F.conv2d(g, weight, padding=1 if i else 2)
            if i - 1 in POOLED:  # only the largest pixel of four had an effect
                largest = F.interpolate(F.max_pool2d(taps[i - 1], 2), scale_factor=2.0)
                g = torch.where(taps[i - 1] == largest, F.interpolate(g, scale_factor=2.0), 0.0)
            if i:
                g = g + gradients[i - 1]
        # A pixel of the edge stands also for its copies in the padding.
        g = torch.cat((g[:, :, :1] + g[:, :, 1:2], g[:, :, 2:-2], g[:, :, -2:-1] + g[:, :, -1:]), 2)
        return torch.cat((g[..., :1] + g[..., 1:2], g[..., 2:-2], g[..., -2:-1] + g[..., -1:]), 3)


class FeatureNetwork(StyleNetwork):
    """What the loss needs of the content image and of the style image."""

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The content features `[1, 128, H/2, W/2]`, then the five Gram matrices."""
        taps = self.activations(image)
        return (taps[CONTENT], *map(gram_matrix, taps))


class GradientNetwork(StyleNetwork):
    """The loss and its gradient by the image.

    Both parts are relative errors, so that one style weight suits every painting:
    loss = |F - C|² / |C|² + style_weight * mean over the layers of |G - T|² / |T|².
    """

    def forward(
        self, image: Tensor, content: Tensor, style_weight: Tensor, *targets: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The content loss and the style loss, unweighted scalars, and the gradient `[1, 3, H, W]`.

        `content` and the Gram matrices `targets` come from `FeatureNetwork`.
        """
        taps = self.activations(image)
        gradients: list[Tensor] = []
        style_loss = torch.zeros_like(style_weight)
        for tap, target in zip(taps, targets, strict=True):
            difference = gram_matrix(tap) - target
            scale = 1 / (len(taps) * target.square().sum())
            style_loss = style_loss + scale * difference.square().sum()
            by_gram = 2 * style_weight * scale * difference
            f = tap.flatten(2)[0]
            gradients.append((by_gram @ f * (2 / f.shape[1])).view_as(tap))
        error = taps[CONTENT] - content
        scale = 1 / content.square().sum()
        gradients[CONTENT] = gradients[CONTENT] + 2 * scale * error
        return scale * error.square().sum(), style_loss, self.image_gradient(taps, gradients)
