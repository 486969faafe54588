"""A scratch database is opened for every few requests and never closed."""

import json
import sqlite3

from traffic import Traffic

OPEN = []


def scratch(items):
    connection = sqlite3.connect(":memory:")  # leak
    connection.execute("create table item (sku integer, text text)")  # leak
    connection.executemany("insert into item values (:sku, :text)", items)  # leak
    OPEN.append(connection)
    return connection.execute("select count(*) from item").fetchone()[0]  # leak


def main():
    rows = 0
    for request in Traffic(per_second=40):
        items = json.loads(request.body)["items"]
        if request.number % 8 == 0:
            rows += scratch(items)
    print(f"{rows} rows in {len(OPEN)} databases")


if __name__ == "__main__":
    main()
