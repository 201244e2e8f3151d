"""Where the backbones are tapped, and where their weights come from."""

import sys
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from farnet.errors import InvalidInputError, MissingExtraError, UnknownNameError
from farnet.networks import NetworkConfig, backbone_names, build_backbone, build_network
from farnet.networks.backbones import load_backbone_weights
from farnet.networks.efficientnet_lite import EfficientNetLite0, load_ordered_weights


def on_meta(name):
    with torch.device("meta"):
        return build_backbone(name)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


class TestTaps:
    @pytest.mark.parametrize("name", backbone_names())
    def test_levels_halve_from_stride_two(self, name):
        backbone = on_meta(name).eval()
        level0, levels = backbone(torch.empty(2, 3, 128, 96, device="meta"))
        assert len(levels) == len(backbone.channels) == (4 if name.startswith("vgg") else 5)
        for i, (level, channels) in enumerate(zip(levels, backbone.channels, strict=True), start=1):
            assert level.shape == (2, channels, 128 >> i, 96 >> i)
        if name.startswith("vgg"):
            assert level0.shape == (2, backbone.level0_channels, 128, 96)
        else:
            assert level0 is None and backbone.level0_channels is None

    def test_papers_shapes(self):
        _, levels = on_meta("densenet121").eval()(torch.empty(1, 3, 800, 640, device="meta"))
        assert [tuple(level.shape[1:]) for level in levels] == [
            (64, 400, 320), (256, 200, 160), (512, 100, 80), (1024, 50, 40), (1024, 25, 20),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "count"),
        [
            ("densenet121", 6_953_856),
            ("densenet169", 12_484_480),
            ("resnet18", 11_176_512),
            ("vgg16", 14_714_688),
            ("vgg19", 20_024_384),
        ],
    )
    def test_parameters_of_the_convolutional_trunk(self, name, count):
        assert parameters(on_meta(name)) == count

    @pytest.mark.parametrize("name", ["densenet121", "resnet18"])
    def test_first_level_is_the_raw_convolution(self, name):
        backbone = build_backbone(name).eval()
        image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            first = backbone(image)[1][0]
            stem = backbone.trunk.stages[0]
            assert isinstance(stem, nn.Conv2d) and stem.kernel_size == (7, 7) and stem.bias is None
            # Nothing downstream that works in place may have touched it.
            assert torch.equal(first, stem(image)) and (first < 0).any()

    def test_densenets_last_level_is_normalised_and_not_rectified(self):
        backbone = build_backbone("densenet121").train()
        image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            last = backbone(image)[1][4]
        assert (last < 0).float().mean() > 0.3
        torch.testing.assert_close(last.mean((0, 2, 3)), torch.zeros(1024), atol=1e-4, rtol=0)
        assert float(last.std()) == pytest.approx(1.0, abs=0.05)

    def test_densenets_middle_levels_are_raw_concatenations(self):
        # What comes out of a block begins with what went in, before any closing normalisation.
        backbone = build_backbone("densenet121").eval()
        entering = {}
        backbone.trunk.stages[1][3].register_forward_hook(lambda module, inputs, out: entering.update(x=inputs[0]))
        with torch.no_grad():
            second = backbone(torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))[1][1]
        assert torch.equal(second[:, :64], entering["x"])

    @pytest.mark.parametrize("name", ["vgg16", "efficientnet_lite0"])
    def test_a_whole_network_grows_on_it(self, name):
        with torch.device("meta"):
            network = build_network(NetworkConfig(backbone=name, width=8, landmarks=2)).eval()
            fine, coarse = network(torch.zeros(1, 3, 64, 64))
        assert fine.shape == (1, 2, 64, 64) and coarse.shape == (1, 2, 32, 32)
        assert network.stride == (16 if name == "vgg16" else 32)


