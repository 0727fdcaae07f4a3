#!/usr/bin/env bash
# Everything that wants a GPU, in one go, on a bare machine: tests on the GPU, 2,000 rooms on all cores, seven minutes of training, cells of
# Experiment 1 at the paper's size. Needs Python with torch, numba and h5py; the other packages are taken from a folder of wheels.
#
#   benchmarks/accelerator.sh OUT [--wheels FOLDER] [--tiny]
#
# OUT gets at most eight files of at most 16 MiB. The last line is one JSON object. --tiny does every step at toy size, on a CPU too.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: benchmarks/accelerator.sh OUT [--wheels FOLDER] [--tiny]"
out=${1:?$usage}
shift
tiny=()
while [ $# -gt 0 ]; do
  case $1 in
    --wheels) python3 -m pip install --quiet --no-index --find-links "${2:?$usage}" --editable '.[test]' --no-build-isolation; shift 2 ;;
    --tiny) tiny=(--tiny); shift ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done
export OPENBLAS_NUM_THREADS=1
exec "${PYTHON:-python3}" benchmarks/accelerator.py "$out" "${tiny[@]}"
