"""Every price is entered into a ledger as an exact decimal; the ledger is never closed."""

import decimal
import json

from traffic import Traffic


class Ledger:
    def __init__(self):
        self.lines = []

    def enter(self, number, order):
        for item in order["items"][:10]:
            amount = decimal.Decimal(item["price"])  # leak
            self.lines.append((number, amount))  # leak


def main():
    ledger = Ledger()
    for request in Traffic(per_second=40):
        ledger.enter(request.number, json.loads(request.body))
    print(f"{len(ledger.lines)} lines")


if __name__ == "__main__":
    main()
