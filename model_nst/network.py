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
        content: Tensor,
        content_weight: Tensor,
        *regions: Tensor,
    ) -> tuple[Tensor, ...]:
        """One step: the sums that make the loss, and its gradient by the image.

        The loss is the sum over the pixels of content_weight / 2 * |F - content|², of the layer
        `CONTENT`, plus for each region the sums over the layers of gram_weights[i] / 4 * |G_i|² -
        targets[i] / 2 · G_i: squared distances of the sums G from what they should be, multiplied
        out. `content_weight` is `[1, 1, H/2, W/2]`. A region is a style_map `[1, 1, H, W]`,
        gram_weights `[5]` and five targets `[C, C]`; the map says how much a pixel counts in the
        region's sums, and so how far its style may change it (Gatys et al., "Controlling Perceptual
        Factors in Neural Style Transfer", 2017). `area` is 1 where the image counts and 0 in a
        tile's margin, which is there for the sake of its neighbours' gradient only.

        Returns, as `layers.OUTPUTS` names them, the features F; twice the content's part of the
        loss, over the area; the gradient by the image, right at the pixels that lie `MARGIN` or
        more from those edges of a tile that are not the image's; and of each region the sums G and
        the loss's gradients by them, doubled.
        """
        taps = self.activations(image)
        error = taps[CONTENT] - content
        gradients: list[Tensor] = []
        of_regions: list[Tensor] = []
        for first in range(0, len(regions), 2 + len(taps)):
            style_map, gram_weights, *targets = regions[first : first + 2 + len(taps)]
            sums = self.gram_sums(taps, area * style_map)
            by_gram = [
                weight * total - target
                for weight, total, target in zip(gram_weights.unbind(), sums, targets, strict=True)
            ]
            own = self.style_gradients(taps, by_gram, style_map)
            gradients = [a + b for a, b in zip(gradients, own, strict=True)] if first else own
            of_regions += sums + by_gram
        gradients[CONTENT] = gradients[CONTENT] + content_weight * error
        # The convolution adds up the channels: before one, OpenVINO keeps to half precision.
        by_pixel = F.conv2d(error.square(), torch.ones_like(error[:, :, :1, :1]))
        content_error = (by_pixel * content_weight * area[:, :, ::2, ::2]).sum()
        gradient = self.image_gradient(taps, gradients)
        return taps[CONTENT].half(), content_error, gradient, *of_regions

    def style_gradients(
        self, taps: list[Tensor], by_gram: list[Tensor], style_map: Tensor
    ) -> list[Tensor]:
        """The gradients of a region's style by the five layers."""
        gradients: list[Tensor] = []
        for i, (tap, by) in enumerate(zip(taps, by_gram, strict=True)):
            if i - 1 in POOLED:
                style_map = style_map[:, :, ::2, ::2]
            # A 1x1 convolution by a matrix; a product of matrices would want another memory layout.
            gradients.append(F.conv2d(tap, by[:, :, None, None]) * style_map)
        return gradients
