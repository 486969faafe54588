"""Starts interpreters, directly and through asyncio."""

import asyncio
import subprocess
import sys

CODE = "import sys; print(sys.argv[1], len([bytes(99) for _ in range(9999)])); sys.exit(6)"


async def later(number):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CODE, str(number), stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip(), process.returncode


async def main():
    print(await asyncio.gather(*(later(number) for number in range(4))))


direct = subprocess.run(
    [sys.executable, "-c", CODE, "direct"], capture_output=True, text=True, check=False
)
print(direct.stdout.strip(), repr(direct.stderr), direct.returncode)
asyncio.run(main())
