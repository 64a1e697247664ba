import { setTimeout as delay } from 'node:timers/promises'

/**
 * Resolves once `condition` holds, for what nobody announces: another process's doing, a figure that is read.
 * There is no deadline here, as a test has its own.
 */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5)
}
