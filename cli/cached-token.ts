/**
 * Prints the credential of the file while it is good, and else asks pgctl: `$1` is the file, whose first line is the
 * second until which it holds, the rest the command. It is a shell's script, as the start of pgctl costs a program
 * more than all the rest of what it does.
 */
const SCRIPT = [
  '{ read -r until && read -r credential; } < "$1" 2>/dev/null',
  '&& [ "$until" -gt "$(date +%s)" ] && printf "%s\\n" "$credential" && exit 0',
].join(' ')

/** The command line that prints a token of the cluster, from `file` while that holds. */
export function cachedTokenPlugin(
  file: string,
  plugin: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', `${SCRIPT}; shift; exec "$@"`, 'pgctl-token', file, ...plugin]
}
