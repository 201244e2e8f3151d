"""Checkpoints that are whole or not there: a full disk or a killed process leaves the one before."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from farnet.atomic import atomic_path
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from lightning.fabric.utilities.types import _PATH

__all__ = ["AtomicCheckpoints", "epochs_done"]


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside the one that it replaces, then in its place."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """Write a checkpoint.

        Raises:
            OutputError: It cannot be written; what stood there before is untouched.
        """
        with atomic_path(Path(path)) as temporary:
            torch.save(checkpoint, temporary)


def epochs_done(checkpoint: Path) -> int:
    """How many epochs were over when a checkpoint was written; its weights are not read.

    Raises:
        InvalidInputError: It is no checkpoint, or cannot be read.
    """
    try:
        return int(torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["epoch"]) + 1
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise InvalidInputError(
            f"cannot read {checkpoint}: {error}; delete it if the training is finished, or its folder to train again"
        ) from error
