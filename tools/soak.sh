#!/usr/bin/env bash
# Runs the long tests for as long as it is told.
#
#   ./tools/soak.sh HOURS
#
# First every planted mistake (consensus and log) must be caught. Then, in turns: fresh simulator seeds on both cores,
# rounds of kill -9 under load, and chaos (long swarms on three and five members, every single story). Stops at the
# first failure and prints the command that repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  "" | -h | --help) sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
esac
seconds=$(awk -v hours="$1" 'BEGIN { if (hours + 0 <= 0) exit 1; print int(hours * 3600) }') ||
  { echo "soak.sh: '$1' is not a number of hours" >&2; exit 2; }
./tools/deps.sh all
[ -f build/test/build.ninja ] || { mkdir -p build; meson setup build/test -Dunsafe_faults=true >/dev/null; }
ninja -C build/test
end=$((SECONDS + seconds))
subprojects/raft/mutants/run.sh --build build/test/subprojects/raft
subprojects/wal/mutants/run.sh --build build/test/subprojects/wal
base=$(date +%s)
round=0
while [ "$SECONDS" -lt "$end" ]; do
  round=$((round + 1))
  echo "== round $round, $((end - SECONDS)) s to go"
  build/test/subprojects/raft/sim/raft_sim --for 600s --jobs 2 --seed-base "$((base + round))"
  python3 tests/integration/kill9.py build/test/tools/holdfastd/holdfastd --rounds 200 --seed "$((base + round))"
  build/test/tools/chaos/holdfast-chaos run --seed "$((base + round))" tests/chaos/*.chaos || [ "$?" -eq 77 ]
done
echo "soak: $round rounds, no failure"
