#!/bin/bash
# Who there is: root, whom nobody can become, and the operator, whom sessions run as. No account has a password.
set -euo pipefail

if ! getent passwd operator >/dev/null; then
  groupadd --gid 1000 operator
  useradd --uid 1000 --gid operator --create-home --shell /bin/bash --comment 'whoever logs in' operator
fi
chmod 0700 /home/operator
passwd --quiet --lock root
passwd --quiet --lock operator
usermod --shell /usr/sbin/nologin root

# A home of the next account is its own, and what it makes is not for all to read.
sed -i -E 's/^(HOME_MODE)\s.*/\1 0700/; s/^(UMASK)\s.*/\1 027/' /etc/login.defs
