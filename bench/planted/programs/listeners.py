"""Connections subscribe to a bus when they open and never unsubscribe when they close."""

import json

from traffic import Traffic


class Bus:
    def __init__(self):
        self.listeners = []

    def subscribe(self, listener):
        self.listeners.append(listener)  # leak


class Connection:
    def __init__(self, bus):
        self.buffer = bytearray(1024)  # leak
        bus.subscribe(self.on_message)  # leak

    def on_message(self, message):
        self.buffer[: len(message)] = message

    def serve(self, body):
        return len(json.loads(body)["items"])


def main():
    bus = Bus()
    served = 0
    for request in Traffic(per_second=40):
        connection = Connection(bus)  # leak
        served += connection.serve(request.body)
    print(f"{served} items, {len(bus.listeners)} listeners")


if __name__ == "__main__":
    main()
