#!/bin/bash
# No AMI is made in another account than the one that was meant: account.sh ACCOUNT REGION.
set -euo pipefail

wanted=${1:?ACCOUNT}
is=$(${AWS:-aws} sts get-caller-identity --region "${2:?REGION}" --query Account --output text)
[[ $is == "$wanted" ]] || { echo "account.sh: these credentials are of account $is, and not of $wanted" >&2; exit 1; }
