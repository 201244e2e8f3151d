"""Small models for tests: files that are complete, weights that have learnt nothing."""

from pathlib import Path

import torch

from farnet.inputs import InputConfig
from farnet.modelfile import DecoderConfig, ModelMetadata, save_model
from farnet.networks import NetworkConfig, build_network
from farnet.scheme import load_scheme


def metadata(name: str = "tiny", **changes) -> ModelMetadata:
    values = {
        "name": name,
        "title": "A model that knows nothing",
        "network": NetworkConfig(backbone="efficientnet_lite0", width=8),
        "input": InputConfig(height=64, width=64, fit="letterbox", intensity="percentiles"),
        "decoder": DecoderConfig(sigma=3.0),
        "scheme": load_scheme("cephalometric19").to_dict(),
        "licence": "none",
    }
    return ModelMetadata(**{**values, **changes})


def write_tiny_model(path: Path, **changes) -> ModelMetadata:
    about = metadata(**changes)
    torch.manual_seed(0)
    save_model(path, build_network(about.network), about, half=True)
    return about
