"""`farnet models`: what can be used, and what is in the way."""


def test_a_model_of_ones_own_is_listed(farnet, tiny_model):
    result = farnet("models")
    assert result.code == 0
    assert "tiny" in result.out
    assert "yours" in result.out
    assert str(tiny_model.parent) in result.out


def test_json_has_the_cards(farnet, tiny_model):
    report = farnet("models", "--json").json()
    own = next(model for model in report["models"] if not model["bundled"])
    assert own["name"] == "tiny"
    assert own["path"] == str(tiny_model)
    assert own["bytes"] == tiny_model.stat().st_size
    assert own["metadata"]["network"]["landmarks"] == 19
    assert report["unreadable"] == {}


def test_a_file_that_is_no_model_is_named_and_does_no_harm(farnet, tiny_model):
    bad = tiny_model.with_name("bad.safetensors")
    bad.write_bytes(b"\x80\x04 a pickle, perhaps")
    result = farnet("models")
    assert result.code == 0
    assert "tiny" in result.out
    assert "bad.safetensors" in result.err
    assert str(bad) in farnet("models", "--json").json()["unreadable"]


def test_it_detects(farnet, tiny_model, radiograph):
    """A real model, untrained: everything runs, whatever it finds."""
    report = farnet("detect", radiograph, "--model", "tiny", "--device", "cpu", "--json").json()
    assert report["model"] == "tiny"
    assert len(report["radiographs"][0]["landmarks"]) == 19
