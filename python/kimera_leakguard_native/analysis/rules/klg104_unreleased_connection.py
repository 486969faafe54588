"""A connection to a database, broker, mail, file or shell server is not closed on some path.

## What it does
Follows connections, pooled connections, sessions and clients (`sqlite3.connect`,
`psycopg2.connect`, `MongoClient`, `Engine.connect`, `Session`, `pika.BlockingConnection`,
`kombu.Connection`, `smtplib.SMTP`, `ftplib.FTP`, `paramiko.SSHClient`, …) along all paths of the
function, and reports a path on which one is neither closed, nor given back, nor returned, nor
handed to an owner. It knows that `with` ends a transaction of `sqlite3`, `psycopg2` and `pyodbc`
and leaves their connection open. Clients that most programs keep for good (`redis.Redis`,
`boto3.client`) and engines are advice, shown with `--all`.

## Why is this bad?
A server accepts a limited number of connections, a pool has a handful. One that is not given back
is missing until the garbage collector finds it, and some clients (`MongoClient`, producers and
consumers of brokers) have threads that keep them alive for good.

## Example
```python
def names(path):
    connection = sqlite3.connect(path)
    return connection.execute("SELECT name FROM person").fetchall()
```

Use instead:
```python
def names(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name FROM person").fetchall()
```
"""

CODE = "KLG104"
NAME = "unreleased-connection"
HELP = "close it in a finally clause, or use with (contextlib.closing where with only commits)"
