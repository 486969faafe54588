"""A shop remembers every session by its token and forgets none."""

import json

from traffic import Traffic

SESSIONS = {}


def open_session(request):
    order = json.loads(request.body)
    token = f"{order['user']}-{request.number}"  # leak
    SESSIONS[token] = {"user": order["user"].title(), "page": bytes(1500), "basket": []}  # leak
    return sum(item["price"] for item in order["items"])


def main():
    turnover = sum(open_session(request) for request in Traffic(per_second=40))
    print(f"{len(SESSIONS)} sessions, turnover {turnover:.2f}")


if __name__ == "__main__":
    main()
