"""A pipeline whose batches get larger all the time; each is freed before the next one starts."""

import json

from traffic import Traffic


def transform(batch):
    cleaned = [{"sku": item["sku"], "text": item["text"].upper() * 4} for item in batch]
    return sum(len(entry["text"]) for entry in cleaned)


def main():
    written, batch, wanted = 0, [], 100
    for request in Traffic(per_second=40):
        batch.extend(json.loads(request.body)["items"])
        if len(batch) >= wanted:
            written += transform(batch)
            batch = []
            wanted = round(100 + 12_000 * request.progress)
    print(f"{written} characters written, batches of {wanted}")


if __name__ == "__main__":
    main()
