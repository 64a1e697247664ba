import { type ErrorCode, isPgctlError } from '#core/errors.ts'
import type { Surroundings } from './deps.ts'

/** What the supervisor says of a bastion that is at 0, or on its way up: it starts none itself, as nobody sees it wait. */
const NOT_UP: readonly ErrorCode[] = ['bastion-stopped', 'bastion-missing', 'agent-offline']

/**
 * What the supervisor answers. Where its answer is that the bastion is not up, and the command is one that starts it,
 * this process does so, shows that it waits, and asks again.
 * @throws PgctlError of the supervisor, or why the bastion could not be started.
 */
export async function askWithBastion<T>(
  surroundings: Surroundings,
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (surroundings.onStart === undefined || !NOT_UP.some((code) => isPgctlError(error, code))) throw error
    const { wireInstallation } = await import('./deps.ts')
    await (await wireInstallation(surroundings)).bastion(signal)
    return await ask()
  }
}
