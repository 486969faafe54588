import pytest

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import RunReport, SiteVerdict
from kimera_leakguard_native.reporters import run_capture, run_json, run_reading
from kimera_leakguard_native.reporters.run_capture import CaptureWriter


def report(seconds, sites=1):
    # Names that compress badly, so that a record has a size.
    named = [f"{hash((seconds, n)):x}.py" for n in range(sites)]
    return RunReport(
        float(seconds),
        2,
        3.0,
        4.0,
        {"estimated_fraction": 0.0},
        {"rss_start": 1, "rss_end": 2},
        [SiteVerdict(n, 3, "f", 10, 1.5, "leak", 0.9, (Frame(n, 3, "f"),), "why") for n in named],
        "leak",
    )


def test_the_last_record_is_what_a_capture_says(tmp_path):
    path = tmp_path / "run.klg"
    writer = CaptureWriter(path)
    for seconds in range(1, 5):
        writer.append(report(seconds))
        assert run_reading.read(path) == report(seconds)


def test_a_capture_is_continued_and_other_files_are_left_alone(tmp_path):
    path = tmp_path / "run.klg"
    CaptureWriter(path).append(report(1))
    before = path.read_bytes()
    writer = CaptureWriter(path)
    assert path.read_bytes() == before
    writer.append(report(2))
    assert path.read_bytes().startswith(before)
    other = tmp_path / "notes.txt"
    other.write_text("keep me")
    with pytest.raises(ConfigError, match=r"notes\.txt exists and is no capture"):
        CaptureWriter(other)
    assert other.read_text() == "keep me"


@pytest.mark.parametrize("place", ["/nowhere/run.klg", "/dev/null", "."])
def test_a_place_that_cannot_hold_a_capture_is_refused(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="cannot capture into"):
        CaptureWriter(tmp_path / place)


def test_the_size_is_bounded_and_the_newest_record_stays(tmp_path):
    path = tmp_path / "run.klg"
    writer = CaptureWriter(path, limit=4000)
    sizes = set()
    for seconds in range(1, 60):
        writer.append(report(seconds))
        sizes.add(path.stat().st_size)
        assert run_reading.read(path).duration_s == seconds
    assert max(sizes) <= 4000
    assert len(sizes) > 5
    assert [one.name for one in tmp_path.iterdir()] == ["run.klg"]


def test_a_report_that_is_too_large_loses_its_last_sites(tmp_path):
    path = tmp_path / "run.klg"
    CaptureWriter(path, limit=4000).append(report(1, sites=1000))
    found = run_reading.read(path)
    assert 10 < len(found.sites) < 1000
    assert found.sites == report(1, sites=1000).sites[: len(found.sites)]
    with pytest.raises(OSError, match="exceeds the limit"):
        CaptureWriter(path, limit=40).append(report(1))


def test_a_capture_without_a_whole_record_says_so(tmp_path):
    path = tmp_path / "run.klg"
    CaptureWriter(path).append(report(1))
    whole = path.read_bytes()
    for data in (whole[:5], whole[:-1], run_capture.MARKER + bytes(100)):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="no record of this capture is whole"):
            run_reading.read(path)
        CaptureWriter(path).append(report(2))  # what was torn does not stand in its way
        assert run_reading.read(path) == report(2)


def test_a_record_of_something_else_is_no_report(tmp_path):
    path = tmp_path / "run.klg"
    path.write_bytes(run_capture.framed(b"not compressed"))
    with pytest.raises(ConfigError, match="cannot be unpacked"):
        run_reading.read(path)


def test_reports_are_read_as_before(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(run_json.render(report(1)))
    assert run_reading.read(path) == report(1)
    path.write_text("{")
    with pytest.raises(ConfigError, match="no report and no capture"):
        run_reading.read(path)
