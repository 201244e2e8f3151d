"""Feature refinement (FR): heatmaps at the full resolution of the image (paper, section 3.3)."""

from __future__ import annotations

from torch import Tensor, nn

from farnet.networks.blocks import ConvNormAct, PlainHead, concatenate, upsample2

__all__ = ["Refinement"]


class Refinement(nn.Module):
    """Refine the coarse heatmaps with the aggregated feature and a shallow feature of the image.

    Args:
        in_channels: Channels of the aggregated feature at stride 2.
        landmarks: K.
        image_channels: Channels taken from the image (32 in the paper).
        image_kernel: Kernel of the convolution on the image, or None when the backbone has a stride-1 feature of
            `image_channels` channels, which is used as it is (the paper's VGG).
        coarse: Whether coarse heatmaps are refined; False is the paper's FR*, which has none.
    """

    def __init__(
        self, in_channels: int, landmarks: int, image_channels: int, image_kernel: int | None, *, coarse: bool = True
    ) -> None:
        super().__init__()
        self.image = None if image_kernel is None else ConvNormAct(3, image_channels, image_kernel)
        self.head = PlainHead(in_channels + image_channels + (landmarks if coarse else 0), landmarks)

    def forward(self, image: Tensor, aggregated: Tensor, coarse: Tensor | None) -> Tensor:
        """Make the fine heatmaps.

        Args:
            image: (B, 3, H, W), or the backbone's stride-1 feature where there is one.
            aggregated: (B, C, H/2, W/2).
            coarse: (B, K, H/2, W/2); gradients flow through it. None where there are no coarse heatmaps.

        Returns:
            (B, K, H, W), linear.
        """
        shallow = image if self.image is None else self.image(image)
        maps = () if coarse is None else (upsample2(coarse),)
        fine: Tensor = self.head(concatenate(upsample2(aggregated), shallow, *maps))
        return fine
