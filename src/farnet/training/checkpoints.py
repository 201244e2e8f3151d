"""Checkpoints that are whole or not there: a full disk or a killed process leaves the one before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from farnet.atomic import atomic_path

if TYPE_CHECKING:
    from lightning.fabric.utilities.types import _PATH

__all__ = ["AtomicCheckpoints"]


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside the one that it replaces, then in its place."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """Write a checkpoint.

        Raises:
            OutputError: It cannot be written; what stood there before is untouched.
        """
        with atomic_path(Path(path)) as temporary:
            torch.save(checkpoint, temporary)