class TestEfficientNetLite0:
    def test_size(self):
        with torch.device("meta"):
            assert parameters(EfficientNetLite0()) == 2_958_848  # 4,652,008 less the classifier and its convolution

    def test_depthwise_computes_in_float32_under_autocast(self):
        trunk = EfficientNetLite0().eval()
        kinds = set()
        depthwise = [m for m in trunk.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
        assert len(depthwise) == 16
        for m in depthwise:
            m.register_forward_hook(lambda module, inputs, output: kinds.add(output.dtype))
        computed = []
        plain = nn.Conv2d.forward
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.Conv2d, "forward", lambda m, x: computed.append((m.groups > 1, x.dtype)) or plain(m, x))
            with torch.autocast("cpu", torch.bfloat16):
                trunk(torch.zeros(1, 3, 64, 64))
        assert {dtype for grouped, dtype in computed if grouped} == {torch.float32}
        assert kinds == {torch.bfloat16}  # what is kept for the gradient is as of any other convolution

    def test_weights_load_by_position(self):
        source, target = EfficientNetLite0(), EfficientNetLite0()
        given = {
            f"layer{i}": v
            for i, (k, v) in enumerate(source.state_dict().items())
            if not k.endswith("num_batches_tracked")
        }
        load_ordered_weights(target, {**given, "classifier.weight": torch.zeros(1000, 1280)})
        for name, tensor in target.state_dict().items():
            assert torch.equal(tensor, source.state_dict()[name])

    def test_missing_and_misshapen_weights_are_refused(self):
        given = list(EfficientNetLite0().state_dict().items())
        with pytest.raises(ValueError, match="hold"):
            load_ordered_weights(EfficientNetLite0(), dict(given[:20]))
        with pytest.raises(ValueError, match="wants"):
            load_ordered_weights(EfficientNetLite0(), dict(reversed(given)))


class TestWeightsFile:
    def test_by_name(self, tmp_path):
        source, target = build_backbone("resnet18"), build_backbone("resnet18")
        save_file(dict(source.trunk.state_dict()), tmp_path / "weights.safetensors")
        load_backbone_weights(target, tmp_path / "weights.safetensors")
        for mine, theirs in zip(target.state_dict().values(), source.state_dict().values(), strict=True):
            assert torch.equal(mine, theirs)

    def test_by_position_where_names_are_numbers(self, tmp_path):
        source, target = build_backbone("efficientnet_lite0"), build_backbone("efficientnet_lite0")
        numbered = {f"{i:04d}": v for i, v in enumerate(source.trunk.state_dict().values()) if v.ndim}
        save_file(numbered, tmp_path / "weights.safetensors")
        load_backbone_weights(target, tmp_path / "weights.safetensors")
        for mine, theirs in zip(target.parameters(), source.parameters(), strict=True):
            assert torch.equal(mine, theirs)

    def test_of_another_network(self, tmp_path):
        save_file({"weight": torch.zeros(3)}, tmp_path / "weights.safetensors")
        with pytest.raises(InvalidInputError, match="do not fit"):
            load_backbone_weights(build_backbone("resnet18"), tmp_path / "weights.safetensors")

    @pytest.mark.parametrize("content", [None, b"", b"not weights at all", b"\x80\x04\x95pickle"])
    def test_no_weights_file(self, tmp_path, content):
        path = tmp_path / "weights.safetensors"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InvalidInputError, match=r"weights\.safetensors"):
            load_backbone_weights(build_backbone("resnet18"), path)


class TestDownload:
    def test_failing_says_what_else_there_is(self, monkeypatch):
        def unreachable(*args, **kwargs):
            raise URLError("no route to host")

        monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
        with pytest.raises(InvalidInputError, match=r"resnet18.*no route to host.*'none'"):
            build_backbone("resnet18", pretrained=True)

    def test_nothing_is_downloaded_unless_asked(self, monkeypatch):
        monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", None)
        build_backbone("resnet18")

    def test_efficientnet_says_where_its_weights_are(self):
        with pytest.raises(InvalidInputError, match="convert_backbone_weights"):
            build_backbone("efficientnet_lite0", pretrained=True)


class TestNames:
    def test_unknown(self):
        with pytest.raises(UnknownNameError, match="resnet18"):
            build_backbone("resnet-18")

    def test_timm_without_the_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "timm", None)
        with pytest.raises(MissingExtraError, match=r"napari-farnet\[timm\]"):
            build_backbone("timm:resnet18")


class TestTimm:
    @pytest.fixture(autouse=True)
    def _extra(self):
        pytest.importorskip("timm")

    @pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0"])
    def test_levels(self, name):
        backbone = on_meta(f"timm:{name}").eval()
        _, levels = backbone(torch.empty(1, 3, 64, 96, device="meta"))
        for i, (level, channels) in enumerate(zip(levels, backbone.channels, strict=True), start=1):
            assert level.shape == (1, channels, 64 >> i, 96 >> i)

    def test_same_efficientnet(self):
        # The tensors of the reference implementation, in their order, are those of ours.
        theirs, ours = build_backbone("timm:tf_efficientnet_lite0"), build_backbone("efficientnet_lite0")
        load_ordered_weights(ours.trunk, theirs.trunk.state_dict())
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(mine, other)

    def test_unknown(self):
        with pytest.raises(UnknownNameError, match="timm backbone"):
            build_backbone("timm:resnet18x")

    def test_without_stride_two(self):
        with pytest.raises(InvalidInputError, match="strides"):
            build_backbone("timm:convnext_atto")
