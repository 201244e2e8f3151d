"""What a network costs: parameters, and multiply-accumulates of one radiograph, without memory or arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from farnet.networks.farnet import build_network
from farnet.networks.inference import optimise

if TYPE_CHECKING:
    from farnet.networks.config import NetworkConfig

__all__ = ["NetworkCost", "network_cost"]


@dataclass(frozen=True)
class NetworkCost:
    """Cost of a network for one radiograph.

    Attributes:
        input_shape: (h, w) of the network's input.
        parameters: Trainable numbers.
        parameters_by_part: The same for the backbone, the aggregation with its coarse head, and the refinement.
        macs: Multiply-accumulates of the convolutions in a forward pass, as trained.
        macs_by_part: The same by part.
        macs_detecting: Multiply-accumulates in the form that detects, in which layers are folded into each other.
    """

    input_shape: tuple[int, int]
    parameters: int
    parameters_by_part: dict[str, int]
    macs: int
    macs_by_part: dict[str, int]
    macs_detecting: int

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "input_shape": list(self.input_shape),
            "parameters": self.parameters,
            "parameters_by_part": self.parameters_by_part,
            "macs": self.macs,
            "macs_by_part": self.macs_by_part,
            "macs_detecting": self.macs_detecting,
        }


_PARTS = {
    "backbone": ("backbone",),
    "aggregation": ("aggregation", "coarse_head"),
    "refinement": ("refinement",),
}


def network_cost(config: NetworkConfig, input_shape: tuple[int, int]) -> NetworkCost:
    """Count a network's parameters and multiply-accumulates.

    The network is built on PyTorch's meta device: there are shapes and no numbers, so that the largest costs as little
    as the smallest.

    Args:
        config: The architecture.
        input_shape: (h, w) of its input.

    Raises:
        InvalidInputError: h or w is not a multiple of the network's stride.
        UnknownNameError, MissingExtraError: As `build_network`.
    """
    with torch.device("meta"):
        network = build_network(config).eval()
        image = torch.empty(1, 3, *input_shape)
        counts = _macs(network, image)
        detecting = _macs(optimise(network), image)[""]
    sizes = {name: sum(p.numel() for p in child.parameters()) for name, child in network.named_children()}
    return NetworkCost(
        input_shape=input_shape,
        parameters=sum(sizes.values()),
        parameters_by_part={part: sum(sizes.get(name, 0) for name in names) for part, names in _PARTS.items()},
        macs=counts[""],
        macs_by_part={part: sum(counts.get(name, 0) for name in names) for part, names in _PARTS.items()},
        macs_detecting=detecting,
    )


def _macs(network: nn.Module, image: torch.Tensor) -> dict[str, int]:
    """Multiply-accumulates of the children of a network, by name; "" is the whole."""
    root = type(network).__name__
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    counts = {name: sum(kinds.values()) // 2 for name, kinds in counter.get_flop_counts().items()}
    return {"": counts["Global"], **{name: counts.get(f"{root}.{name}", 0) for name, _ in network.named_children()}}
