"""A rule engine compiles each rule to a module of its own and registers it in sys.modules."""

import json
import sys
import types

from traffic import Traffic

RULE = """
LIMIT = {limit}
def accept(item):
    return item["price"] < LIMIT
def explain(item):
    return f"price {{item['price']}} against {{LIMIT}}"
"""


def load_rule(number):
    module = types.ModuleType(f"rule_{number}")  # leak
    code = compile(RULE.format(limit=1 / (1 + number % 7)), module.__name__, "exec")  # leak
    exec(code, module.__dict__)  # leak
    sys.modules[module.__name__] = module  # leak
    return module


def main():
    accepted = 0
    for request in Traffic(per_second=20):
        rule = load_rule(request.number)
        accepted += sum(map(rule.accept, json.loads(request.body)["items"]))
    print(f"{accepted} items accepted")


if __name__ == "__main__":
    main()
