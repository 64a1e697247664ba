import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import type { Store } from '#core/store.ts'
import { carry } from '#core/tunnel/io/carry.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import {
  HOST_KEYS_COMMAND,
  parseHostKeys,
  type RememberedKeys,
  rememberedKeys,
  type SshDocument,
  sshSession,
} from '#core/tunnel/ssh.ts'
import { outputOf } from './command-output.ts'

export interface SshWay {
  readonly context: SessionContext
  readonly target: string
  readonly port: number
  readonly document: SshDocument
  readonly reason: string | undefined
}

/** Stands for a connection to the bastion's sshd: ssh is on our stdin and stdout. */
export async function standForSshd(way: SshWay, signal: AbortSignal): Promise<void> {
  const { context, target, port, document, reason } = way
  await using dialer = await SessionDialer.open(context, sshSession(document, target, port, reason), signal)
  const far = await dialer.connect(signal)
  try {
    await carry(far, process.stdin, process.stdout, signal)
  } catch (error) {
    throw isPgctlError(error) && isNoSshd(error) ? noSshd(port, error) : error
  }
}

/** The public keys of the bastion's sshd; those that were read a moment ago, without another session. */
export async function hostKeys(
  { context, target, reason }: Pick<SshWay, 'context' | 'target' | 'reason'>,
  store: Store,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const place = `ssh-host-keys/${target}`
  const now = systemClock.now().wall
  const known = rememberedKeys((await store.read(place).catch(() => undefined))?.value, now)
  if (known !== undefined) return known
  const keys = parseHostKeys(await outputOf({ context, target, words: HOST_KEYS_COMMAND, reason }, signal))
  await store.write(place, { keys, at: now } satisfies RememberedKeys).catch(() => undefined)
  return keys
}

/** By the document of ssh, the agent ends the session with these words where it cannot connect. */
function isNoSshd({ code, why }: PgctlError): boolean {
  return code === 'far-end-refused' || /^Unable to connect to specified port/.test(why ?? '')
}

function noSshd(port: number, cause: PgctlError): PgctlError {
  return new PgctlError('far-end-refused', `nothing answers on port ${port} of the bastion`, {
    why: 'ssh needs an sshd there; login, exec and cp do not',
    next: `see what listens there: pgctl exec -- ss -ltn; another port: Port ${port === 22 ? '2222' : '22'} in ssh_config`,
    cause,
  })
}
