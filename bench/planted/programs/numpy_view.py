"""Thumbnails are views: each keeps the whole picture that it was cut from."""

import json

import numpy as np
from traffic import Traffic

THUMBNAILS = []


def load_picture(number):
    return np.full((160, 160), number, dtype=np.float64)  # leak


def main():
    brightness = 0.0
    for request in Traffic(per_second=10):
        json.loads(request.body)
        picture = load_picture(request.number)
        brightness += float(picture.mean())
        THUMBNAILS.append(picture[:4, :4])  # leak
    print(f"{len(THUMBNAILS)} thumbnails, brightness {brightness}")


if __name__ == "__main__":
    main()
