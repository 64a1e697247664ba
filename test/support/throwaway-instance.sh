#!/bin/bash
# This computer as an instance that was just launched: throwaway-instance.sh FOLDER DISK, in namespaces of its own for
# mounts and processes. It has the programs of this computer, and of its files only those of FOLDER to write to: a user
# `admin` who may become root, temporary folders, and DISK (a loop device) as /dev/xvdf. It ends as its sshd.
set -euo pipefail
folder=${1:?FOLDER}
disk=${2:?DISK}

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/instance /mnt/dev
mount --bind "$folder" /mnt/instance
mount --bind /dev /mnt/dev
mount -t tmpfs -o mode=0755 tmpfs /home
install -d -o 4242 -g 4242 -m 0700 /home/admin
for file in passwd group shadow sudoers.d; do mount --bind "/mnt/instance/$file" "/etc/$file"; done
mount --bind /mnt/instance/tmp /tmp
mount --bind /mnt/instance/var-tmp /var/tmp

# Partitions of the disk appear in the kernel's own folder of devices.
mount -t tmpfs -o mode=0755 tmpfs /dev
cp --archive /mnt/dev/{null,zero,full,random,urandom,tty} /dev/
ln -s /proc/self/fd /dev/fd
ln -s "/mnt$disk" /dev/xvdf

exec /usr/sbin/sshd -D -e -f /mnt/instance/sshd_config
