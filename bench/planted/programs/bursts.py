"""Every now and then a burst of work, each larger than the one before, and then it is gone."""

import json

from traffic import Traffic


def burst(size):
    rows = [{"row": row, "text": f"row {row} of {size}"} for row in range(size)]
    rows.sort(key=lambda row: row["text"])
    return len(rows[-1]["text"])


def main():
    traffic = Traffic(per_second=40)
    period = max(1, traffic.total // 12)
    total = 0
    for request in traffic:
        total += len(json.loads(request.body)["items"])
        if request.number % period == 0:
            total += burst(2000 + round(20_000 * request.progress))
    print(f"{total} rows")


if __name__ == "__main__":
    main()
