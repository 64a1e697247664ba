#!/bin/bash
# Puts the tools of the lock into their places. They were fetched and checked beforehand: nothing is downloaded here.
set -euo pipefail
parts=${1:?where the parts are}

for tool in kubectl helm; do
  install -o root -g root -m 0755 "$parts/tools/$tool" "/usr/bin/$tool"
done
install -d -o root -g root -m 0755 /usr/lib/pgctl
install -o root -g root -m 0755 "$parts/tools/node" /usr/lib/pgctl/node

# The vendor's package, by hand in place of its snap: so the version is the lock's.
if [[ -e $parts/tools/amazon-ssm-agent ]]; then
  dpkg --install "$parts/tools/amazon-ssm-agent"
fi
