"""A write buffer fills and is flushed, eight times in a run."""

import json

from traffic import Traffic

BUFFER = []


def flush():
    size = sum(len(line) for line in BUFFER)
    BUFFER.clear()
    return size


def main():
    traffic = Traffic(per_second=40)
    period = max(1, traffic.total // 8)
    written = 0
    for request in traffic:
        for item in json.loads(request.body)["items"][:20]:
            line = f"{request.number};{item['sku']};{item['text'] * 10}"
            BUFFER.append(line)
        if request.number % period == period - 1:
            written += flush()
    print(f"{written} characters written, {len(BUFFER)} lines to go")


if __name__ == "__main__":
    main()
