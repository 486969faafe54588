"""A watcher thread is started for every tenth request and waits for an event that nobody sets."""

import json
import threading

from traffic import Traffic


def watch(done, items):
    rows = [f"{item['sku']}: {item['text']}" for item in items]  # leak
    done.wait()  # leak
    return rows


def main():
    handled = 0
    for request in Traffic(per_second=40):
        items = json.loads(request.body)["items"]  # leak
        handled += len(items)
        if request.number % 10 == 0:
            done = threading.Event()  # leak
            thread = threading.Thread(target=watch, args=(done, items), daemon=True)  # leak
            thread.start()  # leak
    print(f"{handled} items, {threading.active_count()} threads")


if __name__ == "__main__":
    main()
