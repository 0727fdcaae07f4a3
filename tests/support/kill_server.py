"""Runs commands of pixbench that are killed: started once with everything imported, it forks for each, so that a run costs no start.

Reads one JSON object a line: `argv`, and either `after` (seconds) or `rename` (the number of the rename before which the process dies).
Writes one back: `code` of the process, `seconds` and `renames`, where it was not killed.
"""

import json
import os
import signal
import sys
import time
from typing import Any


def run(argv: list[str], rename: int | None, out: int) -> None:
    """In the child: one command, dying before a rename if it is told to."""
    os.setsid()
    log = os.open("kill_server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    renames = 0
    for name in ("replace", "rename"):
        original = getattr(os, name)

        def counted(*paths: Any, original: Any = original, **options: Any) -> Any:
            nonlocal renames
            if renames == rename:
                os.kill(os.getpid(), signal.SIGKILL)
            renames += 1
            return original(*paths, **options)

        setattr(os, name, counted)
    sys.argv = ["pixbench", *argv]
    code = 0
    try:
        main()
    except SystemExit as done:
        code = int(done.code or 0)
    os.write(out, json.dumps({"renames": renames}).encode())
    os._exit(code)


def serve() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        read, write = os.pipe()
        started = time.perf_counter()
        child = os.fork()
        if not child:
            os.close(read)
            run(asked["argv"], asked.get("rename"), write)
        os.close(write)
        status = None
        while status is None:
            done, found = os.waitpid(child, os.WNOHANG)
            if done:
                status = found
            elif "after" in asked and time.perf_counter() - started > asked["after"]:
                os.killpg(child, signal.SIGKILL)
                status = os.waitpid(child, 0)[1]
            else:
                time.sleep(0.002)
        said = os.read(read, 1000)
        os.close(read)
        told = {"code": os.waitstatus_to_exitcode(status), "seconds": time.perf_counter() - started}
        print(json.dumps({**told, **(json.loads(said) if said else {})}), flush=True)


if __name__ == "__main__":
    # Without a pool of threads that a fork would leave behind.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    from pixbench.cli import main
    from pixbench.generation.protocol import GENERATORS

    for name in ("2d", "3d"):
        GENERATORS.get(name)
    print("ready", flush=True)
    serve()
