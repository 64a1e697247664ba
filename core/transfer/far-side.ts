import { quoteWords } from '#core/ssm/command-line.ts'

/*
 * What runs on the bastion: a POSIX shell and the tools that every Linux has. Two facts of the agent shape it:
 *
 * - A command without a terminal has no input, and its output is sent as it comes; so files come *down* that way.
 *   The agent takes output for UTF-8: it passes on what is none, byte by byte, and breaks only U+FFFD (EF BF BD), of
 *   which it keeps the first byte, and an unfinished character at the very end. So every piece is looked through
 *   before it is sent, and one that holds these three bytes goes as base64.
 * - A terminal has input, raw and whole once `stty raw` has run; so files go *up* that way. Its output waits a
 *   millisecond a kilobyte, and carries answers only.
 */

/** Where both scripts keep what they need meanwhile; what a killed one left is removed a day later. */
const WORKSPACE = `
t=$(mktemp -d "\${TMPDIR:-/tmp}/pgctl-cp.XXXXXXXX") || fail 67 'no temporary folder can be made there'
trap 'rm -rf "$t"' EXIT
trap 'exit 130' INT TERM HUP
trap 'exit 141' PIPE
find "\${t%/*}" -maxdepth 1 -name 'pgctl-cp.????????' -user "$(id -u)" -mmin +1440 -exec rm -rf {} + 2>/dev/null
`

/** The statuses with which a script gives up; its last words on stderr, or in an answer, say why. */
export const FAR_STATUS = { usage: 64, toolMissing: 65, unknownPath: 66, noSpace: 67, refused: 68 } as const

const needs = (tools: string) => `
for tool in ${tools}; do
  command -v "$tool" >/dev/null 2>&1 || fail 65 "$tool is missing there"
done
tar --version 2>/dev/null | grep -q 'GNU tar' || fail 65 'its tar is not that of GNU'
[ "$(printf ab | dd bs=2 count=1 iflag=fullblock 2>/dev/null)" = ab ] || fail 65 'its dd knows no iflag=fullblock'
`

/** Below the home of the session's user, unless it is absolute; \`$1\` becomes \`$path\`. */
const RESOLVE = `
path=$1
case $path in
  '~') path=$HOME ;;
  '~/'*) path=$HOME/\${path#??} ;;
  /*) ;;
  *) path=$HOME/$path ;;
esac
`

/** Output, in pieces of a MiB that arrive whole: \`R n\` is raw, \`B n\` base64. */
const PIECES = `
bad=$(printf '\\357\\277\\275')
pieces() {
  while :; do
    dd bs=1048576 count=1 iflag=fullblock of="$t/piece" 2>/dev/null || fail 67 'the temporary folder there is full'
    n=$(wc -c <"$t/piece")
    n=$((n))
    [ "$n" -gt 0 ] || break
    if grep -qF "$bad" "$t/piece"; then
      printf 'B %s\\n' "$n"
      base64 "$t/piece" | tr -d '\\n'
    else
      printf 'R %s\\n' "$n"
      cat "$t/piece" || exit 141
    fi
    printf '\\n'
  done
}
`

const DOWNLOAD = `umask 077
export LC_ALL=C
fail() { printf '%s\\n' "$2" >&2; exit "$1"; }
${needs('tar dd find stat sort sha256sum base64 grep awk mktemp readlink')}${RESOLVE}
skip=$2 known=$3 zip=$4
[ -e "$path" ] || fail 66 'there is no such file or folder'
if [ -d "$path" ]; then
  cd "$path" 2>/dev/null || fail 68 'the folder may not be opened'
  kind=folder root=.
elif [ -f "$path" ]; then
  path=$(readlink -f "$path" && echo x)
  path=\${path%?x}
  cd "\${path%/*}/" 2>/dev/null || fail 68 'its folder may not be opened'
  kind=file root=./\${path##*/}
else
  fail 64 'it is neither a file nor a folder'
fi
${WORKSPACE}${PIECES}
look() { find "$root" -exec stat -c '%A %s %y %z %n' {} + 2>/dev/null | sort; }
look >"$t/before"
identity=$(sha256sum <"$t/before")
identity=\${identity%% *}
[ "$known" = "$identity" ] || skip=0
size=$(awk '/^-/ { size += $2 } END { printf "%.0f %d", size, NR }' "$t/before")
if [ "$zip" = yes ] && command -v gzip >/dev/null 2>&1; then
  # What is packed already is not packed again: a sample of a file tells.
  if [ $kind = file ]; then
    all=$(head -c 1048576 "$root" | wc -c)
    packed=$(head -c 1048576 "$root" | gzip -1 | wc -c)
    [ $((packed * 10)) -lt $((all * 9)) ] || zip=no
  fi
else
  zip=no
fi
printf 'pgctl-cp 1 %s %s %s %s %s\\n' "$identity" "$kind" "$zip" "$skip" "$size"
find "$root" -type f -exec sha256sum {} + >"$t/sums" 2>/dev/null &
archive() {
  tar -cf - --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --sort=name \\
    --hard-dereference --numeric-owner "$root" 2>"$t/errors"
  echo $? >"$t/status"
}
from() { if [ "$1" -gt 0 ]; then tail -c "+$(($1 + 1))"; else cat; fi; }
shrink() { if [ $zip = yes ]; then gzip -1; else cat; fi; }
archive | from "$skip" | shrink | pieces || exit
printf 'sums\\n'
wait
pieces <"$t/sums" || exit
look >"$t/after"
same=yes
cmp -s "$t/before" "$t/after" || same=no
printf 'done %s %s\\n' "$same" "$(cat "$t/status")"
comm -13 "$t/before" "$t/after" | head -n 3 | sed 's/^\\([^ ]* \\)\\{8\\}/changed: /' >&2
head -n 3 "$t/errors" >&2
exit 0
`

