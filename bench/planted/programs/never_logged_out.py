"""Sessions end at logout, but one user in five just closes the browser."""

import json

from traffic import Traffic

SESSIONS = {}


def login(number, order):
    basket = [dict(item) for item in order["items"][:6]]  # leak
    SESSIONS[number] = {"basket": basket, "token": f"{number:032x}"}  # leak


def main():
    traffic = Traffic(per_second=40)
    waiting = []
    for request in traffic:
        login(request.number, json.loads(request.body))  # leak
        if traffic.random.random() < 0.8:
            waiting.append(request.number)
        if len(waiting) > 40:
            del SESSIONS[waiting.pop(0)]
    print(f"{len(SESSIONS)} sessions")


if __name__ == "__main__":
    main()
