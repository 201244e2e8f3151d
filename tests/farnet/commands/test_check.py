"""`farnet check` on a small data set."""


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
