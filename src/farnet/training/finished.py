"""A finished training, read back from its folder: its settings, its data and its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from farnet.datasets.opening import DataRequest, OpenedData
    from farnet.training.config import TrainingConfig

__all__ = ["FinishedRun", "finished_run", "is_finished"]


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


def is_finished(folder: Path, model: Path, epochs: int) -> bool:
    """Whether a training came to its end and left its model.

    A run that was stopped leaves a model too. If it is gone on with and then killed, that model is still there, of
    fewer epochs than the settings say; only the last checkpoint tells. Without events (`farnet train` writes them when
    asked) and without a checkpoint there is nothing to go on with, and the model counts.

    Args:
        folder: Of the run.
        model: The file of its model.
        epochs: How many the settings ask for.

    Raises:
        InvalidInputError: The last checkpoint cannot be read.
    """
    from farnet.training.runfolder import LAST_CHECKPOINT, state_of

    if not model.is_file():
        return False
    state = state_of(folder)
    if state != "resumable":
        return state == "finished"
    last = folder / LAST_CHECKPOINT
    if not last.is_file():
        return True
    from farnet.training.checkpoints import epochs_done

    return epochs_done(last) >= epochs


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
    if not is_finished(folder, model, config.epochs):
        what = "its model is of fewer epochs than it asks for" if model.is_file() else f"{model.name} is not in it"
        raise InvalidInputError(
            f"The training in {folder} is not finished: {what}. Finish it (farnet train --resume --output {folder})."
        )
    return FinishedRun(folder, config, read_run_record(folder).data, model)
