#!/bin/sh
# Make pairs on all processor cores and train the finishing network on a card beside, all within a given time.
#
#   MEDIA=/path/to/faces [SITE=/path/to/packages] train_on_card.sh OUT SECONDS [more words for `train`]
#
# MEDIA  synthetic faces with faces.json, and landmarks.npz where it was made before (else it takes a minute or two)
# SITE   a folder of packages that the Python lacks (ai-edge-litert, pydantic, platformdirs, ...)
# PYTHON, JOBS, BATCH, LEAST, DEVICE: python3, cores less two, 128, 1600 pairs to begin with, cuda
# OUT    gets finisher.pth, optimisers.pth, log.jsonl, sheet.png, strangers.png, pairs.log; it is saved ten times on the way.
set -u
out=$1 seconds=$2
shift 2
began=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-python3}
jobs=${JOBS:-$(($(nproc) - 2))}
export PYTHONPATH="${SITE:+$SITE:}$root/models:$root/realtime:$root/export"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1 PYTHONDONTWRITEBYTECODE=1
mkdir -p "$out"
pairs=${PAIRS:-$(mktemp -d)}
mkdir -p "$pairs"
if [ -f "$MEDIA/landmarks.npz" ]; then cp "$MEDIA/landmarks.npz" "$pairs/"; else
  "$python" "$here" pairs "$MEDIA" -o "$pairs" --look-only || exit 1
fi

makers=""
stop() {
  for maker in $makers; do kill -KILL "$maker" 2>/dev/null; done
  tail -n 40 "$pairs/pairs.log" > "$out/pairs.log" 2>/dev/null
  [ -n "${PAIRS:-}" ] || rm -rf "$pairs"
}
trap stop EXIT

number=1
while [ "$number" -le "$jobs" ]; do
  nice -n 5 "$python" "$here" pairs "$MEDIA" -o "$pairs" --files 100000 --seed "$number" >> "$pairs/pairs.log" 2>&1 &
  makers="$makers $!"
  number=$((number + 1))
done

left=$((seconds - ($(date +%s) - began) - ${MARGIN:-8}))
timeout -k 15 "$((left + 3))" "$python" "$here" train "$pairs" -o "$out" --device "${DEVICE:-cuda}" --threads 2 \
  --batch "${BATCH:-128}" --least-pairs "${LEAST:-1600}" --memory-files 400 --rate 0.0015 --seconds "$left" "$@" &
trainer=$!
trap 'kill -TERM "$trainer" 2>/dev/null' INT TERM # it saves, and ends
wait "$trainer"
status=$?
while kill -0 "$trainer" 2>/dev/null; do wait "$trainer"; done
exit "$status"
