"""Resource models of the standard library that nobody has written, made from its type stubs.

Every public callable that gives a candidate resource (see `stub_facts`) and that no table names
gets a model here, unless `LEFT_OUT` says why not. As nobody has judged them one by one, a leak of
these is advice. The result is a file of the package, so that a run of the analyzer reads no stub:

    python -m kimera_leakguard_native.analysis.stub_models
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from kimera_leakguard_native.analysis.resources.catalog import STUBS, Catalog, written_catalog
from kimera_leakguard_native.analysis.stub_facts import CandidateResource, StubFacts
from kimera_leakguard_native.analysis.typeshed import Typeshed

VERSION = (3, 11)
"""Whose standard library is read: the last one with the modules that 3.12 and 3.13 removed."""

_BASE = "a base class or a protocol: what is made is a subclass of it"
_INNER = "made by the object that owns it"
_NUMBER = "holds no descriptor"

LEFT_OUT = {
    "typing.TextIO": _BASE,
    "typing.BinaryIO": _BASE,
    "typing.IO": _BASE,
    "io.IOBase": _BASE,
    "io.RawIOBase": _BASE,
    "io.BufferedIOBase": _BASE,
    "io.TextIOBase": _BASE,
    "_compression.BaseStream": _BASE,
    "_compression.DecompressReader": _INNER,
    "_io.BufferedReader": "wraps a file that it is handed, and takes it over",
    "_io.BufferedWriter": "wraps a file that it is handed, and takes it over",
    "_io.BufferedRandom": "wraps a file that it is handed, and takes it over",
    "_io.BufferedRWPair": "wraps files that it is handed, and takes them over",
    "_io.TextIOWrapper": "wraps a file that it is handed, and takes it over",
    "codecs.StreamReaderWriter": "wraps a file that it is handed, and takes it over",
    "codecs.StreamRecoder": "wraps a file that it is handed, and takes it over",
    "socket.SocketIO": _INNER,
    "sqlite3.Cursor": "memory of its connection, which ends it",
    "sqlite3.Blob": _INNER,
    "asyncio.base_events.Server": _INNER,
    "asyncio.events.AbstractServer": _BASE,
    "asyncio.streams.StreamWriter": _INNER,
    "asyncio.transports.BaseTransport": _BASE,
    "asyncio.transports.ReadTransport": _BASE,
    "asyncio.transports.WriteTransport": _BASE,
    "asyncio.transports.Transport": _BASE,
    "asyncio.transports.DatagramTransport": _BASE,
    "asyncio.transports.SubprocessTransport": _BASE,
    "asyncore.dispatcher": "registers itself with its loop, which owns it",
    "asyncore.dispatcher_with_send": "registers itself with its loop, which owns it",
    "asyncore.file_dispatcher": "registers itself with its loop, which owns it",
    "asynchat.async_chat": "registers itself with its loop, which owns it",
    "smtpd.SMTPChannel": "registers itself with its loop, which owns it",
    "smtpd.SMTPServer": "registers itself with its loop, which owns it",
    "smtpd.DebuggingServer": "registers itself with its loop, which owns it",
    "smtpd.PureProxy": "registers itself with its loop, which owns it",
    "chunk.Chunk": "reads from a file that it is handed, and does not own it",
    "logging.FileHandler": "goes to a logger, and is closed at exit",
    **dict.fromkeys(
        (
            "logging.handlers.WatchedFileHandler",
            "logging.handlers.BaseRotatingHandler",
            "logging.handlers.RotatingFileHandler",
            "logging.handlers.TimedRotatingFileHandler",
            "logging.handlers.SocketHandler",
            "logging.handlers.DatagramHandler",
            "logging.handlers.SysLogHandler",
            "logging.handlers.NTEventLogHandler",
            "logging.handlers.SMTPHandler",
            "logging.handlers.HTTPHandler",
        ),
        "goes to a logger, and is closed at exit",
    ),
    "concurrent.futures._base.Executor": _BASE,
    "asyncio.base_subprocess.BaseSubprocessTransport": _BASE,
    "asyncio.proactor_events.BaseProactorEventLoop": _BASE,
    "asyncio.selector_events.BaseSelectorEventLoop": _BASE,
    "asyncio.trsock.TransportSocket": _INNER,
    "http.client.HTTPResponse": _INNER,
    "multiprocessing.managers.Server": _INNER,
    "multiprocessing.managers.SharedMemoryServer": _INNER,
    "multiprocessing.connection.Connection": "made by Pipe for two processes to share",
    "multiprocessing.dummy.connection.Connection": _NUMBER,
    "multiprocessing.dummy.connection.Listener": _NUMBER,
    "socket.socket": "has a model by its usual name",
    "tkinter.filedialog.FileDialog": "a window, which its user closes",
    "tkinter.filedialog.LoadFileDialog": "a window, which its user closes",
    "tkinter.filedialog.SaveFileDialog": "a window, which its user closes",
    "urllib.response.addbase": _INNER,
    "urllib.response.addclosehook": _INNER,
    "urllib.response.addinfo": _INNER,
    "urllib.response.addinfourl": _INNER,
    "xmlrpc.client.GzipDecodedResponse": _INNER,
    "xmlrpc.client.SafeTransport": _INNER,
    "xmlrpc.client.Transport": _INNER,
    "mailbox.Mailbox": _BASE,
    "mailbox.Maildir": _NUMBER,
    "mailbox.MH": _NUMBER,
    "selectors.BaseSelector": _BASE,
    "selectors.SelectSelector": _NUMBER,
    "selectors.PollSelector": _NUMBER,
    "socketserver.BaseServer": _BASE,
    "os._ScandirIterator": "closes itself at the end of the iteration",
    "tarfile.ExFileObject": _INNER,
    "zipfile.ZipExtFile": _INNER,
    "zipfile.CompleteDirs": "an archive in other clothes: zipfile.Path makes it",
}
"""Classes at their place of definition that get no model, each with the reason."""

_RULES = (
    ("_socket.", "KLG103"),
    ("socket.", "KLG103"),
    ("ssl.", "KLG103"),
    ("multiprocessing.", "KLG106"),
    ("shelve.", "KLG104"),
    ("asyncio.", "KLG110"),
    ("_io.", "KLG101"),
    ("fileinput.", "KLG101"),
    ("asyncore.file_wrapper", "KLG102"),
)


def generate(written: Catalog) -> str:
    """Give the text of the table.

    Parameters
    ----------
    written : Catalog
        The models that people have written.
    """
    typeshed = Typeshed(VERSION, platform="linux")
    facts = StubFacts(typeshed)
    known = {
        form for name in written.made_by for form in (name, typeshed.canonical(name) or name)
    } | set(written.acquire)
    made: dict[str, tuple[CandidateResource, list[tuple[str, int | None]]]] = {}
    for module in typeshed.modules():
        if any(part.startswith("_") for part in module.split(".")):
            continue
        for name, results in facts.acquirers_in(module).items():
            home = typeshed.canonical(name) or name
            if name in known or home in known or not _at_home(name, home):
                continue
            for result in results:
                one = result.resource
                if one.name not in LEFT_OUT:
                    made.setdefault(one.name, (one, []))[1].append((name, result.position))
    parts = [f"# Made by analysis/stub_models.py from {source()}; do not edit.\n"]
    parts.extend(_table(resource, names) for resource, names in made.values())
    return "\n".join(parts)


def _at_home(name: str, home: str) -> bool:
    """Whether a name is where people look for what it stands for, not an import of a module."""
    package = home.partition(".")[0]
    return package.startswith("_") or name.partition(".")[0] == package


def source() -> str:
    """Name the stubs that are read."""
    return f"the stubs of typeshed_client {metadata.version('typeshed_client')}"


def _table(resource: CandidateResource, names: list[tuple[str, int | None]]) -> str:
    kind = f"stub-{resource.name.replace('.', '-').replace('_', '-').lower().strip('-')}"
    rule = next((code for start, code in _RULES if resource.name.startswith(start)), "KLG109")
    lines = [
        f"[resources.{kind}]",
        f'rule = "{rule}"',
        f'noun = "{resource.name.rpartition(".")[2]}"',
    ]
    whole = sorted({name for name, position in names if position is None})
    if whole:
        lines.append(f"acquired_by = {_list(whole)}")
    lines.append(f"release = {_list(resource.releases)}")
    if resource.context_managed:
        lines.append("context = true")
    lines.append('tier = "M"')
    inside: dict[str, list[int]] = {}
    for name, position in names:
        if position is not None and position not in inside.setdefault(name, []):
            inside[name].append(position)
    for name, positions in sorted(inside.items()):
        lines.extend(["", "[[acquire]]", f'callables = ["{name}"]', f'kind = "{kind}"'])
        lines.append(f"elements = {sorted(positions)}")
    return "\n".join(lines) + "\n"


def _list(names: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def main() -> None:
    """Write the table beside the ones that people have written."""
    path = Path(__file__).parent / "resources" / STUBS
    path.write_text(generate(written_catalog()), encoding="utf-8")


if __name__ == "__main__":
    main()
