#!/bin/bash
# Who there is: root, whom nobody can become, and one account that sessions run as. None has a password. It is called as the
# agent calls the one that it makes where there is none, with a rule of sudo: where an account's session preferences name
# nobody, sessions are this one's. Preferences that name root make them root's, which no image can refuse.
set -euo pipefail

if ! getent passwd ssm-user >/dev/null; then
  groupadd --gid 1000 ssm-user
  useradd --uid 1000 --gid ssm-user --create-home --shell /bin/bash --comment 'whoever logs in' ssm-user
fi
chmod 0700 /home/ssm-user
passwd --quiet --lock root
passwd --quiet --lock ssm-user
usermod --shell /usr/sbin/nologin root

# A home of the next account is its own, and what it makes is not for all to read.
sed -i -E '/^#?(HOME_MODE|UMASK)\s/d' /etc/login.defs
printf 'HOME_MODE 0700\nUMASK 027\n' >>/etc/login.defs
