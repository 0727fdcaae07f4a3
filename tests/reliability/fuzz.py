"""Coverage-guided fuzzing of the parsers in `fuzzed.py` with atheris (`pip install atheris`), for as long as wanted.

    python tests/reliability/fuzz.py OBJ IDX --seconds 3600 --json

Without names it fuzzes every parser. An input that a parser neither reads nor rejects is kept in `--out`, and the exit code is 1.
`test_fuzz.py` does the same for minutes, without a guide.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "support" / "reliability")]

import atheris

KERNELS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "pixbench").rglob("*.py") if "jit import" in path.read_text()
]
"""Modules that numba could not compile if they were instrumented."""

with atheris.instrument_imports(include=["pixbench" if "--child" in sys.argv else "nothing"], exclude=KERNELS):
    from fuzzed import TARGETS, WORDS, edited, fault, valid_files

from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS

MEMORY_MB, INPUT_SECONDS = 2048, 10
"""An input that needs more counts as a fault; the process itself holds some 600 MB."""


def fuzz(name: str, path: Path, arguments: list[str]) -> None:
    """Fuzz one parser from a valid file. Never returns: libFuzzer ends the process."""
    target, whole = TARGETS[name], path.read_bytes()

    def read(data: bytes) -> None:
        if path.suffix == ".h5":  # most other bytes would be no HDF5 file at all
            source, edits = atheris.FuzzedDataProvider(data), []
            while source.remaining_bytes() and len(edits) < 6:
                put = WORDS[source.ConsumeIntInRange(0, len(WORDS) - 1)] if source.ConsumeBool() else source.ConsumeBytes(8)
                edits.append((source.ConsumeProbability() * (1 - 1e-9), 0, put))
            data = edited(whole, edits, in_place=True)
        found = fault(target, path, data)
        if found is not None:
            raise found

    target.read(path)
    atheris.Setup([sys.argv[0], *arguments], read)
    atheris.Fuzz()


def run(name: str, path: Path, seconds: int, out: Path) -> dict[str, object]:
    """Fuzz one parser in a process of its own.

    Returns its inputs, whether one of them was a fault, the branches covered, and the second at which the last of them was found.
    """
    corpus, words = out / "corpus" / name, out / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "valid").write_bytes(b"" if path.suffix == ".h5" else path.read_bytes())
    words.write_text("".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n' for word in WORDS))
    options = ["-len_control=0", "-print_final_stats=1", f"-dict={words}", f"-artifact_prefix={out / name}-"]
    options += [f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}"]
    options += ["-max_len=96"] * (path.suffix == ".h5")
    command = [sys.executable, __file__, "--child", name, str(path), str(corpus), *options]
    inputs = covered = 0
    start = newest = 0.0
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            if branches := re.search(r" cov: (\d+)", line):
                start = start or time.monotonic()
                newest = time.monotonic() if int(branches[1]) > covered else newest
                covered = max(covered, int(branches[1]))
            if units := re.search(r"number_of_executed_units: *(\d+)", line):
                inputs = int(units[1])
            if "pulse" in line or "Error" in line or "Exception" in line:
                print(f"{name}: {line}", end="", flush=True)
    return {"inputs": inputs, "faults": int(process.returncode != 0), "covered": covered, "last_new_s": round(newest - start)}


def main() -> int:
    """Fuzz and print."""
    if sys.argv[1:2] == ["--child"]:
        fuzz(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*TARGETS, []], metavar="parser", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=300, help="for each parser")
    parser.add_argument("--out", type=Path, default=Path("fuzzed"), help="folder of the corpus and of faults")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        config = {"scenes": 3, "views": 3, "size": 48, "seed": 7, "scenes_per_shard": 2, "object_count": (4, 7)}
        generate("3d", GENERATORS.get("3d").config_type(**config), data)
        files = valid_files(Path(folder) / "files", data)
        found = {name: run(name, files[name], options.seconds, options.out.absolute()) for name in options.names or TARGETS}
    for name, result in found.items():
        print(f"{name}: {result['inputs']} inputs, {result['faults']} faults; nothing new after {result['last_new_s']} s")
    if options.json:
        print(json.dumps({"fuzz": "parsers", "seconds": options.seconds, **found}))
    return int(any(result["faults"] for result in found.values()))


if __name__ == "__main__":
    sys.exit(main())
