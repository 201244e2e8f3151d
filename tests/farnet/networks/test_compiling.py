"""Compiled networks: the same heatmaps, few sizes, and a failure that says what to do."""

import copy
import shutil

import pytest
import torch

import farnet.networks.compiling as compiling
from farnet.errors import DeviceError
from farnet.networks import NetworkConfig, build_network
from farnet.networks.compiling import CompiledNetwork, compile_training, compiling_errors
from farnet.networks.inference import optimise


@pytest.fixture(autouse=True)
def forget():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def sizes(monkeypatch):
    """Sizes of the batches that are compiled, by a compiler that changes nothing."""
    found = []

    def take(graph, inputs):
        found.extend(len(item) for item in inputs if item.shape[1:] == (3, 64, 64))
        return graph.forward

    monkeypatch.setattr(compiling, "_BACKEND", take)
    return found


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network(NetworkConfig(backbone="efficientnet_lite0", width=8, landmarks=3)).eval()


def test_the_heatmaps_are_those_of_the_network_and_batches_are_filled_up(network, sizes):
    plain = optimise(network)
    compiled = CompiledNetwork(plain, "cpu")
    with torch.inference_mode():
        images = torch.rand(4, 3, 64, 64)
        for count in (3, 4):
            found, wanted = compiled(images[:count]), plain(images[:count])
            assert found.fine.shape == (count, 3, 64, 64) and found.coarse.shape == (count, 3, 32, 32)
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert sizes == [4]  # 3 and 4 pictures alike


def test_results_are_not_written_over(network, sizes):
    maps = compiling.Heatmaps(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 32, 32))

    class Replayed(torch.nn.Module):  # as a CUDA graph: always the same memory
        def forward(self, image):
            return compiling.Heatmaps(*(each.copy_(image[..., : each.shape[-2], : each.shape[-1]]) for each in maps))

    compiled = CompiledNetwork(Replayed(), "cpu")
    with torch.inference_mode():
        first = compiled(torch.zeros(1, 3, 64, 64))
        compiled(torch.ones(1, 3, 64, 64))
    assert not first.fine.any() and not first.coarse.any()


def test_what_cannot_be_compiled_says_what_to_do(network, monkeypatch):
    def broken(graph, inputs):
        raise RuntimeError("no compiler is found")

    monkeypatch.setattr(compiling, "_BACKEND", broken)
    with torch.inference_mode(), pytest.raises(DeviceError, match=r"no compiler is found.*Leave --compile out"):
        CompiledNetwork(torch.nn.ReLU(), "cpu")(torch.zeros(1, 3, 64, 64))
    trained = torch.nn.Conv2d(3, 3, 3)
    compile_training(trained)
    with pytest.raises(DeviceError, match="Leave --compile out"), compiling_errors():
        trained(torch.zeros(2, 3, 64, 64))
    assert copy.deepcopy(trained)(torch.zeros(2, 3, 64, 64)).shape == (2, 3, 62, 62)


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), compiling_errors():
        1 / 0  # noqa: B018


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_the_real_compiler():
    head = torch.nn.Conv2d(3, 3, 3, padding=1).eval()

    class Small(torch.nn.Module):
        def forward(self, image):
            maps = head(image).relu()
            return compiling.Heatmaps(maps, torch.nn.functional.avg_pool2d(maps, 2))

    images = torch.rand(3, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(CompiledNetwork(Small(), "cpu")(images), Small()(images))
