"""One small program: its leak is found in the source, seen at run time, joined at one line."""

import json
import subprocess
import sys

import pytest

LIBRARY = """\
class Record:
    def __init__(self, path, key):
        self.stream = open(path, "rb")
        if self.stream.read(len(key)) != key:
            raise LookupError(key)

    def close(self):
        self.stream.close()
"""

PROGRAM = """\
import resource, sys, time
import library

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
failures = []

def look_up(key):
    try:
        library.Record(__file__, key).close()
    except LookupError as error:
        failures.append(error)

end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    look_up(b"absent")
    look_up(b"import")
    time.sleep(0.004)
print(len(failures), "failures")
"""

LEAKING_LINE = 3


@pytest.fixture
def project(tmp_path):
    (tmp_path / "library.py").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "service.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def klg(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_source_alone_shows_the_leak_and_how_it_happens(project):
    done = klg("check", ".", "--output-format", "json", cwd=project)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    (finding,) = [one for one in report["findings"] if one["line"] == LEAKING_LINE]
    assert finding["tier"] == "E"
    assert finding["path"][0]["line"] == LEAKING_LINE
    assert finding["path"][-1]["line"] == 5


@pytest.mark.slow
def test_the_run_confirms_it_at_the_same_line(project):
    arguments = ["--report", "report.json", "--interval", "0.25", "--sample-bytes", "16384"]
    done = klg("run", *arguments, "service.py", "16", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "failures" in done.stdout
    report = json.loads((project / "report.json").read_text(encoding="utf-8"))
    assert report["process_verdict"] == "leak"
    explained = [site for site in report["sites"] if site["finding"]]
    assert explained, report["sites"][:3]
    assert explained[0]["verdict"] == "leak"
    confirmed = {(one["line"], one["detection_result"]) for one in report["findings"]}
    assert (LEAKING_LINE, "confirmed_leak") in confirmed
    assert f"library.py:{LEAKING_LINE}" in done.stderr
    assert report["findings"][0]["code"] in done.stderr
