#!/bin/bash
# Puts pgctl into a tree, takes away what the build left, and seals it: finish.sh PARTS TREE ARCHITECTURE [WITHOUT...].
# It prints the digest of the manifest, and nothing else, on standard output.
set -euo pipefail
export LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1735689600}
umask 0022

parts=$(realpath "${1:?PARTS}")
tree=$(realpath "${2:?TREE}")
architecture=${3:?ARCHITECTURE}
shift 3
here=$(dirname "$(realpath "$0")")

"$here/in-tree.sh" "$parts" "$tree" 50-pgctl 90-residue >&2
find "$tree" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
without=()
for name in "$@"; do without+=(--without "$name"); done
${PGCTL:-pgctl} image seal "$tree" --lock "$parts/tools.lock.json" --architecture "$architecture" "${without[@]}"
