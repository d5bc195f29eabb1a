#!/bin/bash
# Installs the Debian packages of the commands and files named (those that are missing): prepare.sh COMMAND|FILE...
set -euo pipefail
declare -A package=(
  [/sbin/init]=systemd-sysv [/lib/systemd/system/dbus.service]=dbus
  [/lib/systemd/system/polkit.service]=polkitd [/usr/bin/python3]=python3 [/usr/bin/curl]=curl
  [dpkg-deb]=dpkg [git]=git [ip]=iproute2 [tc]=iproute2 [make]=make [nft]=nftables [npm]=npm [nsenter]=util-linux
  [debootstrap]=debootstrap [pgrep]=procps [rpmbuild]=rpm [systemd-nspawn]=systemd-container
  # What runs programs for arm64, and what judges packages.
  [qemu-aarch64-static]=qemu-user-static [/usr/aarch64-linux-gnu/lib/libc.so.6]=libc6-arm64-cross
  [rpmlint]=rpmlint [lintian]=lintian
  [openssl]=openssl [sshd]=openssh-server [ssh]=openssh-client [man]=man-db [mandoc]=mandoc [zsh]=zsh [fish]=fish
  # What programs of others speak D-Bus with, for the tests.
  [/usr/lib/python3/dist-packages/dbus]=python3-dbus [/usr/lib/python3/dist-packages/gi]=python3-gi
  [/usr/lib/python3/dist-packages/dasbus]=python3-dasbus
  [gdbus]=libglib2.0-bin [dbus-monitor]=dbus-bin [dbus-daemon]=dbus-daemon
  [/usr/lib/systemd/user/dbus.socket]=dbus-user-session
)
missing=()
for wanted; do
  command -v "$wanted" >/dev/null || [[ -e $wanted ]] || missing+=("${package[$wanted]}")
done
(( ${#missing[@]} )) || exit 0
if (( EUID )) || ! command -v apt-get >/dev/null; then
  echo "Missing, please install: ${missing[*]}" >&2
  exit 1
fi
echo "Installing ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
