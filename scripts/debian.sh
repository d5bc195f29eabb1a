#!/bin/bash
# Makes a root of a Debian release, with all that the tests need of a host, unless it is there: debian.sh SUITE
# Prints its folder. It comes from where this machine's apt gets Debian from, and is made once, however many ask for it.
set -euo pipefail
suite=$1
packages=(
  systemd-sysv libpam-systemd dbus dbus-user-session polkitd curl iproute2 openssl procps
  # What programs of others speak D-Bus with.
  python3 python3-dbus python3-gi python3-dasbus libglib2.0-bin dbus-bin
  # What completions and manual pages are for.
  bash-completion zsh fish man-db
  # What installs packages, and runs the one for arm64.
  rpm qemu-user-static libc6-arm64-cross
)
store=/var/cache/bluechi-test
root=$store/$suite-$(md5sum <<<"${packages[*]}" | head -c 8)
echo "$root"
[[ ! -d $root ]] || exit 0
mkdir -p "$store"
exec 9>"$root.lock"
flock 9
[[ ! -d $root ]] || exit 0

mirror() { apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1; }
[[ $(mirror) ]] || apt-get update -qq
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
export http_proxy https_proxy
rm -rf --one-file-system "$root.new"
debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$root.new" "$(mirror)" >"$root.log" || {
  tail "$root.log" >&2
  exit 1
}
rm -rf "$root.new"/var/{cache/apt/archives,lib/apt/lists}/* "$root.new"/usr/share/doc
mv "$root.new" "$root"
