"""`farnet crossvalidate`: options reach the folds, and what is there is shown."""

import pytest

from farnet.crossvalidation import CrossValidation


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for; nothing is trained."""
    import farnet.crossvalidation

    calls = []

    def pretend(request, note, *, train):
        calls.append((request, train))
        yield CrossValidation((), ("fold-0", "fold-1"), None)

    monkeypatch.setattr(farnet.crossvalidation, "crossvalidate", pretend)
    return calls


def test_options_reach_the_folds(farnet, isbi, asked):
    result = farnet(
        *("crossvalidate", "--data", isbi, "--split", "test1", "--folds", "2", "--seed", "3", "--only", "0, 1"),
        *("--preset", "light", "--set", "epochs=2", "-o", "cv", "--status"),
    )
    assert result.code == 0, result.err
    ((request, train),) = asked
    assert not train
    assert (request.data.layout, request.data.split, request.folds, request.seed) == ("isbi2015", "test1", 2, 3)
    assert (request.only, request.preset, request.changes, str(request.output)) == (
        (0, 1),
        "light",
        ("epochs=2",),
        "cv",
    )
    assert "Not there yet: fold-0, fold-1" in result.out
    report = farnet("crossvalidate", "--data", isbi, "--folds", "official", "-o", "cv", "--json").json()
    assert report["missing"] == ["fold-0", "fold-1"] and asked[1][0].folds == "official"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "many"], "--folds is 'many'"),
        (["--only", "x"], "--only is 'x'"),
        (["--dataset", "isbi"], "isbi2015"),
        (["--set", "fold=1"], "cannot be set here"),
    ],
)
def test_wrong_use_is_told(farnet, isbi, asked, words, message):
    result = farnet("crossvalidate", "--data", isbi, "-o", "cv", *words)
    assert result.code == 2 and message in result.err and not asked
