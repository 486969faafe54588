"""Every order leaves a retry callback behind, and the callback holds the rendered page."""

import json

from traffic import Traffic

RETRIES = []


def schedule_retry(order):
    page = "".join(f"<li>{item['sku']} {item['text']}</li>" for item in order["items"])  # leak

    def retry():  # leak
        return len(page)

    RETRIES.append(retry)  # leak
    return retry()


def main():
    sent = sum(schedule_retry(json.loads(request.body)) for request in Traffic(per_second=30))
    print(f"{sent} characters sent, {len(RETRIES)} retries")


if __name__ == "__main__":
    main()
