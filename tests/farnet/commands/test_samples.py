"""`farnet samples`: what it writes is what the other commands read."""

import json


def test_the_files_are_those_that_are_listed(farnet, here):
    result = farnet("samples", "ceph", "--count", "2", "--json")
    assert result.code == 0
    report = result.json()
    assert report["folder"] == "ceph"
    written = {path.relative_to(here).as_posix() for path in (here / "ceph").rglob("*.*")}
    assert set(report["files"]) == written
    assert len(written) == 2 + 1 + 2


def test_the_commands_of_the_help_work_on_them(farnet, here, detector):
    assert farnet("samples", "ceph", "--count", "2").code == 0
    assert farnet("detect", "ceph/radiographs", "--spacing", "0.2", "-o", "found.csv").code == 0
    report = farnet(
        "evaluate", "--predictions", "found.csv", "--reference", "ceph/radiographs/truth.csv", "--json"
    ).json()
    assert "mm" in json.dumps(report)
    observers = [f"ceph/observers/observer-{number}.csv" for number in (1, 2)]
    result = farnet("evaluate", "--predictions", observers[0], "--reference", observers[1])
    assert result.code == 0
    assert "MRE (mm)" in result.out


def test_results_are_not_overwritten(farnet, here):
    assert farnet("samples", "ceph", "--count", "1", "--observers", "0").code == 0
    again = farnet("samples", "ceph", "--count", "1", "--observers", "0")
    assert again.code == 2
    assert "is there already" in again.err
    assert farnet("samples", "ceph", "--count", "1", "--observers", "0", "--force").code == 0


def test_the_seed_counts(farnet, here):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert farnet("samples", name, "--count", "1", "--seed", seed).code == 0
    a, b, c = ((here / name / "radiographs" / "synthetic-01.png").read_bytes() for name in "abc")
    assert a == b != c


def test_wrong_use_is_told(farnet, here):
    assert farnet("samples").code == 2
    assert farnet("samples", "ceph", "--count", "0").code == 2
    assert not (here / "ceph").exists()
