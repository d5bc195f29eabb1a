#!/bin/bash
# Lays the built program out: install.sh PROGRAM DESTDIR PREFIX ZSH, for `make install`.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1 root=$2 usr=$2$3 prefix=$3 zsh=$4

install -d "$usr"/{bin,libexec,lib/systemd/{system,user},lib/{tmpfiles.d,sysusers.d},share/man/man{1,5,8},share/{dbus-1/{system.d,interfaces},polkit-1/actions}}
install -d "$root"/etc/bluechi/{controller,agent}.conf.d

# One executable, which goes by the name it is called by.
install -m 755 "$program" "$usr/bin/bluechi"
for tool in bluechictl bluechi-is-online; do ln -sfn bluechi "$usr/bin/$tool"; done
for role in controller agent proxy; do ln -sfn ../bin/bluechi "$usr/libexec/bluechi-$role"; done

for unit in packaging/units/*/*; do
  file=$usr/lib/systemd/${unit#packaging/units/}
  sed "s|/usr/libexec|$prefix/libexec|" "$unit" >"$file"
  chmod 644 "$file"
done
install -m 644 packaging/tmpfiles/bluechi.conf "$usr/lib/tmpfiles.d/"
install -m 644 packaging/sysusers/bluechi.conf "$usr/lib/sysusers.d/"
install -m 644 packaging/dbus/*.conf "$usr/share/dbus-1/system.d/"
install -m 644 dist/interfaces/*.xml "$usr/share/dbus-1/interfaces/"
install -m 644 dist/policy/polkit/*.policy "$usr/share/polkit-1/actions/"

for page in dist/man/*/*; do install -m 644 "$page" "$usr/share/${page#dist/}"; done
ln -sfn bluechi-proxy@.service.8 "$usr/share/man/man8/bluechi-dep@.service.8"

# bash and fish look for a file that is called as the command is, zsh in any file.
bash=$usr/share/bash-completion/completions fish=$usr/share/fish/vendor_completions.d
install -D -m 644 packaging/completions/bluechi.bash "$bash/bluechictl"
ln -sfn bluechictl "$bash/bluechi-is-online"
install -D -m 644 packaging/completions/bluechi.fish "$fish/bluechictl.fish"
ln -sfn bluechictl.fish "$fish/bluechi-is-online.fish"
install -D -m 644 packaging/completions/_bluechi "$usr/share/zsh/$zsh/_bluechi"

# The program looks for its defaults there wherever it lies itself.
install -D -m 644 dist/config/controller.conf "$root/usr/share/bluechi/config/controller.conf"
install -D -m 644 dist/config/agent.conf "$root/usr/share/bluechi-agent/config/agent.conf"

# Policies for the bus that let others than root in: people install them who want that.
for file in dist/policy/dbus-1/*; do install -D -m 644 "$file" "$root/usr/share/bluechi/dbus-1/${file##*/}"; done
