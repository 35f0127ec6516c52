#!/usr/bin/env bash
# Runs clang-tidy with the rules of .clang-tidy over C++ sources, one after the other at low priority.
#
#   ./tools/tidy.sh [-p BUILD] [--since COMMIT | FILE...]
#
# BUILD is a set-up build directory (default: build); its compile commands are used, nothing is compiled.
# Without files: the sources that differ from COMMIT (default: HEAD), changes not yet committed included.
# Ends with 1 when there are findings.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build
since=HEAD
files=()
while [ $# -gt 0 ]; do
  case "$1" in
    -p) build=${2:?-p needs a directory}; shift 2 ;;
    --since) since=${2:?--since needs a commit}; shift 2 ;;
    -h | --help) sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    -*) echo "tidy.sh: unknown option '$1' (see --help)" >&2; exit 2 ;;
    *) files+=("$1"); shift ;;
  esac
done
if [ ! -f "$build/compile_commands.json" ]; then
  echo "tidy.sh: $build has no compile_commands.json: run meson setup $build, or name a build directory with -p" >&2
  exit 2
fi
if ! command -v clang-tidy >/dev/null; then
  echo "tidy.sh: clang-tidy is missing: run ./tools/deps.sh" >&2
  exit 2
fi
if [ "${#files[@]}" -eq 0 ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d "$since" -- '*.cpp')
fi
failed=0
for file in "${files[@]}"; do
  echo "tidy: $file"
  # The compile commands are g++'s; what clang does not know of them is no finding.
  nice -n 19 clang-tidy --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wno-ignored-optimization-argument "$file" 2>/dev/null || failed=1
done
exit "$failed"
