"""May write hardly a file and open none: the limits of a sandbox."""

import resource
import time

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
kept = []
for _ in range(20):
    kept.append([bytes(1000) for _ in range(500)])
    time.sleep(0.05)
try:
    open("/dev/null").close()
except OSError as error:
    print(error.errno, len(kept))
