#!/bin/bash
# Who there is: root, whom nobody can become, and one account that sessions run as. None has a password.
set -euo pipefail

if ! getent passwd bastion >/dev/null; then
  groupadd --gid 1000 bastion
  useradd --uid 1000 --gid bastion --create-home --shell /bin/bash --comment 'whoever logs in' bastion
fi
chmod 0700 /home/bastion
passwd --quiet --lock root
passwd --quiet --lock bastion
usermod --shell /usr/sbin/nologin root

# A home of the next account is its own, and what it makes is not for all to read.
sed -i -E '/^#?(HOME_MODE|UMASK)\s/d' /etc/login.defs
printf 'HOME_MODE 0700\nUMASK 027\n' >>/etc/login.defs
