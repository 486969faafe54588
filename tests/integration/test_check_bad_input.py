"""Input that nobody should write: `klg check` says what is wrong with it and does the rest.

Every run is a real process, and beside the bad file lies a good one whose leak must still be found.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from twins.checking import BOUND_SECONDS, CHECK, errors_in, lines_in, report_of, run

LEAK = "def text_of(path):\n    return open(path).read()\n"


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "good.py").write_text(LEAK, encoding="utf-8")
    return tmp_path


UNREADABLE_TEXTS = {
    "does-not-parse": b"def f(:\n    pass\n",
    "unfinished": b"def f(\n",
    "indented-wrongly": b"def f():\n\tx = 1\n        y = 2\n",
    "null-byte": b"x = 1\x00\ny = open('p')\n",
    "null-byte-in-a-string": b"x = 'a\x00b'\n",
    "not-utf-8": b"x = '\xff\xfe'\n",
    "truncated-utf-8": b"x = '\xe2\x82'\n",
    "unknown-encoding": b"# -*- coding: no-such-code -*-\nx = 1\n",
    "encoding-that-is-no-text": b"# -*- coding: hex -*-\n00\n",
    "mark-against-cookie": b"\xef\xbb\xbf# -*- coding: latin-1 -*-\nx = 1\n",
    "utf-16": "x = 1\n".encode("utf-16"),
    "two-hundred-parentheses": b"x = " + b"(" * 3000 + b")" * 3000 + b"\n",
    "hundred-blocks": b"".join(b" " * i + b"if x:\n" for i in range(3000)) + b" " * 3000 + b"y\n",
    "too-long-a-number": b"x = " + b"9" * 5000 + b"\n",
    "python-2": b"print 'hello'\n",
    "conflict-marks": b"<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n",
    "executable": b"\x7fELF\x02\x01\x01\x00\x00\x00\xff\xfe",
}
ODD_TEXTS = {
    "byte-order-mark": b"\xef\xbb\xbf" + LEAK.encode(),
    "latin-1": b"# -*- coding: latin-1 -*-  \xe9\n" + LEAK.encode(),
    "carriage-returns": LEAK.replace("\n", "\r\n").encode(),
    "old-carriage-returns": LEAK.replace("\n", "\r").encode(),
    "no-newline-at-the-end": LEAK.rstrip().encode(),
    "form-feed": b"\x0c\n" + LEAK.encode(),
    "separators-that-end-no-line": "x = 'a\u2028b\x85c\x1cd'\n".encode() + LEAK.encode(),
    "lone-surrogate": b"x = '\\ud800'\n" + LEAK.encode(),
    "wide-characters": ("x = '" + "\U0001f4a7" * 50 + "'; y = '\u0301'\n").encode() + LEAK.encode(),
}
each_unreadable = pytest.mark.parametrize("name", UNREADABLE_TEXTS)
each_odd = pytest.mark.parametrize("name", ODD_TEXTS)


def written(folder, texts):
    for name, text in texts.items():
        (folder / f"{name}.py").write_bytes(text)
    return folder


@pytest.fixture(scope="module")
def unreadable(tmp_path_factory):
    folder = written(tmp_path_factory.mktemp("unreadable"), UNREADABLE_TEXTS)
    (folder / "good.py").write_text(LEAK, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def unreadable_report(unreadable):
    return report_of(unreadable, code=1)


@pytest.fixture(scope="module")
def unreadable_text(unreadable):
    return run(unreadable)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return written(tmp_path_factory.mktemp("odd"), ODD_TEXTS)


@pytest.fixture(scope="module")
def odd_report(odd):
    return report_of(odd, code=1)


@pytest.fixture(scope="module")
def odd_text(odd):
    return run(odd)


@each_unreadable
def test_text_that_is_no_python_is_one_entry(name, unreadable, unreadable_report):
    (message,) = errors_in(unreadable_report, unreadable / f"{name}.py")
    assert message.strip()
    assert lines_in(unreadable_report, unreadable / f"{name}.py") == []


@each_unreadable
def test_the_entry_is_shown_as_text_too(name, unreadable, unreadable_text):
    shown = unreadable_text.stdout + unreadable_text.stderr
    assert os.fsencode(unreadable / f"{name}.py") in shown


def test_unreadable_files_leave_the_rest_of_the_run_alone(
    unreadable, unreadable_report, unreadable_text
):
    assert lines_in(unreadable_report, unreadable / "good.py") == [2]
    assert unreadable_text.returncode == 1


def test_nothing_but_unreadable_files_is_an_error(tmp_path):
    report = report_of(written(tmp_path, UNREADABLE_TEXTS), code=2)
    assert report["findings"] == []
    assert len(report["errors"]) == len(UNREADABLE_TEXTS)


@each_odd
def test_odd_text_is_read_as_the_interpreter_reads_it(name, odd, odd_report):
    text = ODD_TEXTS[name]
    wanted = 2 if text.lstrip(b"\xef\xbb\xbf").startswith(b"def") else 3
    assert lines_in(odd_report, odd / f"{name}.py") == [wanted]
    assert errors_in(odd_report, odd / f"{name}.py") == []


@each_odd
def test_the_snippet_is_the_line_of_the_finding(name, odd, odd_text):
    path = os.fsencode(odd / f"{name}.py")
    (block,) = (part for part in odd_text.stdout.split(b"\n\n") if part.startswith(path))
    assert b"return open(path).read()" in block


def assert_an_entry(tree, bad):
    """One entry for the bad file, the good one's finding, and exit code 2 for the bad one alone."""
    report = report_of(tree, code=1)
    assert lines_in(report, tree / "good.py") == [2]
    assert [error["file"] for error in report["errors"]] == [str(bad)]
    assert errors_in(report, bad)[0].strip()
    alone = report_of(bad, code=2)
    assert errors_in(alone, bad)


