"""Details are kept for a while and then summed up into a few numbers."""

import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    day = max(1, traffic.total // 12)
    days, totals = {}, []
    for request in traffic:
        days.setdefault(request.number // day, []).append(json.loads(request.body)["items"][:6])
        if len(days) > 3:
            first = min(days)
            totals.append(sum(item["price"] for order in days.pop(first) for item in order))
    print(f"{len(totals)} days closed, {len(days)} open")


if __name__ == "__main__":
    main()
