#!/bin/bash
# pgctl itself, with the Node.js of the lock.
set -euo pipefail
parts=${1:?where the parts are}

rm -rf /usr/lib/pgctl/package
install -d -o root -g root -m 0755 /usr/lib/pgctl /etc/pgctl
tar -xzf "$parts/pgctl.tgz" -C /usr/lib/pgctl --no-same-owner --no-same-permissions
chown -R root:root /usr/lib/pgctl/package
chmod -R u=rwX,go=rX /usr/lib/pgctl/package
cat >/usr/bin/pgctl <<'SCRIPT'
#!/bin/sh
# Whoever runs it here means this installation.
if [ -z "${PGCTL_CONFIG:-}" ] && [ -r /etc/pgctl/config.yaml ]; then
  export PGCTL_CONFIG=/etc/pgctl/config.yaml
fi
exec /usr/lib/pgctl/node /usr/lib/pgctl/package/dist/main.js "$@"
SCRIPT
chmod 0755 /usr/bin/pgctl
