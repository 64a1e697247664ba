import { neutralise } from '#core/text/neutralise.ts'
import type { VerifiedImage } from '../image-verify.ts'
import type { Paint } from './error.ts'

/** More files of one kind than that say no more. */
const MOST_SHOWN = 8

/** What fails with what was found, and how much was asked. */
export function renderJudgements({ judgements, notAsked, place }: VerifiedImage, paint: Paint): string {
  const failed = judgements.filter(({ passed }) => !passed)
  const lines = failed.flatMap(({ id, says, found }) => [
    `${paint('red', 'fails:')} ${says} (${id})`,
    ...found.slice(0, MOST_SHOWN).map((fault) => `  ${neutralise(fault)}`),
    ...(found.length > MOST_SHOWN ? [`  and ${found.length - MOST_SHOWN} more`] : []),
  ])
  const asked = `${judgements.length} checks of a ${place}`
  const left = notAsked.length === 0 ? '' : paint('dim', `; ${notAsked.length} cannot be asked here`)
  const verdict = failed.length === 0 ? paint('green', 'pass') : paint('red', `${failed.length} fail`)
  return [...lines, `${asked}: ${verdict}${left}`].join('\n')
}

export function judgementsDocument({ judgements, notAsked, place }: VerifiedImage): object {
  return { place, checks: judgements, notAsked }
}
