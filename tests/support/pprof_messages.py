"""Decodes profiles by the published definition of pprof's messages."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

# Its generated code is of a time before protobuf's present run time, which refuses it unless that
# run time is the one in pure Python; and which one is used is decided once for a process.
_DECODER = """
import json, sys
from google.protobuf import json_format
from zprofile import profile_pb2
profile = profile_pb2.Profile.FromString(sys.stdin.buffer.read())
print(json_format.MessageToJson(profile, preserving_proto_field_name=True))
"""


def decode(data: bytes) -> dict[str, Any]:
    """Give the message as the JSON mapping of protocol buffers has it."""
    if importlib.util.find_spec("zprofile") is None:
        pytest.skip("zprofile, which carries pprof's messages, is not there for this CPython")
    done = subprocess.run(
        [sys.executable, "-c", _DECODER],
        input=gzip.decompress(data),
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    message: dict[str, Any] = json.loads(done.stdout)
    return message


def samples(message: dict[str, Any]) -> dict[tuple[tuple[str, str, int], ...], list[int]]:
    """Give the values of each stack: (function, file, line), innermost call first."""
    text = message["string_table"]
    functions = {each["id"]: each for each in message["function"]}
    named = {}
    for location in message["location"]:
        (line,) = location["line"]
        function = functions[line["function_id"]]
        named[location["id"]] = (
            text[int(function["name"])],
            text[int(function.get("filename", 0))],
            int(line.get("line", 0)),
        )
    return {
        tuple(named[number] for number in sample["location_id"]): [int(v) for v in sample["value"]]
        for sample in message["sample"]
    }