def test_an_empty_file_is_clean(tmp_path):
    (tmp_path / "empty.py").write_bytes(b"")
    report = report_of(tmp_path, code=0)
    assert report["errors"] == []
    assert report["statistics"]["files"] == 1


def test_modules_that_import_each_other(tree):
    (tree / "a.py").write_text(
        "from b import B\nimport a\n\n\nclass A(B):\n    pass\n\n\n" + LEAK, encoding="utf-8"
    )
    (tree / "b.py").write_text(
        "from a import A\n\n\nclass B(A):\n    pass\n\n\n" + LEAK, encoding="utf-8"
    )
    report = report_of(tree, code=1)
    assert report["errors"] == []
    assert lines_in(report, tree / "a.py") == [10]
    assert lines_in(report, tree / "b.py") == [9]


def test_functions_and_classes_that_go_in_circles(tree):
    (tree / "circle.py").write_text(
        "class A(A):\n    pass\n\n\nclass B(C):\n    pass\n\n\nclass C(B):\n    pass\n\n\n"
        "def f(x):\n    return g(x)\n\n\ndef g(x):\n    return f(x)\n\n\nh = h\n\n\n" + LEAK,
        encoding="utf-8",
    )
    report = report_of(tree, code=1)
    assert report["errors"] == []
    assert lines_in(report, tree / "circle.py") == [25]


def test_links_that_go_in_circles_are_followed_once(tree):
    (tree / "inner").mkdir()
    (tree / "inner" / "up").symlink_to(tree, target_is_directory=True)
    (tree / "inner" / "self.py").symlink_to(tree / "inner" / "self.py")
    report = report_of(tree, code=1)
    assert len(report["findings"]) == 1
    assert [error["file"] for error in report["errors"]] == [str(tree / "inner" / "self.py")]


def test_a_link_to_nowhere_is_one_entry(tree):
    gone = tree / "gone.py"
    gone.symlink_to(tree / "never.py")
    assert_an_entry(tree, gone)


def test_a_path_that_does_not_exist_is_one_entry(tree):
    gone = tree / "gone"
    report = report_of(tree / "good.py", gone, code=1)
    assert lines_in(report, tree / "good.py") == [2]
    assert errors_in(report, gone)
    assert errors_in(report_of(gone, code=2), gone)


def test_a_folder_with_the_name_of_a_module_is_a_folder(tree):
    (tree / "x.py").mkdir()
    (tree / "x.py" / "inner.py").write_text(LEAK, encoding="utf-8")
    report = report_of(tree, code=1)
    assert report["errors"] == []
    assert lines_in(report, tree / "x.py" / "inner.py") == [2]
    assert len(report["findings"]) == 2


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket is short
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


