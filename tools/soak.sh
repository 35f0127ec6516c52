#!/usr/bin/env bash
# Runs the long tests for about as long as it is told; the build before is not counted.
#
#   ./tools/soak.sh HOURS
#
# First planted mistakes (consensus and log) in random order, for at most a quarter of the time: each must be caught. Then,
# in turns: fresh simulator seeds on both cores, rounds of kill -9 under load, and every chaos scenario once, in random
# order. Each gets a share of the time left, and a scenario begins only when it fits: an hour or two reaches everything, six
# minutes (0.1) try some of every kind. Says what was run, skipped and not reached. Stops at the first failure with
# exit code 1 and prints the command that repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  "" | -h | --help) sed -n '2,10p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
esac
seconds=$(awk -v hours="$1" 'BEGIN { s = int(hours * 3600); if (s < 1) exit 1; print s }') ||
  { echo "soak.sh: '$1' is not a number of hours" >&2; exit 2; }

readonly least=20        # seconds that are not worth another round
readonly around=20       # seconds to form a cluster, heal it and read everything back
readonly longest_sim=600 # of one round
chaos=build/test/tools/chaos/holdfast-chaos
declare -A passed=() skipped=()
failed=
reached=" " # names of the scenarios that were begun
round=0

left() { echo $((end - SECONDS)); }

# A share of the time left, at least a second and at most so many.
share() { # one part in so many, at most
  local part=$(($(left) / $1))
  [ "$part" -ge 1 ] || part=1
  [ "$part" -le "$2" ] || part=$2
  echo "$part"
}

step() { # kind, command…
  local kind=$1 status=0
  shift
  "$@" || status=$?
  case $status in
    0) passed[$kind]=$((${passed[$kind]:-0} + 1)) ;;
    77) skipped[$kind]=$((${skipped[$kind]:-0} + 1)) ;;
    *) failed="$* (exit code $status)"; exit 1 ;;
  esac
}

# Seconds that the scenario takes by its own word; it may wait for conditions beyond that.
length_of() { # file, seed
  "$chaos" check --seed "$2" "$1" | sed -n 's/.* at least \([0-9]*\) s$/\1/p'
}

scenarios() { # seed
  local file length missed=()
  for file in $(printf '%s\n' tests/chaos/*.chaos | shuf --random-source=<(yes "$1")); do
    length=$(length_of "$file" "$1") || true # what cannot be read fails when it is run
    if [ $((${length:-0} + around)) -gt "$(left)" ]; then
      missed+=("$(basename "$file" .chaos)")
      continue
    fi
    reached+="$file "
    step scenario "$chaos" run --seed "$1" "$file"
  done
  [ "${#missed[@]}" -eq 0 ] || echo "-- not begun in round $round, for want of time: ${missed[*]}"
}

closing() {
  local status=$? file kind never=() counts=()
  for file in tests/chaos/*.chaos; do
    case $reached in *" $file "*) ;; *) never+=("$(basename "$file" .chaos)") ;; esac
  done
  [ "${#never[@]}" -eq 0 ] || echo "not reached: ${#never[@]} scenarios: ${never[*]}"
  for kind in mutants simulator kill9 scenario; do
    counts+=("$kind ${passed[$kind]:-0} passed ${skipped[$kind]:-0} skipped,")
  done
  [ -z "$failed" ] || echo "FAILED: $failed"
  echo "soak: $round rounds in $((SECONDS - begun)) of $seconds s: ${counts[*]} ${#never[@]} scenarios not reached," \
    "$([ -n "$failed" ] && echo 'one failure' || { [ "$status" -eq 0 ] && echo 'no failure' || echo 'ended early'; })"
  exit "$status"
}

./tools/deps.sh all
[ -f build/test/build.ninja ] || { mkdir -p build; meson setup build/test -Dunsafe_faults=true >/dev/null; }
ninja -C build/test
begun=$SECONDS
end=$((SECONDS + seconds))
trap closing EXIT
trap 'exit 130' INT TERM
echo "== planted mistakes"
step mutants subprojects/raft/mutants/run.sh --for "$(share 6 86400)" --build build/test/subprojects/raft
step mutants subprojects/wal/mutants/run.sh --for "$(share 12 86400)" --build build/test/subprojects/wal
base=$(date +%s)
while [ "$round" -eq 0 ] || [ "$(left)" -ge "$least" ]; do
  round=$((round + 1))
  seed=$((base + round))
  echo "== round $round, $(left) s to go"
  step simulator build/test/subprojects/raft/sim/raft_sim --for "$(share 5 $longest_sim)s" --jobs 2 --seed-base "$seed"
  step kill9 python3 tests/integration/kill9.py build/test/tools/holdfastd/holdfastd --rounds 200 \
    --for "$(share 5 86400)" --seed "$seed"
  scenarios "$seed"
done
