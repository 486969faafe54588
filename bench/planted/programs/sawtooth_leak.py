"""A write buffer is flushed four times in a run, except for the records that failed to go out."""

import json

from traffic import Traffic

BUFFER = []


def record(request, item):
    text = item["text"] * 20  # leak
    return {"order": str(request.number), "sku": str(item["sku"]), "text": text}  # leak


def main():
    traffic = Traffic(per_second=40)
    period = max(1, traffic.total // 4)
    written = 0
    for request in traffic:
        for item in json.loads(request.body)["items"][:10]:
            entry = record(request, item)  # leak
            BUFFER.append(entry)  # leak
        if request.number % period == period - 1:
            failed = [kept for kept in BUFFER if kept["sku"].endswith(("0", "5"))]
            written += len(BUFFER) - len(failed)
            BUFFER[:] = failed
    print(f"{written} records written, {len(BUFFER)} not")


if __name__ == "__main__":
    main()
