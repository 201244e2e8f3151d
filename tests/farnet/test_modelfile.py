import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.numpy import save_file

from farnet.errors import ModelFileError, OutputError
from farnet.modelfile import FORMAT_VERSION, DecoderConfig, load_model, model_sha256, read_metadata, save_model
from farnet.networks import build_network

from .models import metadata, write_tiny_model


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.safetensors"
    write_tiny_model(path)
    return path


def _rewrite(path, change):
    """The file with its description changed, as someone with a text editor would."""
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        values = json.loads(file.metadata()["farnet"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    text = change(values)
    save_file(tensors, path, {"farnet": text if isinstance(text, str) else json.dumps(values)})


def test_weights_and_metadata_come_back(tmp_path):
    about = metadata(typical_points=[(float(i), 2.5) for i in range(19)], evaluation={"mre": 1.25})
    network = build_network(about.network)
    path = tmp_path / "m.safetensors"
    save_model(path, network, about)
    loaded, read = load_model(path)
    assert read == about == read_metadata(path)
    assert not loaded.training
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, loaded.state_dict()[name]), name


def test_half_precision_halves_the_file_and_keeps_eleven_bits(tmp_path):
    about = metadata()
    network = build_network(about.network)
    large = next(tensor for name, tensor in network.state_dict().items() if name.endswith("running_var"))
    large[0] = 1e6  # more than 16 bit can hold
    save_model(tmp_path / "full.safetensors", network, about)
    save_model(tmp_path / "half.safetensors", network, about, half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.55 * (tmp_path / "full.safetensors").stat().st_size
    loaded, _ = load_model(tmp_path / "half.safetensors")
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=2**-11, atol=1e-7, msg=name)
    assert all(p.dtype == torch.float32 for p in loaded.parameters())


def test_metadata_needs_no_torch(model):
    code = (
        "import sys; from farnet.modelfile import read_metadata; from farnet.zoo import list_models; "
        f"read_metadata({str(model)!r}); list_models(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sha256_is_that_of_the_file(model):
    before = model_sha256(model)
    assert len(before) == 64
    write_tiny_model(model, name="other")
    assert model_sha256(model) != before


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the file was unpickled",))

    for name in ("model.safetensors", "model.pt"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(Trap()))
        with pytest.raises(ModelFileError, match="never from pickled"):
            load_model(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_truncated_files_are_refused(model, share):
    data = model.read_bytes()
    model.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelFileError, match=str(model.name)):
        load_model(model)


def test_a_header_that_claims_a_huge_size_is_refused(tmp_path):
    path = tmp_path / "huge.safetensors"
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    with pytest.raises(ModelFileError):
        read_metadata(path)


def test_weights_without_description(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelFileError, match="no description of a landmark model"):
        read_metadata(path)


def test_missing_file(tmp_path):
    with pytest.raises(ModelFileError, match="farnet models"):
        read_metadata(tmp_path / "none.safetensors")


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, "two", None])
def test_newer_format_says_update(model, version):
    _rewrite(model, lambda values: values.update(format_version=version))
    with pytest.raises(ModelFileError, match="update napari-farnet"):
        read_metadata(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: "not json",
        lambda values: "[" * 100_000,
        lambda values: "[1, 2]",
        lambda values: values.update(surprise=1),
        lambda values: values.update(name="../../escape"),
        lambda values: values["scheme"].update(landmarks=[]),
        lambda values: values["network"].update(width=10**9),
        lambda values: values["network"].update(landmarks=7),
        lambda values: values.update(typical_points=[[0, 0]]),
        lambda values: values["input"].update(height=10**7),
    ],
)
def test_hostile_descriptions_are_refused(model, change):
    _rewrite(model, change)
    with pytest.raises(ModelFileError):
        load_model(model)


def test_weights_that_do_not_fit_are_refused_before_memory_is_taken(model):
    _rewrite(model, lambda values: values["network"].update(width=2048))
    with pytest.raises(ModelFileError, match="do not fit the network"):
        load_model(model)


def test_diverged_weights_are_not_written(tmp_path):
    about = metadata()
    network = build_network(about.network)
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(ModelFileError, match="diverged"):
        save_model(tmp_path / "m.safetensors", network, about)
    assert not list(tmp_path.iterdir())


def test_network_and_metadata_must_belong_together(tmp_path):
    about = metadata()
    other = build_network(about.network.model_copy(update={"image_kernel": 1}))
    with pytest.raises(ModelFileError, match="belong together"):
        save_model(tmp_path / "m.safetensors", other, about)


def test_an_unwritable_folder_is_an_output_error(tmp_path):
    about = metadata()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        save_model(tmp_path / "file" / "m.safetensors", build_network(about.network), about)


@pytest.mark.parametrize("shifts", [[], [(0, 0)] * 17, [(65, 0)], [(0.5, 0)], [(1, 2, 3)]])
def test_looks_that_no_model_needs_are_refused(shifts):
    with pytest.raises(ValidationError, match="shifts"):
        DecoderConfig(shifts=shifts)
