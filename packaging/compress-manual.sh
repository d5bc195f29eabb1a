#!/bin/sh
# Compresses manual pages as packages have them: compress-manual.sh FOLDER.
set -eu
find "$1" -type f ! -name '*.gz' -exec gzip -9n {} +
find "$1" -type l ! -name '*.gz' | while read -r link; do
  ln -s "$(readlink "$link").gz" "$link.gz"
  rm "$link"
done
