"""A finished training, read back from its folder: its settings, its data and its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from farnet.datasets.opening import DataRequest, OpenedData
    from farnet.training.config import TrainingConfig

__all__ = ["FinishedRun", "finished_run"]


@dataclass(frozen=True)
class FinishedRun:
    """What a folder of `farnet train` holds.

    Attributes:
        folder: The folder.
        config: Its settings.
        data: Which data it was trained on.
        model: The file of the model.
    """

    folder: Path
    config: TrainingConfig
    data: DataRequest
    model: Path

    def held_out(self) -> tuple[OpenedData, list[int]]:
        """Its data, opened, and which radiographs of it were held out, by their index.

        Raises:
            FarnetError: As `farnet.datasets.opening.open_data`.
        """
        from farnet.datasets.opening import open_data
        from farnet.training.data import LandmarkData

        data = open_data(self.data)
        return data, LandmarkData(data.source, self.config, data.validation).validation_indices


def finished_run(folder: str | Path) -> FinishedRun:
    """Read a finished training.

    Raises:
        InvalidInputError: If the folder is not that of a training, or the training is not finished.
    """
    from farnet.training.config import load_preset
    from farnet.training.run import read_run_record
    from farnet.training.runfolder import CONFIG_FILE, RUN_FILE

    folder = Path(folder)
    if not (folder / CONFIG_FILE).is_file() or not (folder / RUN_FILE).is_file():
        raise InvalidInputError(f"{folder} is no folder of a training: {CONFIG_FILE} or {RUN_FILE} is not in it.")
    config = load_preset(str(folder / CONFIG_FILE), [])
    model = folder / f"{config.name}.safetensors"
    if not model.is_file():
        raise InvalidInputError(
            f"The training in {folder} is not finished: {model.name} is not in it. Finish it (farnet train --resume "
            f"--output {folder})."
        )
    return FinishedRun(folder, config, read_run_record(folder).data, model)
