#!/usr/bin/env bash
# Everything that wants a GPU, in one go, on a bare machine: tests on the GPU, 600 rooms on all cores, then training of `rooms` and its
# twin beside sweeps. Needs Python with torch, numba and h5py; the other packages are taken from a folder of wheels, pixbench's own included.
#
#   benchmarks/accelerator.sh OUT [--wheels FOLDER] [--tiny] [--work FOLDER] [--phase tests|data|train]... [--seconds N]
#
# OUT gets three archives, of at most 16 MiB. The last line is one JSON object. --tiny does every step at toy size, on a CPU too.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: benchmarks/accelerator.sh OUT [--wheels FOLDER] [--tiny] [--work FOLDER] [--phase tests|data|train]... [--seconds N]"
out=${1:?$usage}
python=${PYTHON:-python3}
shift
rest=()
while [ $# -gt 0 ]; do
  case $1 in
    --wheels)
      site=$(mktemp -d)
      "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "${2:?$usage}"/*.whl
      export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
      # Not the sources in this folder, which are no installed package.
      export PYTHONSAFEPATH=1
      shift 2
      ;;
    *) rest+=("$1"); shift ;;
  esac
done
export OPENBLAS_NUM_THREADS=1
exec "$python" benchmarks/accelerator.py "$out" "${rest[@]}"
