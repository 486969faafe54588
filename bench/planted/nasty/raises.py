"""Ends with an exception that has a cause and a note, from a few frames down."""


class OrderError(Exception):
    pass


def parse(text):
    return int(text)


def load(text):
    try:
        return parse(text)
    except ValueError as error:
        raise OrderError(f"bad order {text!r}") from error


print("before")
load("twelve")
