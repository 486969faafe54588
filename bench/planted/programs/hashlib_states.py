"""Unfinished digests are kept so that uploads could resume; none ever does."""

import hashlib
import json

from traffic import Traffic

UPLOADS = {}


def main():
    hashed = 0
    for request in Traffic(per_second=40):
        for item in json.loads(request.body)["items"][:20]:
            part = f"{item['sku']}{item['text']}".encode()
            UPLOADS[f"{request.number}/{item['sku']}"] = hashlib.sha256(part)  # leak
            hashed += len(part)
    print(f"{hashed} bytes hashed, {len(UPLOADS)} uploads")


if __name__ == "__main__":
    main()
