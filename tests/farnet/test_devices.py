import pytest
import torch

from farnet.devices import arithmetic, available_devices, computing_with, resolve_device, resolve_precision
from farnet.errors import DeviceError, UnknownNameError


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


class TestPrecision:
    def test_auto_is_float32_everywhere(self):
        assert [resolve_precision("auto", device) for device in ("cpu", "cuda", "mps")] == ["float32"] * 3

    def test_bf16_where_the_hardware_has_it(self, monkeypatch):
        import torch

        import farnet.devices

        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation)
        monkeypatch.setattr(farnet.devices, "_cpu_has_bf16", lambda: True)
        assert resolve_precision("bf16", "cuda:1") == resolve_precision("bf16", "cpu") == "bf16"

    @pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
    def test_bf16_without_is_refused(self, monkeypatch, device):
        import torch

        import farnet.devices

        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
        monkeypatch.setattr(farnet.devices, "_cpu_has_bf16", lambda: False)
        with pytest.raises(DeviceError, match="float32"):
            resolve_precision("bf16", device)

    def test_unknown_is_refused(self):
        with pytest.raises(UnknownNameError, match="bf16"):
            resolve_precision("fp16", "cpu")
