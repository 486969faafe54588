"""Classes whose release method nobody has to call, each with the reason.

Names are those at the place of definition; `Typeshed.canonical` gives them. The list corrects what
the stubs alone suggest, and holds nothing that depends on how a program uses the class.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a class is no resource.

    Attributes
    ----------
    inherited : bool
        Whether the reason holds for subclasses too.
    """

    reason: str
    inherited: bool = True


_MEMORY = Denial("holds memory only, which goes with the last reference")
_LOCK = Denial("release ends a locked section, not the life of the lock")
_PARSER = Denial("close flushes the parser; nothing stays open without it")
_FRAME = Denial("close ends a suspended frame, which goes with the last reference")
_HANDLER = Denial("close is a hook for subclasses and a no-op here")
_OWN = Denial("owns nothing itself here; a subclass that opens something does", inherited=False)

DENIED: dict[str, Denial] = {
    "_io.BytesIO": _MEMORY,
    "_io.StringIO": _MEMORY,
    "builtins.memoryview": _MEMORY,
    "xml.dom.minidom.Node": _MEMORY,
    "_thread.LockType": _LOCK,
    "_thread.RLock": _LOCK,
    "_thread.lock": _LOCK,
    "asyncio.locks.Condition": _LOCK,
    "asyncio.locks.Lock": _LOCK,
    "asyncio.locks.Semaphore": _LOCK,
    "multiprocessing.synchronize.Condition": _LOCK,
    "multiprocessing.synchronize.SemLock": _LOCK,
    "threading.Condition": _LOCK,
    "threading.Semaphore": _LOCK,
    "threading._RLock": _LOCK,
    "email.feedparser.FeedParser": _PARSER,
    "html.parser.HTMLParser": _PARSER,
    "xml.etree.ElementTree.TreeBuilder": _PARSER,
    "xml.etree.ElementTree.XMLParser": _PARSER,
    "xml.etree.ElementTree.XMLPullParser": _PARSER,
    "xml.sax.xmlreader.IncrementalParser": _PARSER,
    "xmlrpc.client.ExpatParser": _PARSER,
    "xmlrpc.client.Unmarshaller": _PARSER,
    "types.AsyncGeneratorType": _FRAME,
    "types.CoroutineType": _FRAME,
    "types.GeneratorType": _FRAME,
    "typing.AsyncGenerator": _FRAME,
    "typing.AwaitableGenerator": _FRAME,
    "typing.Coroutine": _FRAME,
    "typing.Generator": _FRAME,
    "asyncio.unix_events.AbstractChildWatcher": _HANDLER,
    "urllib.request.BaseHandler": _HANDLER,
    "urllib.request.OpenerDirector": _HANDLER,
    "wsgiref.handlers.BaseHandler": _HANDLER,
    "wsgiref.validate.ErrorWrapper": _HANDLER,
    "wsgiref.validate.InputWrapper": _HANDLER,
    "wsgiref.validate.IteratorWrapper": _HANDLER,
    "logging.Handler": _OWN,
    "logging.NullHandler": _OWN,
    "logging.StreamHandler": _OWN,
    "logging.handlers.BufferingHandler": _OWN,
    "logging.handlers.MemoryHandler": _OWN,
    "logging.handlers.QueueHandler": _OWN,
    "socketserver.ForkingMixIn": _OWN,
    "socketserver.ThreadingMixIn": _OWN,
    "contextlib.AsyncExitStack": Denial("owns what is entered into it: a transfer of ownership"),
    "contextlib.ExitStack": Denial("owns what is entered into it: a transfer of ownership"),
    "multiprocessing.popen_fork.Popen": Denial("internal to Process, which joins it"),
    "multiprocessing.process.BaseProcess": Denial("join is what matters; close is optional"),
    "pathlib.PurePath": Denial("unlink deletes a file that the object does not own"),
    "_tkinter.TkappType": Denial("quit ends the main loop; destroy releases"),
    "tkinter.Misc": Denial("quit ends the main loop; destroy releases"),
    "urllib.error.HTTPError": Denial("an exception: it is raised, and rarely held"),
}

TRANSACTIONAL = frozenset({"sqlite3.Connection"})
"""Context managers whose exit commits or rolls back and leaves the resource open."""
