#!/usr/bin/env bash
# Installs what Holdfast is built and tested with. Debian packages are the only source. Safe to repeat; asks
# apt for nothing when everything is there. `deps.sh build` leaves out what only tests and benchmarks need.
set -euo pipefail

build_packages=(g++ meson ninja-build pkg-config ccache lld
  libcaf-dev libboost1.81-dev libssl-dev rapidjson-dev libspdlog-dev libfmt-dev libcli11-dev libyaml-cpp-dev
  libmnl-dev libcap-dev libncurses-dev libsystemd-dev libxxhash-dev doctest-dev libbenchmark-dev python3 curl)
test_packages=(clang libclang-rt-14-dev clang-format clang-tidy iproute2 iptables iputils-arping tcpdump strace jq
  openssl e2fsprogs attr procps faketime)
bench_packages=(etcd-server etcd-client keepalived wrk)

case "${1:-all}" in
  build) wanted=("${build_packages[@]}") ;;
  all) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
  bench) wanted=("${build_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}") ;;
  *) echo "deps.sh: unknown set '$1' (build, all or bench)" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
  run=()
elif command -v sudo >/dev/null; then
  run=(sudo)
else
  echo "deps.sh: these Debian packages are missing and this user may not install them: ${missing[*]}" >&2
  echo "deps.sh: as root, run: apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "Installing: ${missing[*]}"
"${run[@]}" apt-get update -qq
# Installing a server package must not start that server on this machine.
DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
