"""An editor keeps a snapshot of the document for each change and never drops the oldest."""

import copy
import json

from traffic import Traffic


class Document:
    def __init__(self):
        self.paragraphs = {}
        self.history = []

    def change(self, place, text):
        self.history.append(copy.copy(self.paragraphs))  # leak
        self.paragraphs[place] = text

    def undo(self):
        self.paragraphs = self.history.pop()


def main():
    document = Document()
    for request in Traffic(per_second=30):
        order = json.loads(request.body)
        for item in order["items"][:3]:
            document.change(item["sku"] % 40, item["text"] * 3)  # leak
        if request.number % 10 == 9:
            document.undo()
    print(f"{len(document.history)} versions")


if __name__ == "__main__":
    main()
