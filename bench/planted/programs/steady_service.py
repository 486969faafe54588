"""Parses, computes and answers, and keeps nothing."""

import json

from traffic import Traffic


def answer(body):
    order = json.loads(body)
    ranked = sorted(order["items"], key=lambda item: item["price"])
    return json.dumps({"user": order["user"], "cheapest": ranked[:10], "total": len(ranked)})


def main():
    print(sum(len(answer(request.body)) for request in Traffic(per_second=60)), "bytes answered")


if __name__ == "__main__":
    main()
