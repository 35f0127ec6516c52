#!/usr/bin/env bash
# Builds Holdfast and runs its whole test suite on this machine: README's test command and what CI calls.
#
#   ./tools/test.sh [--sanitize] [--suite NAME] [--build-root DIR] [--swarm SECONDS]
#
# After the suite: fresh seeds of the consensus simulator on both cores for --swarm seconds (default 120), a few planted
# mistakes that the tests must catch, and the libraries (raft, wal, pmap) with their simulator and fuzz replays
# under the address and undefined-behaviour sanitizers. --sanitize adds the product's own fuzz replays and tests there.
# HOLDFAST_SEED_BASE=TEXT chooses the fresh seeds; it is the commit, so one commit tries the same ones.
#
# From nothing (a fresh Debian 12 with network access to its package mirror) it must finish within 40 minutes
# on two cores. Tests that need root are skipped, with the reason, when not run as root.
# Exit status: 0 when nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitize=no
suite=()
build_root=build
swarm=120
while [ $# -gt 0 ]; do
  case "$1" in
    --sanitize) sanitize=yes ;;
    --suite) shift; suite=(--suite "${1:?test.sh: --suite needs a name}") ;;
    --swarm) shift; swarm=${1:?test.sh: --swarm needs a number of seconds} ;;
    --build-root) shift; build_root=${1:?test.sh: --build-root needs a folder} ;;
    -h | --help) sed -n '2,14p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) echo "test.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
  esac
  shift
done

./tools/deps.sh all
started=$SECONDS

# Seeds of the simulator differ from commit to commit and stay the same for one commit.
export HOLDFAST_SEED_BASE=${HOLDFAST_SEED_BASE:-$(git rev-parse --short=8 HEAD 2>/dev/null || echo 1)}

configure() { # folder, options…
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] || meson setup "$folder" "$@" >"$build_root/setup.log" 2>&1 || {
    cat "$build_root/setup.log" >&2
    exit 1
  }
}
mkdir -p "$build_root"
sanitizers=(-Ddebug=true -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false)
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

echo "== build (release, assertions on)"
configure "$build_root/test" -Dunsafe_faults=true
ninja -C "$build_root/test" | tail -n 1
echo "== built after $((SECONDS - started)) s"

status=0
logs=("$build_root/test/meson-logs/testlog.json")
echo "== tests"
meson test -C "$build_root/test" --no-rebuild --print-errorlogs "${suite[@]}" || status=1

# Runs what is no test of the build and adds its verdict to the sum.
counted() { # name, command…
  local name=$1 result=OK
  shift
  "$@" || result=FAIL
  [ "$result" = OK ] || status=1
  printf '{"name": "%s", "result": "%s"}\n' "$name" "$result" >>"$build_root/extra.json"
}

if [ "${#suite[@]}" -eq 0 ]; then
  : >"$build_root/extra.json"
  logs+=("$build_root/extra.json")
  echo "== consensus simulator: $swarm s of fresh seeds, base $HOLDFAST_SEED_BASE"
  counted "raft_sim fresh seeds" "$build_root/test/subprojects/raft/sim/raft_sim" --for "${swarm}s" --jobs 2 \
    --seed-base "$HOLDFAST_SEED_BASE"
  echo "== planted mistakes"
  counted "raft mutants (a few)" subprojects/raft/mutants/run.sh --quick --build "$build_root/test/subprojects/raft"
  counted "wal mutants" subprojects/wal/mutants/run.sh --build "$build_root/test/subprojects/wal"

  for library in raft wal pmap; do
    echo "== $library under the address and undefined-behaviour sanitizers"
    unity=()
    [ "$library" != raft ] || unity=(-Dunity=on -Dunity_size=40) # its many small files compile in a third of the time
    configure "$build_root/asan-$library" "subprojects/$library" "${sanitizers[@]}" "${unity[@]}"
    ninja -C "$build_root/asan-$library" | tail -n 1
    meson test -C "$build_root/asan-$library" --no-rebuild --print-errorlogs --timeout-multiplier 5 || status=1
    logs+=("$build_root/asan-$library/meson-logs/testlog.json")
  done
  echo "== so far $((SECONDS - started)) s"
fi

if [ "$sanitize" = yes ] && [ "${#suite[@]}" -eq 0 ]; then
  echo "== build (address and undefined-behaviour sanitizers)"
  configure "$build_root/asan" "${sanitizers[@]}"
  sanitized=(fuzz sanitize)
  mapfile -t targets < <(python3 tools/test_targets.py "$build_root/asan" "${sanitized[@]}")
  ninja -C "$build_root/asan" "${targets[@]}" | tail -n 1
  echo "== tests under the sanitizers"
  meson test -C "$build_root/asan" --no-rebuild --print-errorlogs $(printf -- '--suite %s ' "${sanitized[@]}") ||
    status=1
  logs+=("$build_root/asan/meson-logs/testlog.json")
fi

echo "== all done after $((SECONDS - started)) s"
python3 tools/test_summary.py "${logs[@]}" || status=1
exit "$status"
