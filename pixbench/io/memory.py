"""How the memory of large arrays is kept."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's mallopt (malloc.h)."""

LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have arrays that are freed leave their memory to the next ones, instead of giving it back to the system; whether that can be said.

    A step of training takes and frees gigabytes. glibc asks the system for each large array anew, and the system clears it page by
    page: a tenth of the step. Other libraries than glibc do as they do.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    # Before its version 2.35 it took no more than the second.
    return bool((mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)) and mallopt(M_TRIM_THRESHOLD, LARGEST))
