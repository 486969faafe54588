"""An audit trail keeps 1 kB of the 6 MB that every tick allocates."""

from traffic import Traffic

AUDIT = []


def render(number):
    return [bytes(3000) for _ in range(1000)] + [b"%d" % number * 600 for _ in range(1000)]


def main():
    rendered = 0
    for request in Traffic(per_second=30):
        blocks = render(1000 + request.number)
        rendered += sum(map(len, blocks))
        AUDIT.append(blocks[-1][:1] * 1000)  # leak
    print(f"{rendered} bytes rendered, {len(AUDIT)} audit records")


if __name__ == "__main__":
    main()
