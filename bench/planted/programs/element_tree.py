"""A feed is kept as an XML tree; elements are appended to its root and never taken out."""

import json
import xml.etree.ElementTree as ET

from traffic import Traffic


def entry(feed, order, number):
    node = ET.SubElement(feed, "entry", id=str(number))  # leak
    for item in order["items"][:5]:
        child = ET.SubElement(node, "item", sku=str(item["sku"]))  # leak
        child.text = item["text"] * 4  # leak
    return node


def main():
    feed = ET.Element("feed")
    size = 0
    for request in Traffic(per_second=40):
        size += len(ET.tostring(entry(feed, json.loads(request.body), request.number)))
    print(f"{size} bytes sent, {len(feed)} entries")


if __name__ == "__main__":
    main()
