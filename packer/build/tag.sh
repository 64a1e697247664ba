#!/bin/bash
# Tags the AMI and its snapshot with the digest of its manifest, which is known only when it is made: tag.sh AMI-JSON
# DIGEST REGION.
set -euo pipefail

ami=$(jq -r '.builds[-1].artifact_id | split(",")[0] | split(":")[1]' "${1:?AMI-JSON}")
digest=$(cat "${2:?DIGEST}")
region=${3:?REGION}
[[ $ami == ami-* ]] || { echo "tag.sh: $1 names no AMI" >&2; exit 1; }
[[ $digest =~ ^[0-9a-f]{64}$ ]] || { echo "tag.sh: $2 holds no digest" >&2; exit 1; }
ec2() { ${AWS:-aws} ec2 "$1" --region "$region" "${@:2}"; }
read -ra snapshots < <(ec2 describe-images --image-ids "$ami" --output text \
  --query 'Images[].BlockDeviceMappings[].Ebs.SnapshotId')
ec2 create-tags --resources "$ami" "${snapshots[@]}" --tags "Key=pgctl:manifest,Value=$digest"
echo "$ami $digest"
