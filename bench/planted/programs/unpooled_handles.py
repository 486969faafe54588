"""Databases, compressors and digests are made all the time; each is closed or dropped."""

import hashlib
import json
import sqlite3
import zlib

from traffic import Traffic


def archive(order):
    connection = sqlite3.connect(":memory:")
    connection.execute("create table item (sku integer, text text)")
    connection.executemany("insert into item values (:sku, :text)", order["items"])
    text = "\n".join(row[0] for row in connection.execute("select text from item order by sku"))
    connection.close()
    stream = zlib.compressobj()
    packed = stream.compress(text.encode()) + stream.flush()
    return len(packed) + len(hashlib.sha256(packed).hexdigest())


def main():
    print(sum(archive(json.loads(request.body)) for request in Traffic(per_second=25)), "bytes")


if __name__ == "__main__":
    main()
