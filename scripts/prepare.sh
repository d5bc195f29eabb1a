#!/bin/bash
# Installs the Debian packages of the commands named (those that are missing): prepare.sh COMMAND...
set -euo pipefail
declare -A package=(
  [npm]=npm [systemd-nspawn]=systemd-container [ip]=iproute2 [nft]=nftables [tc]=iproute2 [dbus-daemon]=dbus-daemon
  [busctl]=systemd [python3]=python3 [curl]=curl [nsenter]=util-linux [rpmbuild]=rpm [openssl]=openssl [git]=git
)
missing=()
for command; do
  command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
(( ${#missing[@]} )) || exit 0
if (( EUID )) || ! command -v apt-get >/dev/null; then
  echo "Missing, please install: ${missing[*]}" >&2
  exit 1
fi
echo "Installing ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
