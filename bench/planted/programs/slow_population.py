"""Users who come for the first time get a profile; nearly all of them have come by half time."""

import json

from traffic import Traffic

PROFILES = {}


def profile_of(user):
    if user not in PROFILES:
        PROFILES[user] = {"name": user, "visits": [], "notes": user * 30}
    return PROFILES[user]


def main():
    traffic = Traffic(per_second=40)
    users = max(50, traffic.total // 4)
    for request in traffic:
        json.loads(request.body)
        for _ in range(2):
            profile = profile_of(f"user{traffic.random.randrange(users)}")
            profile["visits"] = [*profile["visits"][-5:], request.number]
    print(f"{len(PROFILES)} profiles of {users} users")


if __name__ == "__main__":
    main()
