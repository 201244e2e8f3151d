"""Heatmaps: time to encode and to decode 19 maps of 800 x 640, and the error of the decoder.

    python benchmarks/codec.py [--quick]

With ``pip install landmarker`` the same is done with that toolkit, in the same run: its generator, and on the same maps
the sub-pixel decoder that it uses by default.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from farnet.heatmaps import decode, encode
from report import Row, installed, main, median_seconds, peak_memory, reset_peak_memory, use_two_cores

SHAPE, LANDMARKS = (800, 640), 19
NOISE = 0.02
MARGIN = 60

Decoder = Callable[[Tensor, float], Tensor]


def scattered(seed: int) -> Tensor:
    """(K, 2) positions that are no whole numbers, away from the border."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor(SHAPE, dtype=torch.float64) - 2 * MARGIN
    return MARGIN + size * torch.rand(LANDMARKS, 2, generator=generator, dtype=torch.float64)


def radial_error(decoder: Decoder, sigma: float, noise: float, radiographs: int) -> float:
    """Mean distance in px of decoded from true positions."""
    generator = torch.Generator().manual_seed(7)
    errors = []
    for seed in range(radiographs):
        points = scattered(seed)
        maps = encode(points, SHAPE, sigma)
        if noise:
            maps = maps + noise * torch.randn(maps.shape, generator=generator)
        errors.append((decoder(maps, sigma) - points).norm(dim=-1))
    return float(torch.cat(errors).mean())


def matched(maps: Tensor, sigma: float) -> Tensor:
    """Our decoder."""
    return decode(maps, sigma).points


def landmarker_decoder(maps: Tensor, sigma: float) -> Tensor:
    """The toolkit's local soft-argmax with its default settings."""
    from landmarker.heatmap.decoder import coord_local_soft_argmax

    found: Tensor = coord_local_soft_argmax(maps[None])[0]
    return found.double()


def peer_times(points: Tensor, maps: Tensor, repeats: int) -> tuple[float, float] | None:
    """Milliseconds that landmarker takes to encode and to decode, or None without it."""
    if installed("landmarker") is None:
        return None
    from landmarker.heatmap.generator import GaussianHeatmapGenerator

    generator = GaussianHeatmapGenerator(nb_landmarks=LANDMARKS, sigmas=10.0, gamma=None, heatmap_size=SHAPE)
    batch = points[None].float()
    with torch.no_grad():
        encoding = median_seconds(lambda: generator(batch), max(2, repeats // 4))
        decoding = median_seconds(lambda: landmarker_decoder(maps, 10.0), max(2, repeats // 4))
    return 1e3 * encoding, 1e3 * decoding


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    repeats, radiographs = (2, 1) if quick else (40, 20)
    points = scattered(0)

    encode(points, SHAPE, 10.0)
    reset_peak_memory()
    before = peak_memory()
    maps = encode(points, SHAPE, 10.0)
    after = peak_memory()
    output = maps.numel() * maps.element_size() / 2**20

    noisy = maps + NOISE * torch.randn(maps.shape, generator=torch.Generator().manual_seed(1))
    peer = peer_times(points, noisy, repeats)
    encoding = 1e3 * median_seconds(lambda: encode(points, SHAPE, 10.0), repeats, 2)
    decoding = 1e3 * median_seconds(lambda: decode(noisy, 10.0), repeats, 2)
    plain = 1e3 * median_seconds(lambda: decode(noisy, 10.0, "argmax"), repeats, 2)

    name = f"landmarker {installed('landmarker')}"
    rows = [
        Row("encode 19 maps 800x640", encoding, "ms", 15, peer=peer and peer[0], peer_name=name),
        Row("decode 19 maps 800x640, sub-pixel", decoding, "ms", 40, peer=peer and peer[1], peer_name=name),
        Row("the same by argmax", plain, "ms"),
    ]
    if before is not None and after is not None:
        rows.insert(1, Row("memory to encode, beyond the maps themselves", max(0.0, after - before - output), "MiB", 1))
    for sigma in (3.0, 10.0):
        for noise in (0.0, NOISE):
            rows.append(
                Row(
                    f"decoding error, sigma {sigma:g}, noise sd {noise:g}",
                    radial_error(matched, sigma, noise, radiographs),
                    "px",
                    0.021 if noise else 0.0005,
                    peer=radial_error(landmarker_decoder, sigma, noise, radiographs) if peer else None,
                    peer_name=name,
                )
            )
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
