#!/bin/bash
# Runs scripts of packer/provision inside a tree: in-tree.sh PARTS TREE SCRIPT... The parts are seen there, and nothing
# of this computer is: a network of its own, without any way out, and processes of its own.
set -euo pipefail
parts=$(realpath "${1:?PARTS}")
tree=$(realpath "${2:?TREE}")
shift 2
here=$(dirname "$(realpath "$0")")

# The inner shell expands what is quoted.
# shellcheck disable=SC2016
for script in "$@"; do
  unshare --mount --net --pid --ipc --uts --fork --kill-child bash -euo pipefail -c '
    tree=$1 parts=$2 scripts=$3 script=$4
    mount --make-rprivate /
    mkdir -p "$tree/run/pgctl-build/parts" "$tree/run/pgctl-build/provision"
    mount --bind -o ro "$parts" "$tree/run/pgctl-build/parts"
    mount --bind -o ro "$scripts" "$tree/run/pgctl-build/provision"
    mount -t proc proc "$tree/proc"
    mount -t tmpfs -o mode=0755 tmpfs "$tree/dev"
    for device in null zero full random urandom tty; do
      touch "$tree/dev/$device"
      mount --bind "/dev/$device" "$tree/dev/$device"
    done
    exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
      /bin/bash "/run/pgctl-build/provision/$script.sh" /run/pgctl-build/parts
  ' in-tree "$tree" "$parts" "$here/../provision" "$script"
  rm -rf --one-file-system "$tree/run/pgctl-build"
done
