"""What a record says of the machine and the run: versions, hardware, peak memory, time."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version

import torch


def environment() -> dict[str, str]:
    """Versions and hardware, as far as they bear on the numbers."""
    return {
        **{name: version(name) for name in ("pixbench", "torch", "numpy", "kornia")},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def peak_memory_mb() -> float | None:
    """Peak memory of this process in MB; None if the system does not report it."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
