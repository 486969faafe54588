"""An image importer that keeps its failures for a report, and with them the files they left open.

Needs Pillow 11.1 (`pip install pillow==11.1.0`): there `TarIO` opens the archive and raises without
closing it when the member is not found. The kept exception holds the traceback, the traceback the
frame, the frame the open file. Nothing here knows of kimera-leakguard.
"""

import argparse
import io
import json
import resource
import tarfile
import tempfile
import time
from pathlib import Path

from PIL import Image, TarIO

MEMBERS = ("front.png", "back.png", "label.png")


def write_archive(path):
    picture = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(picture, "PNG")
    with tarfile.open(path, "w") as archive:
        for name in MEMBERS[:2]:
            entry = tarfile.TarInfo(name)
            entry.size = len(picture.getvalue())
            archive.addfile(entry, io.BytesIO(picture.getvalue()))


class Importer:
    def __init__(self, archive):
        self.archive = archive
        self.imported = 0
        self.failures = []

    def load(self, member):
        with TarIO.TarIO(self.archive, member) as region, Image.open(region) as picture:
            picture.load()
            return picture.size

    def handle(self, request):
        order = json.loads(json.dumps({"request": request, "members": MEMBERS, "note": "x" * 200}))
        for member in order["members"]:
            try:
                self.load(member)
                self.imported += 1
            except OSError as error:
                self.failures.append(error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second")
    options = parser.parse_args()
    # Each failure costs a descriptor; a service would die of that before it died of memory.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "goods.tar"
        write_archive(archive)
        importer = Importer(str(archive))
        started = time.monotonic()
        request = 0
        while time.monotonic() - started < options.seconds:
            importer.handle(request)
            request += 1
            time.sleep(max(0.0, started + request / options.rate - time.monotonic()))
    print(f"imported {importer.imported} pictures, {len(importer.failures)} failures to look at")


if __name__ == "__main__":
    main()
