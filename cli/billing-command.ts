import { type BillingStatement, readStatement } from '#core/billing/statement.ts'
import { PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { readAnswer } from '#core/license/answer.ts'
import { toBase64url } from '#core/license/base64url.ts'
import { currentOf, trustOf } from '#core/license/record.ts'
import { readRecord } from '#core/license/record-store.ts'
import { kindOf } from '#core/license/seal.ts'
import type { Surroundings } from './deps.ts'
import { wireVendor } from './vendor-wiring.ts'

/** Asks the vendor for the statement of the installed license. */
export async function askBilling(surroundings: Surroundings, signal: AbortSignal): Promise<BillingStatement> {
  using deps = wireVendor(surroundings)
  const { record } = await readRecord(deps.store, deps.here.id)
  const trust = trustOf(record, deps.base)
  const current = currentOf(record, trust)
  if (current === undefined)
    throw new PgctlError('license-refused', 'it is not known for which license to ask', {
      why: 'no license document is installed here',
      next: "install the vendor's first document: pgctl license install FILE",
    })
  const { license } = current.license
  const nonce = toBase64url(systemRandom(16))
  const askedAt = systemClock.now().wall
  const body = { schema: 'billing/1', license, installation: deps.here.id, nonce } as const
  const reply = await deps.door.send('billing', body, { trigger: 'person', signal })
  const line = reply.split('\n').find((each) => kindOf(each.trim()) === 'answer') ?? ''
  const reading = readAnswer(line.trim(), trust, { nonce, license, askedAt })
  if (reading.kind !== 'answered')
    throw notAnswered(
      reading.kind === 'none' ? reading.why : 'its time is more than ten minutes from that of this computer',
    )
  const statement = readStatement(reading.answer.billing)
  if (statement === undefined) throw notAnswered('it holds no statement that this pgctl can read')
  return statement
}

function notAnswered(why: string): PgctlError {
  return new PgctlError('protocol-violation', 'what was answered is no statement of the vendor', {
    why,
    next: 'see which proxy or portal answers for it, and the clock of this computer',
  })
}
