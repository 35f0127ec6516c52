#!/usr/bin/env bash
# Builds Holdfast and runs its whole test suite on this machine: README's test command and what CI calls.
#
#   ./tools/test.sh [--sanitize] [--suite NAME] [--build-root DIR]
#
# --sanitize adds a second build under the address and undefined-behaviour sanitizers and runs what fits there.
#
# From nothing (a fresh Debian 12 with network access to its package mirror) it must finish within 40 minutes
# on two cores. Tests that need root are skipped, with the reason, when not run as root.
# Exit status: 0 when nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitize=no
suite=()
build_root=build
while [ $# -gt 0 ]; do
  case "$1" in
    --sanitize) sanitize=yes ;;
    --suite) shift; suite=(--suite "${1:?test.sh: --suite needs a name}") ;;
    --build-root) shift; build_root=${1:?test.sh: --build-root needs a folder} ;;
    -h | --help) sed -n '2,10p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) echo "test.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
  esac
  shift
done

./tools/deps.sh all
started=$SECONDS

# Seeds of the simulator differ from commit to commit and stay the same for one commit.
HOLDFAST_SEED_BASE=$(git rev-parse --short=8 HEAD 2>/dev/null || echo 1)
export HOLDFAST_SEED_BASE

configure() { # folder, options…
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] || meson setup "$folder" "$@" >"$build_root/setup.log" 2>&1 || {
    cat "$build_root/setup.log" >&2
    exit 1
  }
}
mkdir -p "$build_root"

echo "== build (release, assertions on)"
configure "$build_root/test"
ninja -C "$build_root/test" | tail -n 1
echo "== built after $((SECONDS - started)) s"

status=0
logs=("$build_root/test/meson-logs/testlog.json")
echo "== tests"
meson test -C "$build_root/test" --no-rebuild --print-errorlogs "${suite[@]}" || status=1

if [ "$sanitize" = yes ] && [ "${#suite[@]}" -eq 0 ]; then
  echo "== build (address and undefined-behaviour sanitizers)"
  configure "$build_root/asan" -Ddebug=true -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false
  sanitized=(raft wal fuzz sanitize)
  mapfile -t targets < <(python3 tools/test_targets.py "$build_root/asan" "${sanitized[@]}")
  ninja -C "$build_root/asan" "${targets[@]}" | tail -n 1
  echo "== tests under the sanitizers"
  ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    meson test -C "$build_root/asan" --no-rebuild --print-errorlogs $(printf -- '--suite %s ' "${sanitized[@]}") ||
    status=1
  logs+=("$build_root/asan/meson-logs/testlog.json")
fi

echo "== all done after $((SECONDS - started)) s"
python3 tools/test_summary.py "${logs[@]}" || status=1
exit "$status"
