#!/bin/bash
# Puts a tree on a disk that boots by itself, by UEFI: disk.sh TREE DEVICE. What was on the disk is gone.
set -euo pipefail

tree=$(realpath "${1:?TREE}")
# A name may be a link, whose partitions nobody links at once.
device=$(realpath "${2:?DEVICE}")
[[ -b $device ]] || { echo "disk.sh: there is no disk $2" >&2; exit 1; }
target=$(mktemp -d)
esp=$(mktemp -d)
trap 'umount "$target" 2>/dev/null || true; rmdir "$target" || true; rm -rf "$esp"' EXIT

sfdisk --quiet --wipe always "$device" <<'LAYOUT'
label: gpt
size=256MiB, type=uefi, name=pgctl-esp
type=linux, name=pgctl-root
LAYOUT
partx --update "$device"
udevadm settle 2>/dev/null || true

# nvme0n1 has nvme0n1p1, and xvdf has xvdf1.
part() { if [[ $device =~ [0-9]$ ]]; then echo "${device}p$1"; else echo "$device$1"; fi; }
mkfs.vfat -F 32 -n PGCTL-ESP "$(part 1)" >/dev/null
mkfs.ext4 -q -L pgctl-root "$(part 2)"

mount "$(part 2)" "$target"
cp --archive "$tree/." "$target/"
umount "$target"

version=$(cd "$tree/usr/lib/modules" && printf '%s\n' * | sort --version-sort | tail -n 1)
case $(uname -m) in
  aarch64) loader=systemd-bootaa64.efi.signed fallback=BOOTAA64.EFI ;;
  *) loader=systemd-bootx64.efi.signed fallback=BOOTX64.EFI ;;
esac
mkdir -p "$esp/EFI/BOOT" "$esp/loader/entries" "$esp/pgctl"
cp "$tree/usr/lib/systemd/boot/efi/$loader" "$esp/EFI/BOOT/$fallback"
cp "$tree/boot/vmlinuz-$version" "$esp/pgctl/vmlinuz"
cp "$tree/boot/initrd.img-$version" "$esp/pgctl/initrd"
printf 'timeout 0\neditor no\n' >"$esp/loader/loader.conf"
cat >"$esp/loader/entries/pgctl.conf" <<ENTRY
title pgctl bastion
linux /pgctl/vmlinuz
initrd /pgctl/initrd
options root=LABEL=pgctl-root rw console=tty0 console=ttyS0,115200 audit=1 audit_backlog_limit=8192 apparmor=1 security=apparmor
ENTRY
# Written without a mount: not every kernel knows the file system of the firmware.
mcopy -i "$(part 1)" -s "$esp"/* ::/
sync
