#!/bin/bash
# Makes the tree of the image, as root: tree.sh PARTS TREE ARCHITECTURE. PARTS is what `pgctl image fetch` has put there.
# The build of an AMI and the tests run this same script, and it runs every script of packer/provision in the tree.
# Without pgctl.tgz in PARTS the tree ends before pgctl is put in: `finish.sh` goes on from there.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
# The same parts give the same tree: nothing in it is younger than this.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1735689600}
umask 0022

parts=$(realpath "${1:?PARTS}")
tree=${2:?TREE}
architecture=${3:?ARCHITECTURE}
here=$(dirname "$(realpath "$0")")
[[ $(id -u) == 0 ]] || { echo 'tree.sh: only root can make a tree' >&2; exit 1; }

lock=$parts/tools.lock.json
suite=$(jq -r .distribution.suite "$lock")
wanted=$(jq -r '.distribution.wanted | keys | join(",")' "$lock")
# A disk that boots by itself needs a kernel and its loader; a container has another's.
if [[ ${PGCTL_BOOT:-} == yes ]]; then
  wanted+=,$(jq -r --arg architecture "$architecture" '.distribution.wantedToBoot[$architecture] | join(",")' "$lock")
fi

mmdebstrap --quiet --mode=root --variant=essential --architectures="$architecture" --include="$wanted" \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/lintian/*' \
  "$suite" "$tree" "deb [trusted=yes] copy:$parts/packages ./"

cp --recursive --no-preserve=ownership,timestamps "$here/../root/." "$tree/"
"$here/in-tree.sh" "$parts" "$tree" 10-tools 20-accounts 30-services 40-hardening
find "$tree" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
