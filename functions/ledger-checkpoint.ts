import * as z from 'zod'
import type { CheckpointShelf, NoteSigner } from '#core/checkpoint/sign.ts'
import { signCheckpoint } from '#core/checkpoint/sign.ts'
import { isPgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { Ledger } from '#core/vendor/ledger.ts'
import { wireCheckpointFunction } from './checkpoint-deps.ts'
import { createHandler, type HandlerOptions } from './handler.ts'
import { METRICS_DIMENSION, METRICS_NAMESPACE } from './names.ts'

/** What the function that signs the ledger works with. */
export interface CheckpointFunctionDeps {
  readonly installation: string
  readonly ledger: Ledger
  readonly shelf: CheckpointShelf
  readonly signer: NoteSigner
}

const eventSchema = z.strictObject({ trigger: z.literal('schedule') })

/**
 * Signs how far the ledger has come. Its role may sign and not send; that of the functions that write rows may send and
 * not sign. A ledger that does not go on from where it was signed sets the metric to 0, and an alarm with it.
 */
export function createLedgerCheckpoint(
  deps: () => CheckpointFunctionDeps,
  options: Pick<HandlerOptions<unknown>, 'sink' | 'now'> = {},
) {
  return createHandler({
    name: 'ledger-checkpoint',
    event: eventSchema,
    metrics: { namespace: METRICS_NAMESPACE, dimension: METRICS_DIMENSION },
    ...options,
    async run({ signal, log }) {
      try {
        const signed = await signCheckpoint({ ...deps(), now: systemClock.now().wall, signal })
        const row = signed.checkpoint?.head.seq ?? 0
        return { fields: { outcome: signed.kind, row }, figures: { LedgerWhole: 1 } }
      } catch (error) {
        if (!isPgctlError(error, 'unhealthy')) throw error
        // Another try would find the same, so that it is told and not thrown.
        log.error(
          { code: error.code, error: error.message, why: error.why },
          'the ledger is not as it was signed',
        )
        return { fields: { outcome: 'refused', row: null }, figures: { LedgerWhole: 0 } }
      }
    },
  })
}

let wired: CheckpointFunctionDeps | undefined

export const handler = createLedgerCheckpoint(() => {
  wired ??= wireCheckpointFunction(process.env)
  return wired
})
