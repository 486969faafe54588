"""Fixes of tasks, tensors and what instances hold, with what must not be touched."""

import textwrap

import pytest

from kimera_leakguard_native.analysis.batch import Checker
from kimera_leakguard_native.analysis.fixes.rewriting import rewritten
from kimera_leakguard_native.analysis.options import Options
from kimera_leakguard_native.model.finding import TIERS


def fixed(tmp_path, source):
    path = str(tmp_path / "module.py")
    options = Options(tiers=TIERS, fixes=True)

    def findings_in(version):
        return Checker([path], options).check_version(path, version).findings

    data = textwrap.dedent(source).lstrip("\n").encode()
    (tmp_path / "module.py").write_bytes(data)
    return rewritten(path, data, findings_in).after.decode()


CASES = {
    "task": (
        """
        import asyncio


        async def f(work):
            asyncio.create_task(work())
        """,
        """
        import asyncio

        _background_tasks = set()


        async def f(work):
            task = asyncio.create_task(work())
            _background_tasks.add(task)
            task.add_done_callback(_background_tasks.discard)
        """,
    ),
    "tensor": (
        """
        import torch


        def train(model, data, criterion):
            total = 0
            for x, y in data:
                loss = criterion(model(x), y)
                loss.backward()
                total += loss
            return total
        """,
        """
        import torch


        def train(model, data, criterion):
            total = 0
            for x, y in data:
                loss = criterion(model(x), y)
                loss.backward()
                total += loss.detach()
            return total
        """,
    ),
    "forgotten by close": (
        """
        class Pair:
            def __init__(self, one, other):
                self.log = open(one)
                self.data = None
                self.data = open(other)

            def close(self):
                self.log.close()
        """,
        "self.data.close()",
    ),
    "overwritten": (
        """
        import socket


        class Client:
            def __init__(self):
                self.sock = socket.socket()

            def again(self):
                self.sock = socket.socket()

            def close(self):
                self.sock.close()
        """,
        """
        import socket


        class Client:
            def __init__(self):
                self.sock = socket.socket()

            def again(self):
                self.sock.close()
                self.sock = socket.socket()

            def close(self):
                self.sock.close()
        """,
    ),
}


@pytest.mark.parametrize("name", ["task", "tensor", "overwritten"])
def test_fixed_file_is_the_expected_one(tmp_path, name):
    before, after = CASES[name]
    assert fixed(tmp_path, before) == textwrap.dedent(after).lstrip("\n")


def test_close_method_releases_what_it_forgot_and_asks_where_it_may_be_none(tmp_path):
    text = fixed(tmp_path, CASES["forgotten by close"][0])
    method = text[text.index("def close") :]
    assert "if self.data is not None:" in method
    assert "self.data.close()" in method
    assert "self.log.close()" in method


CACHED = """
    import functools


    class Base:
        @functools.lru_cache(maxsize=None)
        def total(self) -> int:
            self.calls = getattr(self, "calls", 0) + 1
            return 1


    class Derived(Base):
        @functools.lru_cache
        def total(self):
            return super().total() + 1
    """


def test_cached_method_still_computes_once_and_through_super(tmp_path):
    text = fixed(tmp_path, CACHED)
    assert "lru_cache" not in text
    namespace = {}
    exec(text, namespace)  # our own example
    made = namespace["Derived"]()
    assert (made.total(), made.total(), made.calls) == (2, 2, 1)
    assert namespace["Base"]().total() == 1


REFUSED = {
    "cache whose statistics somebody reads": """
        import functools

        class Base:
            @functools.cache
            def total(self):
                return 1

        def forget():
            Base.total.cache_clear()
        """,
    "descriptor that fdopen owns on some paths": """
        import os

        def f(path, chunks):
            number = os.open(path, os.O_WRONLY)
            file = None
            try:
                prepare(number)
                for chunk in chunks:
                    if file is None:
                        file = os.fdopen(number, "wb")
                    file.write(chunk)
            finally:
                unlock(number)
                if file is not None:
                    file.close()
                else:
                    os.close(number)
        """,
    "pool that a with statement would kill": """
        import multiprocessing

        def f(work):
            pool = multiprocessing.Pool()
            pool.apply_async(work)
        """,
    "attribute that is not always there": """
        class Client:
            def open(self, path):
                self.file = open(path)
                self.log = open(path)

            def close(self):
                self.log.close()
        """,
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_fix_where_one_would_release_twice_or_too_much(tmp_path, name):
    source = textwrap.dedent(REFUSED[name]).lstrip("\n")
    text = fixed(tmp_path, source)
    assert text.count("os.close(") == source.count("os.close(")
    assert "with multiprocessing" not in text
    assert text.count("functools.cache") == source.count("functools.cache")
    assert "self.file.close()" not in text