def make_endless(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [make_pipe, make_socket, make_endless])
def test_what_is_no_regular_file_is_not_read(tree, make):
    odd = tree / "odd.py"
    make(odd)
    assert_an_entry(tree, odd)


def permissions_prefix():
    """Take root's right to read everything away; others do not have it."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and setpriv is not there to take that right away")
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root reads everything, and setpriv may not take that right away")
    return prefix


@pytest.mark.parametrize("mode", [0o000, 0o111])
def test_a_folder_without_rights_is_one_entry(tree, mode):
    prefix = permissions_prefix()
    closed = tree / "closed"
    closed.mkdir()
    (closed / "hidden.py").write_text(LEAK, encoding="utf-8")
    closed.chmod(mode)
    try:
        report = report_of(tree, prefix=prefix, code=1)
        alone = report_of(closed, prefix=prefix, code=2)
    finally:
        closed.chmod(0o755)
    assert lines_in(report, tree / "good.py") == [2]
    assert [error["file"] for error in report["errors"]] == [str(closed)]
    assert errors_in(alone, closed)


def test_a_file_without_rights_is_one_entry(tree):
    prefix = permissions_prefix()
    closed = tree / "closed.py"
    closed.write_text(LEAK, encoding="utf-8")
    closed.chmod(0o000)
    report = report_of(tree, prefix=prefix, code=1)
    assert lines_in(report, tree / "good.py") == [2]
    assert [error["file"] for error in report["errors"]] == [str(closed)]


def test_files_that_vanish_while_it_runs(tree):
    doomed = [tree / f"doomed{n}.py" for n in range(400)]
    for path in doomed:
        path.write_text(LEAK * 50, encoding="utf-8")
    process = subprocess.Popen(
        [*CHECK, str(tree), "--output-format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    remover = threading.Thread(target=lambda: [path.unlink() for path in reversed(doomed)])
    time.sleep(0.3)
    remover.start()
    out, err = process.communicate(timeout=BOUND_SECONDS)
    remover.join()
    assert b"Traceback" not in err
    assert process.returncode == 1
    report = json.loads(out)
    named = {entry["file"] for entry in report["findings"] + report["errors"]}
    assert str(tree / "good.py") in named
    for path in doomed:
        assert len(lines_in(report, path)) in (0, 50)


@pytest.mark.parametrize(
    "name", [b"latin\xe9.py", b"two\nlines.py", b"\xf0\x9f\x92\xa7.py", b"a b.py"]
)
@pytest.mark.parametrize("language", ["C", "C.UTF-8"])
def test_odd_names_of_files(tmp_path, name, language):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_text(LEAK, encoding="utf-8")
    environment = {**os.environ, "LC_ALL": language, "PYTHONIOENCODING": ""}
    for options in ((), ("--output-format", "json")):
        finished = run(tmp_path, *options, env=environment)
        assert finished.returncode == 1
        assert b"Traceback" not in finished.stderr
        if options:
            assert [finding["line"] for finding in json.loads(finished.stdout)["findings"]] == [2]


def test_a_reader_that_goes_away(tmp_path):
    (tmp_path / "many.py").write_text(LEAK * 2000, encoding="utf-8")
    process = subprocess.Popen(
        [*CHECK, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(BOUND_SECONDS)
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err


def test_control_c_ends_it_at_once(tmp_path):
    for number in range(50):
        (tmp_path / f"m{number}.py").write_text(LEAK * 2000, encoding="utf-8")
    process = subprocess.Popen(
        [*CHECK, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert b"Traceback" not in err
    assert process.returncode in (130, -signal.SIGINT)


def test_a_file_that_is_written_to_all_the_time(tree):
    busy = tree / "busy.py"
    busy.write_text(LEAK, encoding="utf-8")
    stop = threading.Event()

    def write():
        with busy.open("a", encoding="utf-8") as file:
            while not stop.is_set():
                file.write("# and so on\n")
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        report = report_of(tree, code=1)
    finally:
        stop.set()
        writer.join()
    assert lines_in(report, tree / "good.py") == [2]
    assert lines_in(report, busy) == [2] or errors_in(report, busy)
