"""Memory allocation of large arrays."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's mallopt (malloc.h)."""

LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Keep the memory of freed arrays for later ones, instead of returning it to the system. Returns whether the C library supports this.

    A step of training takes and frees gigabytes. glibc asks the system for each large array anew, and the system clears it page by
    page: a tenth of the step. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    # glibc before 2.35 refuses thresholds above 2^25.
    return bool((mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)) and mallopt(M_TRIM_THRESHOLD, LARGEST))
