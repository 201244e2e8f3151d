"""`farnet reproduce`: a table beside the paper's, as text, JSON and files."""

from pathlib import Path

import pytest


@pytest.fixture
def pretend(monkeypatch):
    """No training takes place: the table as it stands before."""
    from farnet.reproduction import runner
    from farnet.reproduction.figures import Figure
    from farnet.reproduction.tables import paper_table

    calls = []

    def made(request, note):
        calls.append(request)
        print("what the training says")
        note("Training runs/l1")
        table = paper_table(request.table)
        figures = {"mre": Figure(1.2, 1.1, 1.3, (1.1, 1.3)), "sdr_2": Figure(80.0, 70.0, 90.0, (80.0, 80.0))}
        rows = tuple(
            runner.RowResult(row, figures if row.name == "l1" else {}, 2, 4, "farnet reproduce", ())
            for row in table.rows
        )
        yield runner.Reproduction(table, rows, "farnet reproduce table6", request.quick)

    monkeypatch.setattr(runner, "reproduce", made)
    return calls


def test_options_reach_the_request(farnet, pretend, here):
    result = farnet(
        *("reproduce", "table6", "--data", "a", "--data", "b", "-o", "out", "--row", "l1", "--row", "mse"),
        *("--seeds", 3, "--epochs", 40, "--set", "weights=none", "--quick", "--accelerator", "cpu", "--bootstrap", 10),
    )
    assert result.code == 0
    request = pretend[0]
    assert request.words() == [
        *("farnet", "reproduce", "table6", "--row", "l1", "--row", "mse", "--data", "a", "--data", "b"),
        *("--seeds", "3", "--epochs", "40", "--set", "weights=none", "--quick", "--bootstrap", "10", "-o", "out"),
    ]
    assert (request.accelerator, request.bootstrap) == ("cpu", 10)
    assert "1.20 [1.10, 1.30]" in result.out and "1.16" in result.out and "the figures mean nothing" in result.out
    assert "what the training says" in result.err and "what the training says" not in result.out
    assert (here / "out" / "table6.md").is_file() and (here / "out" / "table6.csv").is_file()


def test_json(farnet, pretend, here):
    report = farnet("reproduce", "table6", "--data", "a", "-o", "out", "--json").json()
    assert report["rows"][0]["figures"]["mre"]["value"] == 1.2 and report["rows"][0]["published"]["mre"] == 1.16
    assert report["rows"][0]["figures"]["mre"]["seeds"] == [1.1, 1.3]
    assert [Path(path).name for path in report["files"]] == ["table6.md", "table6.csv"]


def test_a_table_that_there_is_not(farnet, here):
    (here / "a").mkdir()
    result = farnet("reproduce", "table7", "--data", "a", "-o", "out")
    assert result.code == 2 and "Unknown table 'table7'" in result.err and not (here / "out").exists()


def test_an_interruption_tells_how_to_go_on(farnet, here, monkeypatch):
    from farnet.reproduction import runner

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "reproduce", interrupted)
    result = farnet("reproduce", "table6", "--data", "a", "-o", "out")
    assert result.code == 130 and "goes on from here" in result.err
