"""Runs commands of pixbench in forks of one process that has everything imported, so that a run costs no start.

Its arguments are modules whose `install` is called first. Reads one JSON object a line: `argv`, `limit` (seconds until it is killed),
and maybe `rename` (the number of the rename before which it dies) and `environment`. Writes one back: `code`, `seconds`, `output`, and,
where it was not killed, `renames`.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from typing import Any

LOG = "output.log"


def run(asked: dict[str, Any], out: int) -> None:
    """In the child: one command, which dies before a rename if asked to."""
    os.setsid()
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    renames = 0
    for name in ("replace", "rename"):
        original = getattr(os, name)

        def counted(*paths: Any, original: Any = original, **options: Any) -> Any:
            nonlocal renames
            if renames == asked.get("rename"):
                os.kill(os.getpid(), signal.SIGKILL)
            renames += 1
            return original(*paths, **options)

        setattr(os, name, counted)
    os.environ.update(asked.get("environment", {}))
    sys.argv = ["pixbench", *asked["argv"]]
    code = 0
    try:
        main()
    except SystemExit as done:
        code = int(done.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os.write(out, json.dumps({"renames": renames}).encode())
    os._exit(code)


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Run one command to its end, or kill it at its limit."""
    read, write = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if not child:
        os.close(read)
        run(asked, write)
    os.close(write)
    done, status = 0, 0
    while not done:
        done, status = os.waitpid(child, os.WNOHANG)
        if not done and time.perf_counter() - started > asked["limit"]:
            with contextlib.suppress(ProcessLookupError):  # it has not made a group of its own yet
                os.killpg(child, signal.SIGKILL)
            os.kill(child, signal.SIGKILL)
            done, status = os.waitpid(child, 0)
        elif not done:
            time.sleep(0.002)
    reply = os.read(read, 10_000)
    os.close(read)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it has left running
    result = {"code": os.waitstatus_to_exitcode(status), "seconds": time.perf_counter() - started}
    with open(LOG, errors="replace") as log:
        result["output"] = log.read()[-4000:]
    return {**result, **(json.loads(reply) if reply else {})}


def import_all(*names: str) -> None:
    """Every module below packages, as far as this machine has what they need."""
    for name in names:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda name: None):
            if "__main__" not in module.name and ".cli" not in module.name:
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)


if __name__ == "__main__":
    # Without a pool of threads that a fork would leave behind.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    from pixbench.cli import main

    import_all("pixbench", "pixbench.generators", "pixbench.baselines")
    for name in sys.argv[1:]:
        importlib.import_module(name).install()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
