"""What a record says of the machine and the run: versions, hardware, peak memory, time."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("pixbench", "torch", "numpy", "kornia", "opencv-python-headless", "poselib", "scikit-learn", "scipy")
"""Packages that compute what records say."""


def environment(device: str | None = None) -> dict[str, str]:
    """Versions and hardware, as far as they bear on the numbers. `device` is where the model ran, by default the GPU if there is one."""
    on_gpu = torch.cuda.is_available() and (device is None or device.startswith("cuda"))
    return {
        **{name: version(name) for name in PACKAGES if _is_installed(name)},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "processor": processor(),
    }


def _is_installed(package: str) -> bool:
    """OpenCV has several packages with the same module: another one may be there in place of the one that PixBench asks for."""
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def processor() -> str:
    """The CPU's model name; the architecture where the system does not say it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


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
