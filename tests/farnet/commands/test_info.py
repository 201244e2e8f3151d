"""`farnet info`: the published size of the network, and a model's card."""

import pytest


def test_the_network_of_the_paper(farnet):
    cost = farnet("info", "--network", "densenet121", "--json").json()["cost"]
    assert (cost["parameters"], cost["macs"]) == (61_219_731, 155_857_920_000)
    text = farnet("info", "--network", "densenet121").out
    assert "61,219,731" in text
    assert "155.858" in text


def test_a_network_that_the_paper_compares(farnet):
    words = ("info", "--network", "densenet121", "--aggregation", "fpn", "--refinement", "none", "--json")
    cost = farnet(*words).json()["cost"]
    assert cost["parameters"] == 7_878_227 and cost["parameters_by_part"]["refinement"] == 0


def test_the_network_of_the_authors_code(farnet):
    cost = farnet("info", "--network", "densenet121", "--image-kernel", "1", "--json").json()["cost"]
    assert (cost["parameters"], cost["macs"]) == (61_218_963, 155_464_704_000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give a model's name or file"),
        (["some-model", "--network", "vgg19"], "Give a model's name or file"),
        (["--network", "densnet121"], "Did you mean 'densenet121'?"),
        (["--network", "vgg19", "--width", "13"], "--width 13"),
        (["--network", "vgg19", "--image-kernel", "5"], "--image-kernel 5"),
        (["--network", "vgg19", "--aggregation", "mfsa"], "--aggregation mfsa"),
        (["--network", "vgg19", "--input", "big"], "--input is 'big'"),
        (["--network", "vgg19", "--input", "0x640"], "--input is '0x640'"),
        (["--network", "densenet121", "--input", "500x500"], "multiples of 32"),
        (["no-such-model"], "Unknown model 'no-such-model'"),
        (["no/such.safetensors"], "no model file at no/such.safetensors"),
    ],
)
def test_wrong_use(farnet, arguments, message):
    result = farnet("info", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


def test_a_models_card(farnet, tiny_model):
    report = farnet("info", tiny_model, "--json").json()
    assert report["metadata"]["name"] == "tiny"
    assert report["metadata"]["training"]["command"] == "farnet train"
    assert report["cost"]["input_shape"] == [64, 64]
    assert len(report["sha256"]) == 64
    text = farnet("info", "tiny").out
    for expected in ("A model for tests", "Research use, not for diagnosis.", "Sella", "efficientnet_lite0", "CC0"):
        assert expected in text
