"""Every order is a tree with parent links: garbage for the collector, which does its work."""

import json

from traffic import Traffic


class Node:
    def __init__(self, parent, item):
        self.parent = parent
        self.children = []
        self.label = f"{item['sku']}:{item['text']}"
        if parent is not None:
            parent.children.append(self)


def build(order):
    root = Node(None, order["items"][0])
    for item in order["items"][1:]:
        Node(root, item)
    return len(root.children)


def main():
    nodes = sum(build(json.loads(request.body)) for request in Traffic(per_second=40))
    print(f"{nodes} nodes")


if __name__ == "__main__":
    main()
