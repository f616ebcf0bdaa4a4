"""VGG16's first 11 layers, the loss of style transfer on them, and its gradient written by hand.

After Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks" (2016).
The gradient is a plain forward computation, so that the same module runs in torch and, exported, in
OpenVINO without autograd.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_nst.layers import CHANNELS, CONTENT, POOLED


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
        """The five layers after their ReLU.

        Pooled by the mean, as Gatys advises: where the largest of four pixels alone has a gradient,
        a grid shows in the painting.
        """
        # Zero padding would be read as a dark frame around the image, and painted.
        x = F.pad(image, (1, 1, 1, 1), mode="replicate")
        taps: list[Tensor] = []
        for i, conv in enumerate(self.convolutions()):
            if i - 1 in POOLED:
                x = F.avg_pool2d(x, 2)
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
            if i - 1 in POOLED:
                g = F.interpolate(g / 4, scale_factor=2.0)
            if i:
                g = g + gradients[i - 1]
        # A pixel of the edge stands also for its copies in the padding.
        g = torch.cat((g[:, :, :1] + g[:, :, 1:2], g[:, :, 2:-2], g[:, :, -2:-1] + g[:, :, -1:]), 2)
        return torch.cat((g[..., :1] + g[..., 1:2], g[..., 2:-2], g[..., -2:-1] + g[..., -1:]), 3)

    def gram_sums(self, taps: list[Tensor], area: Tensor) -> list[Tensor]:
        """f fᵀ `[C, C]` of each layer, summed as `area` `[1, 1, H, W]` counts the pixels."""
        sums: list[Tensor] = []
        for i, tap in enumerate(taps):
            if i - 1 in POOLED:
                area = area[:, :, ::2, ::2]
            sums.append((tap * area).flatten(2)[0] @ tap.flatten(2)[0].T)
        return sums

    def forward(
        self,
        image: Tensor,
        area: Tensor,
        style_map: Tensor,
        content: Tensor,
        content_weight: Tensor,
        gram_weights: Tensor,
        *targets: Tensor,
    ) -> tuple[Tensor, ...]:
        """One step: the sums that make the loss, and its gradient by the image.

        The loss is the sum over the pixels of content_weight / 2 * |F - content|², of the layer
        `CONTENT`, plus the sums over the layers of gram_weights[i] / 4 * |G_i|² - targets[i] / 2 ·
        G_i: squared distances of the sums G from what they should be, multiplied out.
        `content_weight` is `[1, 1, H/2, W/2]`. `style_map` `[1, 1, H, W]` says how much a pixel
        counts in the sums, and so how far style may change it (Gatys et al., "Controlling
        Perceptual Factors in Neural Style Transfer", 2017). `area` is 1 where the image counts and
        0 in a tile's margin, which is there for the sake of its neighbours' gradient only.

        Returns, as `layers.OUTPUTS` names them, the features F; the sums G; the loss's gradients by
        the sums, doubled; twice the content's part of the loss, over the area; and the gradient by
        the image, right at the pixels that lie `MARGIN` or more from those edges of a tile that are
        not the image's.
        """
        taps = self.activations(image)
        sums = self.gram_sums(taps, area * style_map)
        by_gram = [
            weight * total - target
            for weight, total, target in zip(gram_weights.unbind(), sums, targets, strict=True)
        ]
        # A 1x1 convolution by a matrix; a product of matrices would want another memory layout.
        gradients: list[Tensor] = []
        for i, (tap, by) in enumerate(zip(taps, by_gram, strict=True)):
            if i - 1 in POOLED:
                style_map = style_map[:, :, ::2, ::2]
            gradients.append(F.conv2d(tap, by[:, :, None, None]) * style_map)
        error = taps[CONTENT] - content
        gradients[CONTENT] = gradients[CONTENT] + content_weight * error
        # The convolution adds up the channels: before one, OpenVINO keeps to half precision.
        by_pixel = F.conv2d(error.square(), torch.ones_like(error[:, :, :1, :1]))
        content_error = (by_pixel * content_weight * area[:, :, ::2, ::2]).sum()
        gradient = self.image_gradient(taps, gradients)
        return taps[CONTENT].half(), *sums, *by_gram, content_error, gradient
