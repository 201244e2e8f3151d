"""`farnet check` on a small data set."""

import pytest


def test_a_data_set_is_looked_through(farnet, isbi, here):
    result = farnet("check", isbi, "--observer-limit", "0.5", "--report", "check.html")
    assert result.code == 0, result.err
    words = " ".join(result.out.split())
    assert "radiographs 3" in words and "observers disagree" in words and "Report: check.html" in result.out
    assert (here / "check.html").read_text().startswith("<!DOCTYPE html>")
    assert farnet("check", isbi, "--observer-limit", "0.5", "--strict").code == 1
    assert farnet("check", isbi, "--report", "check.html").code == 2  # it is there
    assert farnet("check", isbi, "--report", "check.txt").code == 2


def test_an_error_ends_with_1(farnet, isbi):
    (isbi / "RawImage" / "Test1Data" / "151.png").write_bytes(b"no picture")
    result = farnet("check", isbi, "--json")
    assert result.code == 1
    report = result.json()
    assert not report["ok"] and report["counts"]["unreadable radiograph"] == 1
    assert farnet("check", isbi, "--split", "nowhere").code == 2


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), MemoryError()], ids=repr)
def test_a_defect_in_one_file_is_told_and_the_others_are_looked_at(farnet, here, make, monkeypatch, error):
    from farnet.checking import pictures

    for seed, name in enumerate("abc"):
        make(here / "scans" / f"{name}.png", seed)
    plain, seen = pictures._reduced, []

    def spoilt(pixels, *size):
        seen.append(pixels)
        if len(seen) == 2:
            raise error
        return plain(pixels, *size)

    monkeypatch.setattr(pictures, "_reduced", spoilt)
    result = farnet("check", "scans", "--json")
    assert result.code == 1
    assert len(seen) == 3
    (told,) = (item for item in result.json()["findings"] if item["kind"] == "unreadable radiograph")
    assert ".png" in told["message"]
    assert "Traceback" not in result.err
