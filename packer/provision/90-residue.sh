#!/bin/bash
# Nothing of the build stays: keys, identities, logs, histories, caches. Each machine makes its own.
set -euo pipefail

rm -rf /etc/ssh/ssh_host_* /root/.ssh /home/*/.ssh /root/.bash_history /home/*/.bash_history /root/.cache /root/.gnupg
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -rf /var/lib/cloud /var/lib/amazon/ssm /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old \
  /var/lib/dpkg/*-old /var/cache/ldconfig/aux-cache /var/tmp/* /tmp/*
find /var/log -type f -delete
find /var/log/journal -mindepth 1 -delete 2>/dev/null || true
rm -f /etc/hostname /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- \
  /etc/subuid- /etc/subgid-
