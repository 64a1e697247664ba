/** How redis-cli is led to a cache behind a port of this computer. */

export interface RedisConnection {
  readonly address: string
  readonly port: number
  readonly user: string | undefined
  /** Secret. */
  readonly password: string | undefined
  /** Whether the client asks the person for it. */
  readonly asks: boolean
  /** Whether it is to follow redirections to other nodes. */
  readonly sharded: boolean
}

/** The words before those of the person, whose own win. */
export function redisCliWords({ address, port, user, asks, sharded }: RedisConnection): string[] {
  return [
    ...['-h', address, '-p', String(port)],
    ...(user === undefined ? [] : ['--user', user]),
    ...(asks ? ['--askpass'] : []),
    ...(sharded ? ['-c'] : []),
  ]
}

/** The password goes by a variable: redis-cli reads it from there, from an argument or from a terminal, and no file. */
export function redisCliEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  { password }: Pick<RedisConnection, 'password'>,
): Record<string, string> {
  const kept = Object.entries(own).flatMap(([name, value]) =>
    value === undefined || name === 'REDISCLI_AUTH' ? [] : [[name, value] as const],
  )
  return { ...Object.fromEntries(kept), ...(password === undefined ? {} : { REDISCLI_AUTH: password }) }
}
