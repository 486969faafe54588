"""A transcript is a string that is replaced by a longer one at every request."""

import json

from traffic import Traffic


class Transcript:
    def __init__(self):
        self.text = ""

    def add(self, order):
        self.text = self.text + f"{order['user']} {order['items'][:12]}\n"  # leak


def main():
    transcript = Transcript()
    for request in Traffic(per_second=30):
        transcript.add(json.loads(request.body))
    print(f"transcript of {len(transcript.text)} characters")


if __name__ == "__main__":
    main()
