"""How objects of well-known libraries are ended in code that we write into other people's files.

The catalog says which methods release a kind of resource: any of them may be missing from one
library. What is written here exists in the released versions of the library, is synchronous, and
ends the object without waiting for others. Pools, child processes and executors are not here on
purpose: leaving a with statement would kill or await what they run.
"""

from __future__ import annotations

from typing import NamedTuple


class Ending(NamedTuple):
    """The method that ends an object, and whether leaving a with statement does the same."""

    method: str
    entered: bool = True


_BY_KIND = {
    "file": Ending("close"),
    "archive": Ending("close"),
    "temporary-file": Ending("close"),
    "socket": Ending("close"),
}

_ENTERED = {
    "close": (
        "requests.Session", "requests.session", "requests.sessions.Session", "httpx.Client",
        "urllib.request.urlopen", "requests.get", "requests.post", "requests.put",
        "requests.request", "mmap.mmap", "os.scandir", "selectors.DefaultSelector",
        "selectors.EpollSelector", "selectors.SelectSelector", "selectors.PollSelector",
        "select.epoll", "h5py.File", "netCDF4.Dataset", "fileinput.input", "fileinput.FileInput",
        "pandas.HDFStore", "pandas.ExcelWriter", "psycopg.connect", "zipfile.Path.open",
    ),
    "cleanup": ("tempfile.TemporaryDirectory",),
    "quit": ("ftplib.FTP", "ftplib.FTP_TLS", "smtplib.SMTP", "smtplib.SMTP_SSL"),
    "logout": ("imaplib.IMAP4", "imaplib.IMAP4_SSL"),
    "server_close": (
        "socketserver.TCPServer", "socketserver.UDPServer", "http.server.HTTPServer",
        "http.server.ThreadingHTTPServer", "socketserver.ThreadingTCPServer",
    ),
}  # fmt: skip
_CLOSED = (
    "sqlite3.connect", "psycopg2.connect", "pymysql.connect", "pymysql.connections.Connection",
    "MySQLdb.connect", "mysql.connector.connect", "cx_Oracle.connect", "pyodbc.connect",
    "http.client.HTTPConnection", "http.client.HTTPSConnection", "paramiko.SSHClient",
    "asyncio.new_event_loop", "dbm.open", "shelve.open",
)  # fmt: skip

_BY_NAME = {
    **{name: Ending(method) for method, names in _ENTERED.items() for name in names},
    **dict.fromkeys(_CLOSED, Ending("close", entered=False)),
}


def ending(kind: str, callee: str | None) -> Ending | None:
    """Say how what a callable acquires is ended; None if that is not certain.

    Parameters
    ----------
    kind : str
        Of the resource.
    callee : str, optional
        Qualified name of the callable.
    """
    return _BY_KIND.get(kind) or _BY_NAME.get(callee or "")
