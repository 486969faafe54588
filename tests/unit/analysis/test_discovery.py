"""What has the name of a module gets looked at, or an entry that says why not."""

import os
import socket

import pytest

from kimera_leakguard_native.analysis.discovery import discover


def make_socket(path, monkeypatch):
    monkeypatch.chdir(path.parent)  # the name of a socket may have about a hundred characters
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


ODD = {
    "dangling-link": (lambda path, _: path.symlink_to("nowhere"), "No such file"),
    "pipe": (lambda path, _: os.mkfifo(path), "named pipe"),
    "socket": (make_socket, "socket"),
    "device": (lambda path, _: path.symlink_to("/dev/zero"), "device"),
    "link-to-itself": (lambda path, _: path.symlink_to(path), "cannot be read"),
}


@pytest.mark.parametrize(("make", "words"), ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("suffix", [".py", ".pyw"])
def test_what_is_no_file_is_one_entry(tmp_path, monkeypatch, make, words, suffix):
    (tmp_path / "good.py").touch()
    odd = tmp_path / f"odd{suffix}"
    make(odd, monkeypatch)
    found = discover([str(tmp_path)])
    assert found.files == [str(tmp_path / "good.py")]
    assert [error.file for error in found.errors] == [str(odd)]
    assert words in found.errors[0].message


@pytest.mark.parametrize("make", [make for make, _ in list(ODD.values())[:4]], ids=list(ODD)[:4])
def test_other_names_are_passed_over(tmp_path, monkeypatch, make):
    make(tmp_path / "odd.txt", monkeypatch)
    assert discover([str(tmp_path)]).errors == []


def test_a_link_to_a_file_is_that_file_and_a_folder_may_be_called_like_one(tmp_path):
    (tmp_path / "package.py").mkdir()
    (tmp_path / "package.py" / "inner.py").touch()
    (tmp_path / "link.py").symlink_to(tmp_path / "package.py" / "inner.py")
    found = discover([str(tmp_path)])
    assert found.files == [str(tmp_path / "link.py"), str(tmp_path / "package.py" / "inner.py")]
    assert found.errors == []
