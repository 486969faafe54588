"""Generated templates go through linecache, which never forgets a file that has a loader."""

import json
import linecache

from traffic import Traffic


class Templates:
    def get_source(self, name):
        return "".join(f"<p class='{name}'>line {line}</p>\n" for line in range(30))  # leak


def main():
    lines = 0
    loader = Templates()
    for request in Traffic(per_second=30):
        json.loads(request.body)
        name = f"order-{request.number}"  # leak
        names = {"__name__": name, "__loader__": loader}
        lines += len(linecache.getlines(f"{name}.html", names))  # leak
    print(f"{lines} lines rendered")


if __name__ == "__main__":
    main()
