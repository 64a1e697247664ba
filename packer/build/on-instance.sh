#!/bin/bash
# All of the build on the throw-away instance: on-instance.sh PARTS DEVICE ARCHITECTURE. It prints the digest of the
# manifest, and nothing else, on standard output. PGCTL_TREE is a tree that tree.sh has made of these parts already.
set -euo pipefail

parts=$(realpath "${1:?PARTS}")
device=${2:?DEVICE}
architecture=${3:?ARCHITECTURE}
here=$(dirname "$(realpath "$0")")
tree=${PGCTL_TREE:-/var/tmp/pgctl-tree}
[[ -b $device ]] || { echo "on-instance.sh: there is no disk $device" >&2; exit 1; }

# Only on this instance, and only what makes a tree and a disk.
if [[ -z ${PGCTL_PREPARED:-} ]]; then
  apt-get -qq update >&2
  apt-get -qq install -y --no-install-recommends mmdebstrap jq dosfstools mtools fdisk e2fsprogs >&2
fi

if [[ -z ${PGCTL_TREE:-} ]]; then
  chmod 0755 "$parts"/tools/*
  PGCTL_BOOT=yes "$here/tree.sh" "$parts" "$tree" "$architecture" >&2
fi
# The pgctl that seals the tree is the one in it.
export PGCTL="$tree/usr/lib/pgctl/node $tree/usr/lib/pgctl/package/dist/main.js"
read -ra without <<<"${PGCTL_WITHOUT:-}"
"$here/finish.sh" "$parts" "$tree" "$architecture" "${without[@]}"
# The gate: what fails a check is no image.
skip=()
for id in ${PGCTL_SKIP:-}; do skip+=(--skip "$id"); done
$PGCTL image verify --tree "$tree" "${skip[@]}" >&2
"$here/disk.sh" "$tree" "$device" >&2
