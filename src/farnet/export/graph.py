"""The whole of detection behind the frame as one module that can be traced: looks, network, decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from farnet.averaging import moved
from farnet.heatmaps import locate
from farnet.inputs import normalise

if TYPE_CHECKING:
    from farnet.modelfile import DecoderConfig

__all__ = ["DetectionGraph"]


class DetectionGraph(nn.Module):
    """Grey pictures in the network's frame -> points, confidence and, where asked for, heatmaps.

    It computes what `farnet.detection.Detector` computes in one frame, with the same code for the decoder.

    Args:
        network: Normalised (B, 3, h, w) -> heatmaps with `fine`; as `farnet.networks.inference.optimise` makes it.
        decoder: How heatmaps become points, and at which moves of the input is looked.
        shape: (h, w) of the input.
        heatmaps: Give the heatmaps too.
    """

    seen: Tensor

    def __init__(
        self, network: nn.Module, decoder: DecoderConfig, shape: tuple[int, int], *, heatmaps: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.decoder = decoder
        self.heatmaps = heatmaps
        # How many looks see a pixel depends on the shape alone.
        looks = [moved(torch.ones(shape), (-rows, -columns)) for rows, columns in decoder.shifts]
        self.register_buffer("seen", torch.stack(looks).sum(0).clamp_min(1.0))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Detect.

        Args:
            image: (B, h, w) float32 in 0..1, bone bright, 0 outside the radiograph.

        Returns:
            (B, K, 2) float32 row, column in pixels of `image`, pixel centres integer; (B, K) float32 confidence in
            0..1, both NaN where there is no landmark; with `heatmaps` also (B, K, h, w) float32.
        """
        maps = self._maps(image)
        k, height, width = maps.shape[1:]
        points, confidence = locate(
            maps.reshape(-1, height, width), self.decoder.sigma, self.decoder.method, self.decoder.min_peak
        )
        found = points.float().reshape(-1, k, 2), confidence.float().reshape(-1, k)
        return (*found, maps) if self.heatmaps else found

    def _maps(self, image: Tensor) -> Tensor:
        """(B, K, h, w), averaged over the looks as `farnet.averaging.AveragedHeatmaps` does."""
        shifts = self.decoder.shifts
        total: Tensor | None = None
        for rows, columns in shifts:
            plain = not (rows or columns)
            maps: Tensor = self.network(normalise(image if plain else moved(image, (rows, columns)))).fine
            maps = maps if plain else moved(maps, (-rows, -columns))
            total = maps if total is None else total + maps
        assert total is not None, "a decoder has one look at least"
        return total if len(shifts) == 1 else total / self.seen
