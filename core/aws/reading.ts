import { isPgctlError } from '#core/errors.ts'
import type { InventoryPart, Unreadable } from '#core/installation/inventory.ts'

/** The answer of one part, or why there is none. */
export interface Reading<T> {
  readonly value: T | undefined
  readonly unreadable: readonly Unreadable[]
}

export const NOT_ASKED: Reading<never> = { value: undefined, unreadable: [] }

/** One part: what it says, or the typed error that stands in its place. */
export async function reading<T>(
  part: InventoryPart,
  action: string,
  read: () => Promise<T | undefined>,
): Promise<Reading<T>> {
  try {
    return { value: await read(), unreadable: [] }
  } catch (error) {
    if (!isPgctlError(error) || error.code === 'interrupted') throw error
    return { value: undefined, unreadable: [{ part, action, error }] }
  }
}
