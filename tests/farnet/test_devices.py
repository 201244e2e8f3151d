import pytest
import torch

from farnet.devices import arithmetic, available_devices, computing_with, resolve_device
from farnet.errors import DeviceError


def test_every_kind_is_listed_with_a_reason_and_cpu_always_works():
    choices = {choice.name: choice for choice in available_devices()}
    assert {"cpu", "cuda", "mps"} <= choices.keys()
    assert choices["cpu"].usable
    assert all(choice.reason for choice in choices.values())


def test_auto_takes_something_usable():
    assert resolve_device("auto").usable


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without CUDA")
def test_cuda_asked_for_and_absent_says_why():
    with pytest.raises(DeviceError, match=r"'cuda' cannot be used: .*use 'cpu'"):
        resolve_device("cuda")


def test_unknown_device_lists_the_usable_ones():
    with pytest.raises(DeviceError, match=r"usable here: auto, .*cpu"):
        resolve_device("gpu")


def test_several_gpus_are_told_apart(monkeypatch):
    class Properties:
        total_memory = 8 * 2**30

        def __init__(self, name):
            self.name = name

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: Properties(f"card {i}"))
    assert [c.name for c in available_devices() if c.usable] == ["cuda", "cuda:1", "cpu"]
    assert resolve_device("cuda:0").name == "cuda"
    assert resolve_device("cuda:1").reason == "card 1, 8 GiB"


def test_arithmetic_is_recorded_and_done_again():
    facts = arithmetic("cpu")
    assert facts["threads"] == torch.get_num_threads()
    assert facts["precision"] == "float32"
    assert facts["hardware"]
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    for threads, wanted in ((3, 3), (0, before[0]), (10**9, before[0]), ("many", before[0]), (None, before[0])):
        with computing_with(threads=threads, precision="float32"):
            assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == (wanted, False)
    assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == before
