from __future__ import annotations

import ast

from kimera_leakguard_native.analysis.scripts import last_lines, started_by_script

SCRIPT = """
import sys
def main(path): ...
if __name__ == "__main__":
    import os
    read(open(sys.argv[1]))
    if len(sys.argv) > 1:
        main(open(sys.argv[1]))
    else:
        with lock:
            main(
                open("default"),
            )
"""


def test_what_runs_last_is_found_in_every_branch() -> None:
    assert last_lines(ast.parse(SCRIPT)) == {8, 11, 12, 13}


def test_only_the_last_block_of_a_module_counts() -> None:
    assert last_lines(ast.parse(SCRIPT + "cleanup()\n")) == frozenset()
    assert last_lines(ast.parse("read(open('x'))\n")) == frozenset()
    assert last_lines(ast.parse("")) == frozenset()
    loop = 'if __name__ == "__main__":\n    for path in paths:\n        read(open(path))\n'
    assert last_lines(ast.parse(loop)) == frozenset()


def test_functions_that_a_script_starts_with_are_named() -> None:
    assert started_by_script(ast.parse(SCRIPT)) == {"main", "open", "read", "len"}
