"""The collector was switched off for latency; the order trees of this program are cycles."""

import gc
import json

from traffic import Traffic


class Node:
    def __init__(self, parent, item):
        self.parent = parent
        self.children = []  # leak
        self.label = f"{item['sku']}:{item['text']}"  # leak
        if parent is not None:
            parent.children.append(self)  # leak


def build(order):
    root = Node(None, order["items"][0])  # leak
    for item in order["items"][1:]:
        Node(root, item)  # leak
    return len(root.children)


def main():
    gc.disable()
    nodes = sum(build(json.loads(request.body)) for request in Traffic(per_second=20, items=30))
    print(f"{nodes} nodes")


if __name__ == "__main__":
    main()
