#!/bin/sh
# Proves that the tests catch mistakes: applies each patch of this folder to a copy of the library, builds it and runs
# its tests (crash states among them). A mutant that survives means that a test is missing.
#
#   mutants/run.sh [--for SECONDS] [--build FOLDER] [NAME...]
#
# All mutants, or those whose file name contains one of the names.
# --for: in random order, and none is begun after that time; says which were not reached.
# --build: take the objects of the unchanged library from this subproject's folder in an up-to-date Meson build.
# Needs a compiler (CXX, default c++), doctest and, when there, ccache. JOBS: how many compilers at once (default 2).
# Exit code 1 when a mutant survives, does not apply or does not build.
set -u
begun=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)
library=$(dirname "$here")
prebuilt=
limit=
while :; do
  case ${1:-} in
    --for) limit=$2; shift 2 ;;
    --build) prebuilt=$(cd "$2" && pwd) || exit 1; shift 2 ;;
    *) break ;;
  esac
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v ccache >/dev/null && cache=ccache || cache=
linker=${CXX:-c++}
compiler="$cache $linker -std=c++20 -O1 -w -DDOCTEST_CONFIG_SUPER_FAST_ASSERTS"
compiler="$compiler -Icopy/include -Icopy/src -Icopy/tests"
export CCACHE_NOHASHDIR=1
printf '#include <doctest/doctest.h>\n' | $linker -E -x c++ - >/dev/null 2>&1 ||
  { echo 'doctest is not installed' >&2; exit 1; }

mkdir -p "$work/copy" "$work/objects"
cp -r "$library/include" "$library/src" "$library/tests" "$work/copy/"
cd "$work" || exit 1 # relative paths, so that the compiler cache knows a file again
build() { # objects' folder, sources…
  objects=$1
  shift
  for source in "$@"; do
    echo "$compiler -c $source -o $objects/$(basename "$(dirname "$source")")-$(basename "$source" .cpp).o"
  done | xargs -P "${JOBS:-2}" -d '\n' -n 1 sh -c && $linker "$objects"/*.o -o "$work/wal_tests"
}

# The test that catches it, or nothing. One that runs for ever is caught too.
hunt() {
  timeout 120 "$work/wal_tests" >"$work/log" 2>&1 && return
  name=$(sed -n 's/^TEST CASE: *//p' "$work/log" | head -1)
  echo "${name:-the tests end early or run for ever}"
}

# The objects of a Meson build under the names that are used here.
take() { # folder of objects, kind
  for object in "$prebuilt/$1"/*.cpp.o; do
    name=$(basename "$object" .cpp.o)
    cp "$object" "$work/objects/$2-${name#src_}.o" || exit 1
  done
}

if [ -n "$prebuilt" ]; then
  take libholdfast_wal.a.p src
  take tests/libwal_fake_fs.a.p tests
  take tests/wal_tests.p tests
  $linker objects/*.o -o wal_tests || exit 1
else
  build "$work/objects" copy/src/*.cpp copy/tests/*.cpp || { echo 'the library does not build' >&2; exit 1; }
fi
caught=$(hunt)
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
  rm -rf "$work/copy/src" "$work/mutant"
  cp -r "$library/src" "$work/copy/" && cp -r "$work/objects" "$work/mutant"
  if ! patch -s -p1 -F3 -d "$work/copy" <"$patch" >"$work/log" 2>&1; then
    result='DOES NOT APPLY'
  else
    # shellcheck disable=SC2046 -- a list of paths
    build "$work/mutant" $(sed -n 's|^+++ b/\([^[:space:]]*\).*|\1|p' "$patch" | sed "s|^|copy/|") \
      >"$work/log" 2>&1 && result=$(hunt) || result='DOES NOT BUILD'
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
