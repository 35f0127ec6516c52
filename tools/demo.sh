#!/usr/bin/env bash
# Installs what is needed, builds Holdfast, and shows a cluster of three at work on this machine.
#
#   ./tools/demo.sh [--keep | --vip]
#
# Three nodes on loopback addresses become one cluster; something is written; the active node is killed with -9;
# the next write succeeds on another node, and the time that took is shown; the dead node comes back, and the
# files of all three are equal byte for byte. No root is needed (but for installing packages). Everything lives
# in a temporary folder and is gone afterwards; --keep leaves the nodes running and says how to talk to them.
# --vip (root): three nodes and a client in network namespaces; the client writes through the virtual IP meanwhile.
# HOLDFAST_DEMO_BUILD names a build directory that is there already: nothing is installed or built then.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${1:-}" != --vip ] || exec python3 tools/demo_vip.py # root: the virtual address, in network namespaces

keep=no
addresses=(127.0.0.11 127.0.0.12 127.0.0.13)
virtual=192.0.2.11 # of the load balancer a real cluster would stand behind
build=${HOLDFAST_DEMO_BUILD:-$PWD/build/demo} # a build that is there already may be named
work=
pids=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
cli() { RS_ENDPOINT="https://$1:8092" HOME="$work" "$bin" "${@:2}"; }
exec 3>&1 # commands are shown also when their output goes elsewhere
show() { printf '$ holdfast %s\n' "${*:2}" >&3; cli "$@"; }
url() { printf 'https://%s:8092' "${addresses[$1]}"; }

arguments() {
  for word in "$@"; do
    case "$word" in
      --keep) keep=yes ;;
      -h | --help) sed -n '2,11p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
      *) echo "demo.sh: unknown argument '$word' (see --help)" >&2; exit 2 ;;
    esac
  done
}

build_it() {
  say "Installing and building (the first time takes some minutes)"
  if [ -z "${HOLDFAST_DEMO_BUILD:-}" ]; then
    ./tools/deps.sh build
    [ -f "$build/build.ninja" ] || meson setup "$build" >build-setup.log 2>&1 || { cat build-setup.log >&2; exit 1; }
    rm -f build-setup.log
    ninja -C "$build" tools/holdfastd/holdfastd tools/holdfast/holdfast | tail -n 1
  fi
  bin=$build/tools/holdfast/holdfast
  daemon=$build/tools/holdfastd/holdfastd
  work=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-demo.XXXXXX")
}

stop_all() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ -n "$work" ]; then rm -rf "$work"; fi
}

start() { # number of the node
  "$daemon" --base-root "$work/n$1" --static-ip "${addresses[$1]}" --drp-id "server-$1" >>"$work/n$1.log" 2>&1 3>&- &
  pids[$1]=$!
}

serves() { cli "${addresses[$1]}" -x info get >/dev/null 2>&1; }

wait_up() {
  for _ in $(seq 300); do
    if serves "$1"; then return; fi
    kill -0 "${pids[$1]}" 2>/dev/null || break
    sleep 0.1
  done
  echo "node $1 did not come up:" >&2; tail -n 20 "$work/n$1.log" >&2; exit 1
}

form() {
  say "Three nodes: ${addresses[*]}"
  for n in 0 1 2; do start $n; done
  for n in 0 1 2; do wait_up $n; done
  say "The first becomes a cluster, the others join it"
  show "${addresses[0]}" system ha enroll "$(url 0)" rocketskates r0cketsk8ts ConsensusAddr "${addresses[0]}:8093" \
    HaID demo LoadBalanced true VirtAddr "$virtual" >/dev/null
  for n in 1 2; do
    show "${addresses[0]}" system ha enroll "$(url $n)" rocketskates r0cketsk8ts ConsensusAddr "${addresses[$n]}:8093" \
      >/dev/null
  done
  show "${addresses[0]}" -F table -J ConsensusID,ConsensusAddr,Passive,Offline system ha peers
}

active() { # number of the active node, as a living one tells it
  local n id
  for _ in $(seq 300); do
    for n in 0 1 2; do
      if curl -sk --max-time 1 -o /dev/null -f "https://${addresses[$n]}:8092/health/active"; then echo $n; return; fi
    done
    sleep 0.02
  done
  echo "no node is active" >&2; exit 1
}

write_on() { # node, name: one try
  curl -sk --max-time 2 -o /dev/null -f -u rocketskates:r0cketsk8ts -H 'Content-Type: application/json' \
    -d "{\"Name\":\"$2\"}" "https://${addresses[$1]}:8092/api/v3/profiles"
}

now_ms() { date +%s%3N; }

kill_active() {
  local was n began
  was=$(active)
  say "A write, then kill -9 of the active node (${addresses[$was]})"
  show "${addresses[$was]}" profiles create '{"Name": "greeting", "Params": {"text": "hello"}}' >/dev/null
  kill -9 "${pids[$was]}"
  began=$(now_ms)
  wait "${pids[$was]}" 2>/dev/null || true
  while :; do
    for n in 0 1 2; do
      if [ "$n" != "$was" ] && write_on "$n" after-the-kill; then
        echo "The next write succeeded $(($(now_ms) - began)) ms after the kill, on ${addresses[$n]}."
        say "What was written before is there"
        show "${addresses[$n]}" profiles get greeting param text
        dead=$was
        return
      fi
    done
    [ $(($(now_ms) - began)) -lt 30000 ] || { echo "no write in 30 s" >&2; exit 1; }
  done
}

digests() { # node
  (cd "$work/n$1/wal" && sha256sum base.* log.* | sha256sum | cut -d' ' -f1)
}

come_back() {
  say "The dead node comes back; the files of all three"
  start "$dead"
  wait_up "$dead"
  local n equal=no
  for _ in $(seq 300); do
    if [ "$(digests 0)" = "$(digests 1)" ] && [ "$(digests 1)" = "$(digests 2)" ]; then equal=yes; break; fi
    sleep 0.1
  done
  for n in 0 1 2; do echo "${addresses[$n]}  $(digests $n)"; done
  [ "$equal" = yes ] || { echo "the files differ" >&2; exit 1; }
  show "${addresses[0]}" -F table -J ConsensusID,SyncedIndex,Chain system ha verify
}

farewell() {
  cat <<TXT

Try next (holdfast is $bin):
  export RS_ENDPOINT=https://${addresses[$(active)]}:8092
  holdfast system ha peers -F table          holdfast system ha doctor
  holdfast system ha transfer                holdfast system ha failOverSafe 3s
  holdfast machines create '{"Name": "m1"}'  holdfast actors -F table
TXT
  if [ "$keep" = yes ]; then
    trap - EXIT
    echo "The nodes run on as processes ${pids[*]}; their files are in $work. Stop them with: kill ${pids[*]}"
  fi
}

main() {
  arguments "$@"
  trap stop_all EXIT
  build_it
  form
  kill_active
  come_back
  farewell
}

main "$@"
