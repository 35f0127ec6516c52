#!/bin/sh
# Proves that the tests catch mistakes: applies each patch of this folder to a copy of the library, builds it, and
# runs text scenarios, rules and oracles, the fixed seeds and a swarm of fresh ones until one of them fails. A mutant
# that survives means that a test is missing.
#
#   mutants/run.sh [--seeds N] [--quick] [--for SECONDS] [--build FOLDER] [NAME...]
#
# All mutants, those whose file name contains one of the names, or with --quick the few of quick.txt. N: how many
# fresh seeds a mutant may live through (default 6000, about 40 CPU-seconds for one that survives).
# --for: in random order, and none is begun after that time; says which were not reached.
# --build: take the objects of the unchanged library from this subproject's folder in an up-to-date Meson build.
# Needs a compiler (CXX, default c++), doctest for the rules and, when there, ccache. JOBS: how many compilers at once
# (default 2). Exit code 1 when a mutant survives, does not apply or does not build.
set -u
begun=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)
library=$(dirname "$here")
seeds=6000
quick=
limit=
prebuilt=
while :; do
  case ${1:-} in
    --seeds) seeds=$2; shift 2 ;;
    --quick) quick=yes; shift ;;
    --for) limit=$2; shift 2 ;;
    --build) prebuilt=$(cd "$2" && pwd) || exit 1; shift 2 ;;
    *) break ;;
  esac
done
# shellcheck disable=SC2046 -- a list of names
[ -z "$quick" ] || set -- $(sed 's/#.*//' "$here/quick.txt")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v ccache >/dev/null && cache=ccache || cache=
linker=${CXX:-c++}
compiler="$cache $linker -std=c++20 -O1 -w -Icopy/include -Icopy -Icopy/tests"
export CCACHE_NOHASHDIR=1
printf '#include <doctest/doctest.h>\n' | $linker -E -x c++ - >/dev/null 2>&1 && rules=yes || rules=

# A pristine build first; a mutant then recompiles only the files that its patch touches (all, for a header).
mkdir -p "$work/copy" "$work/objects" "$work/mutant"
cp -r "$library/include" "$library/src" "$library/sim" "$library/tests" "$work/copy/"
cd "$work" || exit 1 # relative paths, so that the compiler cache knows a file again
all="copy/src/*.cpp copy/sim/*.cpp copy/tests/cluster.cpp copy/tests/scenario_runner.cpp"
[ -z "$rules" ] || all="$all copy/tests/main.cpp copy/tests/test_*.cpp"

compile() {
  for source in "$@"; do
    echo "$compiler -c $source -o $objects/$(basename "$(dirname "$source")")-$(basename "$source" .cpp).o"
  done | xargs -P "${JOBS:-2}" -d '\n' -n 1 sh -c
}

link() { # program, objects…
  program=$1
  shift
  $linker "$objects"/src-*.o "$@" -o "$work/$program" -lpthread || { echo "$program does not link"; exit 1; }
}

found() { grep '^FAILED ' "$work/log" | tail -1 | tail -c +8 | cut -c1-90; }

# Which test catches it, or nothing; the quick ones first. A mutant may run for ever; that is caught too.
hunt() {
  link scenarios "$objects"/tests-cluster.o "$objects"/tests-scenario_runner.o
  timeout 60 "$work/scenarios" "$work/copy/tests/scenarios" >"$work/log" 2>&1 ||
    { echo "scenario: $(grep -o '[0-9][0-9]_[a-z_]*' "$work/log" | head -1)"; return; }
  if [ -n "$rules" ]; then
    link rules "$objects"/tests-cluster.o "$objects"/tests-main.o "$objects"/tests-test_*.o
    timeout 60 "$work/rules" >"$work/log" 2>&1 ||
      { echo "rule: $(sed -n 's/^TEST CASE: *//p' "$work/log" | head -1)"; return; }
  fi
  link raft_sim "$objects"/sim-*.o
  timeout 300 "$work/raft_sim" --regressions "$work/copy/sim/seeds/regressions.txt" >"$work/log" 2>&1 ||
    { echo "fixed seed: $(found)"; return; }
  timeout 900 "$work/raft_sim" --seeds "100001..$((100000 + seeds))" --jobs "${JOBS:-2}" >"$work/log" 2>&1 ||
    { echo "swarm: $(found)"; return; }
}

# The objects of a Meson build under the names that are used here.
take() { # folder of objects, kind
  for object in "$prebuilt/$1"/*.cpp.o; do
    name=$(basename "$object" .cpp.o)
    cp "$object" "$objects/$2-${name#src_}.o" || exit 1
  done
}

objects=$work/objects
if [ -n "$prebuilt" ]; then
  take libholdfast_raft.a.p src
  take sim/raft_sim.p sim
  take tests/libraft_test_cluster.a.p tests
  take tests/scenario_runner.p tests
  [ -z "$rules" ] || take tests/raft_tests.p tests
else
  # shellcheck disable=SC2086 -- a list of paths
  compile $all || { echo 'the library does not build' >&2; exit 1; }
fi
hunted=$seeds
[ -z "$quick$limit" ] || seeds=200
caught=$(hunt)
seeds=$hunted
[ -z "$caught" ] || { echo "the unchanged library fails: $caught" >&2; exit 1; }

tried=0
survivors=0
printf '%-44s %s\n' mutant 'caught by'
unreached=
for name in $(cd "$here" && printf '%s\n' *.patch | sed 's/\.patch$//' | if [ -n "$limit" ]; then shuf; else cat; fi); do
  patch=$here/$name.patch
  if [ $# -gt 0 ]; then
    wanted=
    for part in "$@"; do case $name in *"$part"*) wanted=yes ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  if [ -n "$limit" ] && [ "$tried" -gt 0 ] && [ "$(date +%s)" -ge "$((begun + limit))" ]; then
    unreached="$unreached $name"
    continue
  fi
  tried=$((tried + 1))
  rm -rf "$work/copy/src" "$work/copy/include" && cp -r "$library/src" "$library/include" "$work/copy/"
  rm -rf "$work/mutant" && cp -r "$work/objects" "$work/mutant" && objects=$work/mutant
  if ! patch -s -p1 -F3 -d "$work/copy" <"$patch" >"$work/log" 2>&1; then
    result='DOES NOT APPLY'
  else
    touched=$(sed -n 's|^+++ b/\([^[:space:]]*\).*|\1|p' "$patch" | sed "s|^|copy/|")
    case $touched in *.hpp*) touched=$all ;; esac
    # shellcheck disable=SC2086 -- a list of paths
    if ! compile $touched >"$work/log" 2>&1; then
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
[ -z "$unreached" ] || echo "not reached within $limit s:$unreached"
echo "$tried mutants, $survivors not caught"
[ "$survivors" -eq 0 ] && [ "$tried" -gt 0 ]
