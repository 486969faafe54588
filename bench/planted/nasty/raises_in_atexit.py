"""Two atexit callbacks, of which one raises."""

import atexit

atexit.register(print, "the other callback runs")


@atexit.register
def fail():
    raise RuntimeError("in atexit")


print("main is done")
