"""Followers are collected in sets by topic; the topics are few, the followers are never removed."""

import collections
import json

from traffic import Traffic

FOLLOWERS = collections.defaultdict(set)


def follow(path, order, number):
    for item in order["items"][:10]:
        FOLLOWERS[path].add(f"{item['text']}-{number}-{item['sku']}")  # leak


def main():
    for request in Traffic(per_second=40):
        follow(request.path, json.loads(request.body), request.number)
    print(f"{sum(map(len, FOLLOWERS.values()))} followers of {len(FOLLOWERS)} topics")


if __name__ == "__main__":
    main()
