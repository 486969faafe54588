"""Reads a capture of memray and writes what was never freed, by the innermost application frame.

memray_leaks.py CAPTURE REPORT
"""

import collections
import json
import sys
from pathlib import Path

import memray
from tracemalloc_diff import LEAST, is_application


def main():
    capture, report = sys.argv[1:]
    retained = collections.Counter()
    with memray.FileReader(capture) as reader:
        for record in reader.get_leaked_allocation_records(merge_threads=True):
            frames = [(name, line) for _, name, line in record.stack_trace()]
            chosen = next((frame for frame in frames if is_application(frame[0])), None)
            retained[chosen or (frames[0] if frames else ("", 0))] += record.size
    sites = [
        {
            "file": where[0] or None,
            "line": where[1],
            "live_bytes": size,
            "growth_bytes_per_s": 0.0,
            "verdict": "leak",
            "confidence": None,
        }
        for where, size in retained.most_common()
        if size >= LEAST
    ]
    document = {"process_verdict": "leak" if sites else "clean", "sites": sites}
    Path(report).write_text(json.dumps(document), encoding="utf-8")
    Path(capture).unlink()


if __name__ == "__main__":
    main()
