from __future__ import annotations

from kimera_leakguard_native.reporters.printable import printable


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert printable("a\x1b]0;title\x07b\r\nc") == "a\\x1b]0;title\\x07b\\r\\nc"
    assert printable("\u202egnp.exe") == "\\u202egnp.exe"
    assert printable("\udcff") == "\\udcff"


def test_names_in_any_script_stay() -> None:
    assert printable("größe 尺寸 - ok") == "größe 尺寸 - ok"
