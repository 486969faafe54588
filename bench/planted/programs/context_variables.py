"""A context variable is made inside the request handler: the context keeps it and its value."""

import contextvars
import json

from traffic import Traffic


def handle(request):
    current = contextvars.ContextVar(f"order{request.number}")  # leak
    current.set(json.loads(request.body))  # leak
    return len(current.get()["items"])


def main():
    handled = sum(handle(request) for request in Traffic(per_second=25, items=20))
    print(f"{handled} items, {len(contextvars.copy_context())} context variables")


if __name__ == "__main__":
    main()
