"""Two leaks of different size in one program: both lines are right, and both should be found."""

import json

from traffic import Traffic

VISITS = {}
RENDERED = []


def main():
    for request in Traffic(per_second=30):
        order = json.loads(request.body)
        VISITS[f"{request.user}/{request.number}"] = [request.path, str(request.progress)]  # leak
        if request.number % 5 == 0:
            page = "".join(f"<b>{item['text']}</b>" for item in order["items"] * 4)  # leak
            RENDERED.append(page)  # leak
    print(f"{len(VISITS)} visits, {len(RENDERED)} pages")


if __name__ == "__main__":
    main()
