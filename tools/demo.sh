#!/usr/bin/env bash
# Installs what is needed, builds Holdfast, and shows it at work on this machine.
#
#   ./tools/demo.sh [--keep]
#
# One node on a loopback address: a write, a read, kill -9, and the data still there. Everything lives in a
# temporary folder and is gone afterwards; --keep leaves the node running and says how to talk to it.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=no
case "${1:-}" in
  "") ;;
  --keep) keep=yes ;;
  -h | --help) sed -n '2,7p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
  *) echo "demo.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
esac

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*" | sed "s#$bin/##g"; "$@"; }

say "Installing and building (the first time takes some minutes)"
./tools/deps.sh build
[ -f build/demo/build.ninja ] || meson setup build/demo >build-setup.log 2>&1 ||
  { cat build-setup.log >&2; exit 1; }
rm -f build-setup.log
ninja -C build/demo tools/holdfastd/holdfastd tools/holdfast/holdfast | tail -n 1
bin=$PWD/build/demo/tools/holdfast
daemon=$PWD/build/demo/tools/holdfastd/holdfastd

work=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-demo.XXXXXX")
address=127.0.0.11
pid=
finish() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

export RS_ENDPOINT="https://$address:8092" RS_TOKEN_CACHE="$work/tokens"
start() {
  "$daemon" --base-root "$work/n1" --static-ip "$address" >>"$work/n1.log" 2>&1 &
  pid=$!
  for _ in $(seq 200); do
    if "$bin/holdfast" -x info get >/dev/null 2>&1; then return; fi
    kill -0 "$pid" 2>/dev/null || { cat "$work/n1.log" >&2; exit 1; }
  done
  echo "the node did not come up:" >&2; cat "$work/n1.log" >&2; exit 1
}

say "One node on $address"
start
run "$bin/holdfast" profiles create '{"Name": "greeting", "Params": {"text": "hello"}}' >/dev/null
run "$bin/holdfast" profiles get greeting param text

say "kill -9"
kill -9 "$pid"; wait "$pid" 2>/dev/null || true
start
say "The data after the restart"
run "$bin/holdfast" profiles get greeting param text
say "Its log, checked byte by byte"
run "$bin/holdfast" -F table -J Name,State,Records,LastIndex,Chain wal check "$work/n1/wal" || true

cat <<TXT

Try next:
  export RS_ENDPOINT=$RS_ENDPOINT
  holdfast machines create '{"Name": "m1"}'      holdfast machines list -F table
  holdfast events watch                          holdfast actors -F table
TXT
if [ "$keep" = yes ]; then
  trap - EXIT
  echo "The node runs on as process $pid; its files are in $work. Stop it with: kill $pid"
fi
