import { PgctlError } from '#core/errors.ts'

/** The values behind --set, by their names. @throws PgctlError `usage` */
export function pairsOf(texts: readonly string[] | undefined): ReadonlyMap<string, string> {
  return new Map((texts ?? []).map(pairOf))
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new PgctlError('usage', `--set ${text} names no value`, {
    next: 'write NAME=VALUE, as subnets=subnet-a,subnet-b',
  })
}