const UPLOAD = `umask 077
export LC_ALL=C
answer() { printf '%s %s\\n' "$1" "$(printf %s "$2" | base64 | tr -d '\\n')"; }
fail() { answer "failed $1" "$2"; exit "$1"; }
stty raw -echo 2>/dev/null || fail 65 'stty is missing there, or this is no terminal'
${needs('tar dd find sha256sum base64 grep mktemp gzip')}${RESOLVE}
name=$2 kind=$3 mode=$4 modified=$5
[ -d "$path" ] && path=$path/$name
while [ "$path" != / ] && [ "\${path%/}" != "$path" ]; do path=\${path%/}; done
folder=\${path%/*}/
final=\${path##*/}
cd "$folder" 2>/dev/null || fail 66 'the folder to put it into is not there, or may not be opened'
[ -w . ] || fail 68 'the folder to put it into may not be written'
if [ $kind = folder ] && [ -e "$final" ] && [ ! -d "$final" ]; then fail 64 'a file of that name is there'; fi
if [ $kind = file ] && [ -d "$final" ]; then fail 64 'a folder of that name is there'; fi
${WORKSPACE}
exec 3>&1 2>"$t/stderr"
part=.$final.pgctl-part
mkdir "$part" 2>"$t/errors" || [ -d "$part" ] || fail 68 "$(head -n 1 "$t/errors")"
look() { (cd "$part" && find . -type f ! -path ./lock -exec sha256sum {} +) 2>/dev/null >"$t/sums"; }
sums() { look; printf 'sums '; base64 "$t/sums" | tr -d '\\n'; printf '\\n'; }
tries=0
while [ -f "$part/lock" ] && kill -0 "$(cat "$part/lock")" 2>/dev/null; do
  # One that was interrupted a moment ago may not have ended yet.
  tries=$((tries + 1))
  [ $tries -lt 5 ] || fail 68 'another copy to the same place is under way'
  sleep 1
done
echo $$ >"$part/lock"
trap 'rm -rf "$t" "$part/lock"' EXIT
answer ready "$(pwd -P)/$final"
size=0
[ -f "$part/content" ] && size=$(wc -c <"$part/content")
printf 'size %s\\n' $((size))
sums
read -r how keep zip || exit 130
if [ "$how" = fresh ]; then rm -rf "$part/content"; fi
if [ $kind = file ]; then
  dd if=/dev/null of="$part/content" bs=1 seek="$keep" count=0 2>"$t/errors" || fail 67 "$(head -n 1 "$t/errors")"
else
  mkdir -p "$part/content" || fail 68 'a folder could not be made there'
fi
frames() {
  while read -r n; do
    [ "$n" -gt 0 ] || exit 0
    dd bs="$n" count=1 iflag=fullblock 2>/dev/null || exit 1
  done
}
grow() { if [ "$zip" = yes ]; then gzip -dc 2>>"$t/errors"; else cat 2>>"$t/errors"; fi; }
take() {
  if [ $kind = file ]; then cat >>"$part/content" 2>>"$t/errors"
  else tar -xpf - --no-same-owner -C "$part/content" 2>>"$t/errors"; fi
  status=$?
  [ $status -eq 0 ] || answer 'failed 67' "$(grep -v '^tar: Exiting' "$t/errors" | head -n 1)" >&3
  return $status
}
: >"$t/errors"
frames | grow | take || exit 67
sums
read -r verdict || exit 130
[ "$verdict" = keep ] || exit 0
if [ $kind = file ]; then
  chmod "$mode" "$part/content" && touch -d "@$modified" "$part/content" && mv -f "$part/content" "$final"
elif [ ! -e "$final" ]; then
  mv "$part/content" "$final"
else
  (
    cd "$part/content" || exit
    find . -type d -exec sh -c 'for d; do mkdir -p "$0/$d" || exit; done' "../../$final" {} + &&
      find . ! -type d -exec sh -c 'for f; do mv -f "$f" "$0/$f" || exit; done' "../../$final" {} +
  )
fi 2>"$t/errors" || fail 68 "$(head -n 1 "$t/errors")"
rm -rf "$part"
answer stored "$(pwd -P)/$final"
`

export interface DownloadWish {
  readonly path: string
  /** Bytes of the archive that are here already, of what had this identity. */
  readonly skip: number
  readonly identity: string
  readonly compress: boolean
}

/** The words of the command that sends a file or a folder; for a session without a terminal. */
export function downloadWords({ path, skip, identity, compress }: DownloadWish): string[] {
  return ['sh', '-c', DOWNLOAD, 'pgctl-cp', path, String(skip), identity, compress ? 'yes' : 'no']
}

export interface UploadWish {
  readonly path: string
  /** What it is called where `path` is a folder. */
  readonly name: string
  readonly kind: 'file' | 'folder'
  readonly mode: number
  /** Epoch seconds. */
  readonly modified: string
}

/** The command line that takes a file or a folder; for a terminal, whose shell reads it. */
export function uploadCommand({ path, name, kind, mode, modified }: UploadWish): string {
  return quoteWords(['sh', '-c', UPLOAD, 'pgctl-cp', path, name, kind, mode.toString(8), modified])
}
