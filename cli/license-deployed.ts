import * as z from 'zod'
import { invokeFunction } from '#core/aws/functions.ts'
import { PgctlError } from '#core/errors.ts'
import { VERDICTS, type Verdict } from '#core/license/verdicts.ts'
import { licenseFunction } from '#core/stack/names.ts'
import { wireDeployed } from './deployed.ts'
import type { Surroundings } from './deps.ts'

/** What the installation's function says of a run. */
export interface FunctionVerdict {
  readonly verdict: Verdict
  readonly sentence: string
  readonly sequence: number
  /** How asking the vendor went: `answered`, `outage`… */
  readonly asked: string
}

const answerSchema = z.object({
  verdict: z.enum(Object.keys(VERDICTS) as [Verdict, ...Verdict[]]),
  sequence: z.int(),
  asked: z.string(),
})

/** Has the installation's own function verify the license; `boot` is what the bastion's unit says as it comes up. */
export async function verifyByFunction(
  surroundings: Surroundings,
  trigger: 'person' | 'boot',
  signal: AbortSignal,
): Promise<FunctionVerdict> {
  const { here, connection } = await wireDeployed(surroundings, signal)
  const name = licenseFunction(here.installation.workspace)
  const event = trigger === 'boot' ? { trigger, version: surroundings.version } : { trigger }
  const answer = answerSchema.safeParse(await invokeFunction(connection, name, event, signal))
  if (answer.success) return { ...answer.data, sentence: VERDICTS[answer.data.verdict].sentence }
  throw new PgctlError('protocol-violation', `what ${name} answers is no verdict`, {
    why: 'it is of another version of pgctl',
    next: 'see which: pgctl deploy --plan',
  })
}
