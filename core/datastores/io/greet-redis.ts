import { once } from 'node:events'
import { connect } from 'node:net'
import type { Clock, Ms } from '#core/clock.ts'
import type { NearNode } from '#core/datastores/io/redis-front.ts'
import type { Login } from '#core/datastores/login.ts'
import { PgctlError } from '#core/errors.ts'

/** How a Redis greets who comes with a login. */
export type Greeting =
  /** It is in, or none is asked for. */
  | 'welcome'
  /** It asks for no password, and one was given. */
  | 'password-not-needed'

export interface Visitor {
  /** What the Redis is called in errors. */
  readonly name: string
  readonly login: Login | undefined
  /** Whether the client asks for the password: then there is none yet. */
  readonly asks: boolean
  readonly clock: Clock
}

const PATIENCE: Ms = 15_000

/**
 * Greets the Redis behind a port of this computer with a login, so that one which is refused is told in words of ours:
 * redis-cli goes on without.
 * @throws PgctlError `credentials-refused`, or `credentials-missing` where it asks for a password and there is none;
 * `far-end-refused` or `timed-out` where it does not answer.
 */
export async function greetRedis(near: NearNode, { name, login, asks, clock }: Visitor): Promise<Greeting> {
  const socket = connect(near.port, near.address)
  const cancel = clock.after(PATIENCE, () => socket.destroy(tooLate(name)))
  try {
    const { user, password, from } = login ?? {}
    const words =
      password === undefined ? undefined : ['AUTH', ...(user === undefined ? [] : [user]), password]
    socket.write(`${words === undefined ? '' : encode(words)}${encode(['PING'])}`)
    const [first = '', second = first] = await readLines(socket, words === undefined ? 1 : 2, name)
    if (/^-WRONGPASS|^-ERR invalid password/.test(first))
      throw new PgctlError('credentials-refused', `${name} refuses the password`, {
        why: `${first.slice(1)}; it is that of ${from}`,
        next: 'name another source: --credentials secret, secrets-manager or prompt',
      })
    if (second.startsWith('-NOAUTH') && !asks)
      throw new PgctlError('credentials-missing', `${name} asks for a password, and none was found`, {
        why: second.slice(1),
        next: 'name a source: --credentials secret, secrets-manager or prompt',
      })
    return /^-ERR .*without any password/.test(first) ? 'password-not-needed' : 'welcome'
  } finally {
    cancel()
    socket.destroy()
  }
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

async function readLines(socket: ReturnType<typeof connect>, count: number, name: string): Promise<string[]> {
  let said = ''
  for (;;) {
    const lines = said.split('\r\n')
    if (lines.length > count) return lines.slice(0, count)
    if (socket.errored instanceof PgctlError) throw socket.errored
    if (socket.readableEnded || socket.destroyed)
      throw new PgctlError('far-end-refused', `${name} has closed the connection`, {
        why: 'before it answered a PING',
        next: 'see how it is: pgctl status',
      })
    const chunk = socket.read() as Buffer | null
    if (chunk !== null) said += chunk.toString('latin1')
    else await Promise.race([once(socket, 'readable'), once(socket, 'close')]).catch(() => {})
  }
}

function tooLate(name: string): PgctlError {
  return new PgctlError('timed-out', `${name} does not answer`, {
    why: `no answer to a PING within ${PATIENCE / 1000} s`,
    next: 'see how it is: pgctl status',
  })
}
