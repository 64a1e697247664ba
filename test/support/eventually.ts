import { setTimeout as delay } from 'node:timers/promises'

/** Shorter than any test's timeout: a test that fails here still takes down what it has started. */
const PATIENCE_MS = 10_000

/**
 * Resolves once `condition` holds, for what nobody announces: another process's doing, a figure that is read.
 * @throws Error when it never does.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  patience = PATIENCE_MS,
): Promise<void> {
  const giveUpAt = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`it never came true: ${condition}`)
    await delay(5)
  }
}

/** Waits for a promise that something else must settle. @throws Error when nothing does. */
export async function soon<T>(promise: Promise<T>, what: string, patience = PATIENCE_MS): Promise<T> {
  const settled = new AbortController()
  const late = delay(patience, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`it never came: ${what}`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    settled.abort()
  }
}
