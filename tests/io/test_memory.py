import platform
import subprocess
import sys

import pytest

CODE = """
import resource
import numpy as np
from pixbench.io.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.full(2**21, 1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
assert keep_freed_memory()
faults()
print(before, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this setting")
def test_freed_memory_is_reused() -> None:
    # 20 arrays of 16 MiB: each one faults in new pages before the call, and reuses freed pages after it.
    before, after = map(int, subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout.split())
    assert before > 500
    assert after < before / 20
