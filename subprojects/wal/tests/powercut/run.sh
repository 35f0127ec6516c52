#!/bin/sh
# Pulls the plug on a real ext4: the log lives in a file system image on a loop device; the writer is killed and the
# image is copied at that moment, so the copy holds what had reached the "disk" and nothing of the page cache. The copy
# is mounted and checked against what the writer had called durable. A careless writer at the end shows that the test
# would have seen a loss.
#
#   run.sh WRITER [ROUNDS]        exit 0 passed, 77 skipped (says why), anything else failed
set -u
writer=$1
rounds=${2:-6}

skip() { echo "skipped: $1"; exit 77; }
fail() { echo "FAILED: $1"; exit 1; }

[ "$(id -u)" = 0 ] || skip "mounting a loop device needs root"
for tool in mkfs.ext4 mount umount; do
  command -v "$tool" >/dev/null 2>&1 || skip "$tool is not installed"
done

scratch=$(mktemp -d) || fail "no scratch directory"
live=$scratch/live
dead=$scratch/dead
pid=
clean_up() {
  [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null
  umount "$dead" 2>/dev/null
  umount "$live" 2>/dev/null || umount -l "$live" 2>/dev/null
  rm -rf "$scratch"
}
trap clean_up EXIT
mkdir "$live" "$dead"

# One life and death: $1 writer's verb, $2 milliseconds until the plug is pulled. Leaves the check's verdict in $?.
one_round() {
  rm -f "$scratch/disk" "$scratch/copy" "$scratch/acked"
  truncate -s 96M "$scratch/disk"
  mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$scratch/disk" || fail "mkfs.ext4"
  mount -o loop "$scratch/disk" "$live" 2>"$scratch/why" || skip "loop mount: $(cat "$scratch/why")"
  "$writer" "$1" "$live" >"$scratch/acked" 2>"$scratch/complaint" &
  pid=$!
  sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
  kill -9 "$pid" || { cat "$scratch/complaint"; fail "the writer ended by itself"; }
  cp --sparse=always "$scratch/disk" "$scratch/copy" || fail "copy of the image"
  wait "$pid" 2>/dev/null
  pid=
  # Only whole lines count: the writer may have been killed in the middle of one.
  acked=$(sed -n '/^[0-9][0-9]*$/p' "$scratch/acked" | tail -n 1)
  umount "$live" || fail "umount"
  mount -o loop "$scratch/copy" "$dead" || fail "mount of the copy"
  "$writer" check "$dead" "${acked:-0}" 2>"$scratch/complaint"
  verdict=$?
  umount "$dead" || fail "umount of the copy"
  return $verdict
}

round=1
while [ "$round" -le "$rounds" ]; do
  one_round write $((150 + (round * 317) % 700)) || { cat "$scratch/complaint"; fail "round $round"; }
  round=$((round + 1))
done

round=1
while [ "$round" -le 3 ]; do
  if ! one_round careless 300; then
    echo "control: a writer that does not sync is found out ($(cat "$scratch/complaint"))"
    exit 0
  fi
  round=$((round + 1))
done
fail "control: acknowledgements before the sync went unnoticed"
