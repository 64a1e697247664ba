#!/bin/bash
# What starts, and what never does.
set -euo pipefail

systemctl set-default multi-user.target
systemctl enable auditd.service audit-rules.service chrony.service nftables.service systemd-networkd.service \
  systemd-resolved.service pgctl-first-boot.service pgctl-license-verify.service \
  pgctl-bastion-report.timer pgctl-audit-stream.service

# The vendor's package enables its unit only where systemd runs, and none does where an image is made.
if [[ -e /usr/lib/systemd/system/amazon-ssm-agent.service ]]; then
  systemctl enable amazon-ssm-agent.service
fi

# Nobody logs in at a console, nothing waits for a network, and nothing comes from an archive: a bastion is renewed by
# a newer image, never in place.
systemctl mask getty@.service serial-getty@.service console-getty.service container-getty@.service \
  systemd-networkd-wait-online.service ctrl-alt-del.target
for timer in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer; do
  systemctl mask "$timer"
done

ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
