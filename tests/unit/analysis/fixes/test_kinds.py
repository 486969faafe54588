"""Each kind of fix, end to end: the file before, and byte for byte the file after."""

import textwrap

import pytest

from kimera_leakguard_native.analysis.batch import Checker
from kimera_leakguard_native.analysis.fixes.rewriting import rewritten
from kimera_leakguard_native.analysis.options import Options
from kimera_leakguard_native.model.finding import TIERS


def fix(path, data, tiers=TIERS):
    path.write_bytes(data)
    options = Options(tiers=tiers, fixes=True)

    def findings_in(version):
        return Checker([str(path)], options).check_version(str(path), version).findings

    change = rewritten(str(path), data, findings_in)
    return change, findings_in(change.after)


CASES = {
    "with": (
        """
        def f(path):
            file = open(path)  # kept
            # about the header
            header = file.readline()
            file.close()
            return header
        """,
        """
        def f(path):
            with open(path) as file:  # kept
                # about the header
                header = file.readline()
            return header
        """,
    ),
    "with keeps the lines of strings": (
        '''
        def f(path):
            file = open(path)
            text = """a
          b
        """
            call(text,
          file.read())
            file.close()
        ''',
        '''
        def f(path):
            with open(path) as file:
                text = """a
          b
        """
                call(text,
          file.read())
        ''',
    ),
    "with covers what was made from it": (
        """
        import csv

        def f(path):
            file = open(path)
            rows = csv.reader(file)
            total = 0
            for row in rows:
                total += len(row)
            return total
        """,
        """
        import csv

        def f(path):
            with open(path) as file:
                rows = csv.reader(file)
                total = 0
                for row in rows:
                    total += len(row)
            return total
        """,
    ),
    "with inside a loop": (
        """
        def f(paths):
            for path in paths:
                file = open(path)
                if file.read(1) == "#":
                    continue
                file.close()
        """,
        """
        def f(paths):
            for path in paths:
                with open(path) as file:
                    if file.read(1) == "#":
                        continue
        """,
    ),
    "with after try": (
        """
        def f(path):
            try:
                file = open(path)
            except OSError:
                return None
            return file.read()
        """,
        """
        def f(path):
            try:
                file = open(path)
            except OSError:
                return None
            with file:
                return file.read()
        """,
    ),
    "with in the else clause": (
        """
        def f(path):
            try:
                file = open(path)
            except OSError:
                print("absent")
            else:
                print(file.read())
                file.close()
        """,
        """
        def f(path):
            try:
                file = open(path)
            except OSError:
                print("absent")
            else:
                with file:
                    print(file.read())
        """,
    ),
    "temporary in a return": (
        """
        def f(path):
            return open(path).read()
        """,
        """
        def f(path):
            with open(path) as file:
                return file.read()
        """,
    ),
    "temporary in a test": (
        """
        import json

        def f(path):
            if json.load(open(path)):
                return 1
            return 0
        """,
        """
        import json

        def f(path):
            with open(path) as file:
                loaded = json.load(file)
            if loaded:
                return 1
            return 0
        """,
    ),
    "temporary that is dropped": (
        """
        def f(path):
            open(path, "w")
        """,
        """
        def f(path):
            open(path, "w").close()
        """,
    ),
    "temporary beside another resource": (
        """
        def f(path):
            with load_archive(open(path, "rb")) as archive:
                return archive.read()
        """,
        """
        def f(path):
            with open(path, "rb") as file, load_archive(file) as archive:
                return archive.read()
        """,
    ),
    "descriptor": (
        """
        import os

        def f(path):
            number = os.open(path, os.O_RDONLY)
            if os.fstat(number).st_size == 0:
                return b""
            data = os.read(number, 10)
            os.close(number)
            return data
        """,
        """
        import os

        def f(path):
            number = os.open(path, os.O_RDONLY)
            try:
                if os.fstat(number).st_size == 0:
                    return b""
                data = os.read(number, 10)
            finally:
                os.close(number)
            return data
        """,
    ),
    "unused descriptor": (
        """
        import tempfile

        def f():
            _, path = tempfile.mkstemp()
            return path
        """,
        """
        import os
        import tempfile

        def f():
            descriptor, path = tempfile.mkstemp()
            os.close(descriptor)
            return path
        """,
    ),
    "unused descriptor by position": (
        """
        import os
        import tempfile

        def f():
            return tempfile.mkstemp(".x")[1]
        """,
        """
        import os
        import tempfile

        def f():
            descriptor, path = tempfile.mkstemp(".x")
            os.close(descriptor)
            return path
        """,
    ),
    "factory": (
        """
        import socket

        def f(address):
            sock = socket.socket()
            sock.connect(address)
            return sock
        """,
        """
        import socket

        def f(address):
            sock = socket.socket()
            try:
                sock.connect(address)
            except BaseException:
                sock.close()
                raise
            return sock
        """,
    ),
    "early exit of a factory": (
        """
        def f(path):
            file = open(path)
            if file.read(1) != "#":
                return None
            return file
        """,
        """
        def f(path):
            file = open(path)
            if file.read(1) != "#":
                file.close()
                return None
            return file
        """,
    ),
    "conditional acquisition": (
        """
        import sys

        def f(path):
            if path:
                file = open(path)
            else:
                file = sys.stdin
            return file.read()
        """,
        """
        import contextlib
        import sys

        def f(path):
            with contextlib.ExitStack() as stack:
                if path:
                    file = stack.enter_context(open(path))
                else:
                    file = sys.stdin
                return file.read()
        """,
    ),
    "used by a nested loop with break and else": (
        """
        def f(path):
            file = open(path)
            for line in file:
                if line:
                    break
            else:
                return 0
            return 1
        """,
        """
        def f(path):
            with open(path) as file:
                for line in file:
                    if line:
                        break
                else:
                    return 0
            return 1
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fixed_file_is_the_expected_one(tmp_path, name):
    before, after = (textwrap.dedent(text).lstrip("\n") for text in CASES[name])
    change, left = fix(tmp_path / "module.py", before.encode(), ("N", "E"))
    if change.after == before.encode():
        change, left = fix(tmp_path / "module.py", before.encode())
    assert change.after.decode() == after
    assert left == []


REFUSED = {
    "returned": """
        def f(path, flag):
            file = open(path)
            if flag:
                return file
            return file.read
        """,
    "evaluated only sometimes": """
        def f(path, flag):
            return flag and open(path).read()
        """,
    "in a loop's test": """
        def f(path):
            while open(path).read():
                print(path)
        """,
    "statements on one line": """
        def f(path):
            file = open(path); print(file.read())
        """,
    "captured by a function that stays": """
        def f(path):
            file = open(path)
            if file.read(1):
                return None
            def reader():
                return file.read()
            return reader
        """,
}


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_happens_the_resource_is_not_closed_too_early(tmp_path, name):
    """A fix that closes what is still in use is worse than the leak."""
    data = textwrap.dedent(REFUSED[name]).lstrip("\n").encode()
    change, _ = fix(tmp_path / "module.py", data)
    text = change.after.decode()
    assert "with open(path) as file" not in text
    for line in text.splitlines():
        assert not line.strip().startswith("while file")
