"""Data sets by name, for the commands that train and evaluate."""

from farnet.datasets.named import open_dataset

__all__ = ["open_dataset"]
