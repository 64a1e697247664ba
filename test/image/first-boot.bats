#!/usr/bin/env bats
# The script that learns at boot which installation the bastion belongs to, with the metadata played by a program of the
# same words. The tree that boots in booted.test.ts asks a server in its place.

setup() {
  packer="$BATS_TEST_DIRNAME/../../packer/root/usr/lib/pgctl"
  export PGCTL_ETC="$BATS_TEST_TMPDIR/etc" PGCTL_METADATA=http://metadata PGCTL_NFT="$BATS_TEST_TMPDIR/nft"
  export PGCTL_INSTALLATION_FORM="$packer/installation.jq"
  mkdir -p "$PGCTL_ETC" "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/answers"
  printf '#!/bin/sh\ncp "$2" "%s/loaded"\n' "$BATS_TEST_TMPDIR" >"$PGCTL_NFT"
  cat >"$BATS_TEST_TMPDIR/bin/curl" <<'CURL'
#!/bin/bash
name=${*: -1}
name=${name#http://metadata/latest/}
file="$BATS_TEST_TMPDIR/answers/${name//\//_}"
[[ -e $file ]] && exec cat "$file"
exit 22
CURL
  printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/sleep"
  chmod +x "$BATS_TEST_TMPDIR/bin/"* "$PGCTL_NFT"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  answer api/token token
  answer meta-data/mac 02:00:00:00:00:01
  answer meta-data/network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks 10.20.0.0/16
}

answer() { printf '%s' "$2" >"$BATS_TEST_TMPDIR/answers/${1//\//_}"; }

known='"installation": {"name": "acme", "workspace": "paragon-acme", "account": "111122223333", "region": "eu-central-1"}'

@test "a description becomes the installation, its configuration and the sets of the firewall" {
  answer user-data "{\"pgctl\": 1, $known, \"network\": {\"ports\": [443], \"reach\": [{\"to\": \"10.30.0.9/32\", \"port\": 5432}]}}"
  run "$packer/first-boot"
  [ "$status" -eq 0 ]
  [ "$(jq -r .installation.name "$PGCTL_ETC/installation.yaml")" = acme ]
  [ "$(jq -c .installations "$PGCTL_ETC/config.yaml")" = '{"acme":{"workspace":"paragon-acme","account":"111122223333","region":"eu-central-1"}}' ]
  [ "$(stat --format=%a "$PGCTL_ETC/installation.yaml")" = 644 ]
  [ ! -e "$PGCTL_ETC/kubeconfig" ]
  grep -qxF 'add element inet pgctl reach { 10.20.0.0/16 . 443 }' "$BATS_TEST_TMPDIR/loaded"
  grep -qxF 'add element inet pgctl reach { 10.30.0.9/32 . 5432 }' "$BATS_TEST_TMPDIR/loaded"
  [ "$(grep -c reach "$BATS_TEST_TMPDIR/loaded")" -eq 2 ]
}

@test "where no ports are said it reaches those of endpoints and of every kind of datastore, as its security group does" {
  answer user-data "{\"pgctl\": 1, $known}"
  run "$packer/first-boot"
  [ "$status" -eq 0 ]
  ports=$(sed -n 's/^add element inet pgctl reach { 10\.20\.0\.0\/16 \. \(.*\) }$/\1/p' "$BATS_TEST_TMPDIR/loaded" | paste -sd ' ')
  [ "$ports" = '443 5432 6379 6380 9092 9094 9096 9098' ]
}

@test "the machine knows its own name, where the metadata tells it" {
  answer user-data "{\"pgctl\": 1, $known}"
  answer meta-data/instance-id i-0123456789abcdef0
  run "$packer/first-boot"
  [ "$status" -eq 0 ]
  [ "$(cat "$PGCTL_ETC/instance-id")" = i-0123456789abcdef0 ]
}

@test "without metadata it starts as well, and knows nothing" {
  rm "$BATS_TEST_TMPDIR/answers/api_token"
  export PGCTL_PATIENCE=0
  run "$packer/first-boot"
  [ "$status" -eq 0 ]
  [[ "$output" == *'knows no installation'* ]]
  [ -z "$(ls -A "$PGCTL_ETC")" ]
}

@test "without user data it starts as well, and knows nothing" {
  run "$packer/first-boot"
  [ "$status" -eq 0 ]
  [[ "$output" == *'there is no user data'* ]]
}

@test "what is no description changes nothing but the message, and the firewall stays shut" {
  while IFS= read -r wrong; do
    answer user-data "$wrong"
    run "$packer/first-boot"
    [ "$status" -eq 0 ]
    [[ "$output" == *'is no description of an installation'* ]] || { echo "taken: $wrong"; false; }
    [ ! -e "$PGCTL_ETC/installation.yaml" ]
    [ ! -e "$BATS_TEST_TMPDIR/loaded" ]
    [ -s "$PGCTL_ETC/problem" ]
  done <<WRONG
not JSON
[]
{"pgctl": 2, $known}
{"pgctl": 1}
{"pgctl": 1, $known, "more": 1}
{"pgctl": 1, ${known/acme/..\/acme}}
{"pgctl": 1, ${known/111122223333/1111}}
{"pgctl": 1, ${known/eu-central-1/nowhere}}
{"pgctl": 1, $known, "network": {"ranges": ["10.0.0.0/8 }; flush ruleset; {"]}}
{"pgctl": 1, $known, "network": {"ports": [0]}}
{"pgctl": 1, $known, "network": {"reach": [{"to": "10.0.0.1", "port": 443}]}}
{"pgctl": 1, $known, "cluster": {"name": "c"}}
WRONG
}

@test "a description that has become right takes the message away" {
  answer user-data '{}'
  run "$packer/first-boot"
  [ -e "$PGCTL_ETC/problem" ]
  answer user-data "{\"pgctl\": 1, $known}"
  run "$packer/first-boot"
  [ ! -e "$PGCTL_ETC/problem" ]
}

@test "the message of the day shows nothing that a terminal would obey" {
  printf '{"installation": {"name": "a\\u001b[2Jb", "workspace": "w", "account": "1", "region": "r"}}' >"$PGCTL_ETC/installation.yaml"
  run "$packer/motd"
  [ "$status" -eq 0 ]
  [[ "$output" == *'a[2Jb: w in 1, r'* ]]
  [[ "$output" != *$'\e'* ]]
}

@test "the message of the day says what was wrong with the user data" {
  echo 'pgctl is not 1' >"$PGCTL_ETC/problem"
  run "$packer/motd"
  [[ "$output" == *'unknown, the user data is wrong: pgctl is not 1'* ]]
}
