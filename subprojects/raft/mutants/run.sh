#!/bin/sh
# Proves that the tests catch mistakes: applies each patch of this folder to a copy of the library, builds it, and
# runs scenarios and simulator until one of them fails. A mutant that survives means that a test is missing.
#
#   mutants/run.sh [--seconds N] [NAME...]     all mutants, or those whose file name contains one of the names
#
# Needs a compiler (CXX, default c++) and, when there, ccache. Exit code 1 when a mutant survives, does not apply or
# does not build.
set -u
here=$(cd "$(dirname "$0")" && pwd)
library=$(dirname "$here")
seconds=60
if [ "${1:-}" = --seconds ]; then seconds=$2; shift 2; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v ccache >/dev/null && cache=ccache || cache=
compile="$cache ${CXX:-c++} -std=c++20 -O1 -I$work/copy/include -I$work/copy"
export CCACHE_BASEDIR="$work" CCACHE_NOHASHDIR=1

fresh_copy() {
  rm -rf "$work/copy" && mkdir -p "$work/copy"
  cp -r "$library/include" "$library/src" "$library/sim" "$library/tests" "$work/copy/" 2>/dev/null
}

# What does not depend on the mutant is compiled once.
build() {
  mkdir -p "$work/objects"
  for source in "$work"/copy/src/*.cpp "$work"/copy/sim/*.cpp; do
    object="$work/objects/$(basename "$(dirname "$source")")-$(basename "$source" .cpp).o"
    echo "$compile -c $source -o $object"
  done | xargs -P "${JOBS:-1}" -d '\n' -n 1 sh -c || return 1
  $compile "$work"/objects/*.o -o "$work/raft_sim" -lpthread
}

# Which test catches it, or nothing.
hunt() {
  "$work/raft_sim" --regressions "$work/copy/sim/seeds/regressions.txt" >"$work/log" 2>&1 ||
    { echo "fixed seed: $(grep -m1 '^FAILED ' "$work/log" | tail -c +8 | cut -c1-60)"; return; }
  "$work/raft_sim" --for "${seconds}s" --seed-base mutants --jobs "${JOBS:-1}" >"$work/log" 2>&1 ||
    { echo "swarm: $(grep '^FAILED ' "$work/log" | tail -1 | tail -c +8 | cut -c1-80)"; return; }
}

survivors=0
printf '%-44s %s\n' mutant 'caught by'
for patch in "$here"/*.patch; do
  name=$(basename "$patch" .patch)
  if [ $# -gt 0 ]; then
    wanted=
    for part in "$@"; do case $name in *"$part"*) wanted=yes ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  fresh_copy
  if ! patch -s -p1 -F3 -d "$work/copy" <"$patch" >"$work/log" 2>&1; then
    result='DOES NOT APPLY'
  elif ! build >"$work/log" 2>&1; then
    result='DOES NOT BUILD'
  else
    result=$(hunt)
  fi
  case $result in
    '') result=SURVIVED; survivors=$((survivors + 1)) ;;
    'DOES NOT'*) survivors=$((survivors + 1)) ;;
  esac
  printf '%-44s %s\n' "$name" "$result"
done
[ "$survivors" -eq 0 ]
