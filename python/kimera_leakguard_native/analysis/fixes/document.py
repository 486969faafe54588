"""A source file as text that can be cut: positions of the parser, the editor and the string."""

from __future__ import annotations

import bisect
import functools
import io
import re
import tokenize
from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

_LINE_END = re.compile(r"\r\n|\r|\n")
_REST = re.compile(r"[ \t\f]*(?:#.*)?\Z", re.DOTALL)
_STRINGS = ("FSTRING", "TSTRING")


class Document:
    """Text of a file, exactly as its bytes give it.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    AnalysisError
        The bytes do not survive decoding and encoding.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self.encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            self.text = data.decode(self.encoding)
            again = self.text.encode(self.encoding)
        except (SyntaxError, UnicodeError, LookupError) as error:
            raise AnalysisError(f"cannot be edited: {error}") from error
        if again != data:
            raise AnalysisError(f"cannot be edited: {self.encoding} does not give its bytes back")
        ends = [match.end() for match in _LINE_END.finditer(self.text)]
        self._starts = [0, *ends]
        first = _LINE_END.search(self.text)
        self.newline = first.group() if first else "\n"

    def encode(self, text: str) -> bytes:
        """Give the bytes of a changed text.

        Raises
        ------
        AnalysisError
            A character that the file's encoding lacks.
        """
        try:
            return text.encode(self.encoding)
        except UnicodeError as error:
            raise AnalysisError(f"cannot be edited: {error}") from error

    @property
    def line_count(self) -> int:
        """Lines, the last one counted even if it is empty."""
        return len(self._starts)

    def line_start(self, line: int) -> int:
        """Give the offset of a line, 1-based."""
        return self._starts[line - 1]

    def line_end(self, line: int) -> int:
        """Give the offset behind a line and its ending."""
        return self._starts[line] if line < len(self._starts) else len(self.text)

    def line_text(self, line: int) -> str:
        """Give a line without its ending."""
        return self.text[self.line_start(line) : self.line_end(line)].rstrip("\r\n")

    def offset(self, line: int, column: int) -> int:
        """Turn the parser's line and UTF-8 column into an offset."""
        text = self.text[self.line_start(line) : self.line_end(line)]
        if not text.isascii():
            column = len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))
        return self.line_start(line) + column

    def start(self, node: ast.stmt | ast.expr) -> int:
        """Give the offset where a node starts."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.stmt | ast.expr) -> int:
        """Give the offset behind a node."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def source(self, node: ast.stmt | ast.expr) -> str:
        """Give the text of a node as it is written."""
        return self.text[self.start(node) : self.end(node)]

    def position(self, offset: int) -> tuple[int, int]:
        """Turn an offset into a line and a column, both 1-based, in characters."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    # --- lines and blocks --------------------------------------------------------------------

    def indentation(self, node: ast.stmt) -> str:
        """Give the blanks in front of a statement that begins its line."""
        return self.text[self.line_start(node.lineno) : self.start(node)]

    def stands_alone(self, first: ast.stmt, last: ast.stmt | None = None) -> bool:
        """Whether statements from first to last share their lines with nothing but comments."""
        last = last or first
        before = self.text[self.line_start(first.lineno) : self.start(first)]
        end = self.end(last)
        line = last.end_lineno or last.lineno
        after = self.text[end : self.line_end(line)].rstrip("\r\n")
        return not before.strip(" \t\f") and _REST.match(after) is not None

    def comment_after(self, node: ast.stmt) -> bool:
        """Whether a comment follows a statement on its last line."""
        line = node.end_lineno or node.lineno
        return "#" in self.text[self.end(node) : self.line_end(line)]

    @functools.cached_property
    def unit(self) -> str:
        """One step of indentation: what most blocks of the file use."""
        steps: dict[str, int] = {}
        previous = ""
        for line in range(1, self.line_count + 1):
            text = self.line_text(line)
            blanks = text[: len(text) - len(text.lstrip(" \t"))]
            if not text.strip() or line in self.inside_strings:
                continue
            if self._opens(line - 1) and blanks != previous and blanks.startswith(previous):
                step = blanks[len(previous) :]
                steps[step] = steps.get(step, 0) + 1
            previous = blanks
        return max(steps, key=lambda step: (steps[step], step)) if steps else "    "

    def _opens(self, line: int) -> bool:
        return line >= 1 and self.line_text(line).rstrip().endswith(":")

    @functools.cached_property
    def inside_strings(self) -> frozenset[int]:
        """Lines that begin inside a string: blanks in front of them belong to its value."""
        found: set[int] = set()
        opened: list[int] = []
        lines = iter([f"{self.line_text(n)}\n" for n in range(1, self.line_count + 1)])
        try:
            for token in tokenize.generate_tokens(lambda: next(lines, "")):
                name = tokenize.tok_name[token.type]
                if name == "STRING":
                    found.update(range(token.start[0] + 1, token.end[0] + 1))
                elif name.startswith(_STRINGS) and name.endswith("START"):
                    opened.append(token.start[0])
                elif name.startswith(_STRINGS) and name.endswith("END") and opened:
                    found.update(range(opened.pop() + 1, token.end[0] + 1))
        except (tokenize.TokenError, SyntaxError) as error:
            raise AnalysisError(f"cannot be edited: {error}") from error
        return frozenset(found)

    def indent(self, first: int, last: int, prefix: str) -> Iterable[tuple[int, str]]:
        """Give the insertions that move lines one step to the right.

        Lines inside strings, empty ones, and lines further left than the block (comments,
        continuations) stay as they are.

        Parameters
        ----------
        prefix : str
            Indentation of the block that the lines belong to.
        """
        for line in range(first, last + 1):
            text = self.line_text(line)
            if text.strip(" \t\f") and line not in self.inside_strings and text.startswith(prefix):
                yield self.line_start(line) + len(prefix), self.unit
