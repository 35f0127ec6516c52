#!/bin/sh
# Proves that the tests catch mistakes: applies each patch of this folder to a copy of the library, builds it, and
# runs scenarios and simulator until one of them fails. A mutant that survives means that a test is missing.
#
#   mutants/run.sh [--seeds N] [NAME...]       all mutants, or those whose file name contains one of the names
#
# Needs a compiler (CXX, default c++) and, when there, ccache. Exit code 1 when a mutant survives, does not apply or
# does not build.
set -u
here=$(cd "$(dirname "$0")" && pwd)
library=$(dirname "$here")
seeds=6000 # about 20 CPU-seconds for one that survives
if [ "${1:-}" = --seeds ]; then seeds=$2; shift 2; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v ccache >/dev/null && cache=ccache || cache=
compiler="$cache ${CXX:-c++} -std=c++20 -O1 -I$work/copy/include -I$work/copy"
export CCACHE_BASEDIR="$work" CCACHE_NOHASHDIR=1

# A pristine build first; a mutant then recompiles only the files that its patch touches (all, for a header).
mkdir -p "$work/copy" "$work/objects" "$work/mutant"
cp -r "$library/include" "$library/src" "$library/sim" "$library/tests" "$work/copy/"

compile() {
  for source in "$@"; do
    echo "$compiler -c $source -o $objects/$(basename "$(dirname "$source")")-$(basename "$source" .cpp).o"
  done | xargs -P "${JOBS:-1}" -d '\n' -n 1 sh -c
}

build() {
  compile "$@" && $compiler "$objects"/*.o -o "$work/raft_sim" -lpthread
}

found() { grep '^FAILED ' "$work/log" | tail -1 | tail -c +8 | cut -c1-90; }

# Which test catches it, or nothing.
hunt() {
  "$work/raft_sim" --regressions "$work/copy/sim/seeds/regressions.txt" >"$work/log" 2>&1 ||
    { echo "fixed seed: $(found)"; return; }
  "$work/raft_sim" --seeds "100001..$((100000 + seeds))" --jobs "${JOBS:-1}" >"$work/log" 2>&1 ||
    { echo "swarm: $(found)"; return; }
}

objects=$work/objects
build "$work"/copy/src/*.cpp "$work"/copy/sim/*.cpp || { echo 'the library does not build' >&2; exit 1; }
caught=$(hunt)
[ -z "$caught" ] || { echo "the unchanged library fails: $caught" >&2; exit 1; }

survivors=0
printf '%-44s %s\n' mutant 'caught by'
for patch in "$here"/*.patch; do
  name=$(basename "$patch" .patch)
  if [ $# -gt 0 ]; then
    wanted=
    for part in "$@"; do case $name in *"$part"*) wanted=yes ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  rm -rf "$work/copy/src" "$work/copy/include" && cp -r "$library/src" "$library/include" "$work/copy/"
  rm -rf "$work/mutant" && cp -r "$work/objects" "$work/mutant" && objects=$work/mutant
  if ! patch -s -p1 -F3 -d "$work/copy" <"$patch" >"$work/log" 2>&1; then
    result='DOES NOT APPLY'
  else
    touched=$(sed -n 's|^+++ b/||p' "$patch" | sed "s|^|$work/copy/|")
    case $touched in *.hpp*) touched="$work/copy/src/*.cpp $work/copy/sim/*.cpp" ;; esac
    # shellcheck disable=SC2086 -- a list of paths
    if ! build $touched >"$work/log" 2>&1; then
      result='DOES NOT BUILD'
    else
      result=$(hunt)
    fi
  fi
  case $result in
    '') result=SURVIVED; survivors=$((survivors + 1)) ;;
    'DOES NOT'*) survivors=$((survivors + 1)) ;;
  esac
  printf '%-44s %s\n' "$name" "$result"
done
[ "$survivors" -eq 0 ]
