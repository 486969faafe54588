"""Compression streams are opened for every connection and kept after it has gone."""

import json
import zlib

from traffic import Traffic

STREAMS = []


def main():
    sent = 0
    for request in Traffic(per_second=40):
        body = json.dumps(json.loads(request.body)["items"]).encode()
        if request.number % 10 == 0:
            stream = zlib.compressobj(6)  # leak
            sent += len(stream.compress(body)) + len(stream.flush(zlib.Z_SYNC_FLUSH))
            STREAMS.append(stream)
    print(f"{sent} bytes sent, {len(STREAMS)} streams")


if __name__ == "__main__":
    main()
