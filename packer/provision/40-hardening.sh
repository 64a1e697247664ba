#!/bin/bash
# Rights that nobody here needs, and limits on what may grow.
set -euo pipefail

# Root cannot be reached from another account: no program has to run as its owner or its group.
find / -xdev -type f -perm /6000 -exec chmod u-s,g-s {} +

# The audit's own log: a full disk stops the machine's use before it stops the record. Its files are what outlasts a day
# on which nobody takes it away: 1 GiB, some 700,000 programs. Beside root the group reads it, in which nobody is but
# who takes it away.
sed -i -E \
  -e 's/^(max_log_file)\s*=.*/\1 = 32/' \
  -e 's/^(num_logs)\s*=.*/\1 = 32/' \
  -e 's/^(log_group)\s*=.*/\1 = adm/' \
  -e 's/^(max_log_file_action)\s*=.*/\1 = rotate/' \
  -e 's/^(space_left_action)\s*=.*/\1 = syslog/' \
  -e 's/^(admin_space_left_action)\s*=.*/\1 = suspend/' \
  -e 's/^(disk_full_action)\s*=.*/\1 = halt/' \
  -e 's/^(disk_error_action)\s*=.*/\1 = halt/' \
  /etc/audit/auditd.conf
rm -f /etc/audit/rules.d/audit.rules
# Where it is not known that the kernel takes a rule of 32-bit programs: one that it refuses would end the loading of all.
[[ $(uname -m) == x86_64 ]] || sed -i '/arch=b32/d' /etc/audit/rules.d/60-pgctl.rules
# Put together here as they are at boot, which then changes nothing of what is sealed.
augenrules
rm -f /etc/audit/audit.rules.prev

# What belongs to the machine and its kernel: in a container it cannot start, and is no failure there.
for unit in auditd audit-rules systemd-remount-fs apparmor chrony; do
  install -d "/etc/systemd/system/$unit.service.d"
  printf '[Unit]\nConditionVirtualization=!container\n' >"/etc/systemd/system/$unit.service.d/60-pgctl.conf"
done

chmod 0644 /etc/nftables.conf
chmod 0600 /etc/audit/rules.d/*.rules /etc/audit/auditd.conf
chmod 0700 /root
