import type { CheckResult } from '#core/health/checks.ts'
import type { OtherWays } from '#core/health/other-ways.ts'
import type { Installation } from '#core/installation/installation.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Examination } from '../doctor-reading.ts'
import type { Paint } from './error.ts'

const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const

/** One check: a line, and below it why, and what to do. */
export function renderCheck({ id, state, says, why, next }: CheckResult, paint: Paint): string {
  return [
    `  ${paint(COLOURS[state], state.padEnd(7))}  ${id.padEnd(11)}  ${neutralise(says)}`,
    ...(why === undefined ? [] : [detail('why', why, paint)]),
    ...(next === undefined ? [] : [detail('next', next, paint)]),
  ].join('\n')
}

/** Where else one gets in, with the commands. */
export function renderWays({ ways, unread }: OtherWays, paint: Paint): string {
  const lines = ways.flatMap(({ says, commands }) => [
    `${paint('bold', 'another way in:')} ${neutralise(says)}`,
    ...commands.map((command) => `  ${neutralise(command)}`),
  ])
  if (unread.length > 0)
    lines.push(`whether there is another way in is not known without ${unread.join(', ')}`)
  else if (ways.length === 0)
    lines.push(
      'no other way in: no endpoint of EC2 Instance Connect, no serial console, and the API of the cluster is private',
    )
  return lines.join('\n')
}

function detail(label: string, text: string, paint: Paint): string {
  return `${' '.repeat(24 - label.length - 2)}${paint('dim', `${label}:`)} ${neutralise(text)}`
}

/** The examination for a program; its fields are listed in `docs/json-output.md`. */
export function doctorDocument(
  { name, workspace, region, account }: Installation,
  target: string | undefined,
  { healthy, results, ways }: Examination,
): object {
  return {
    installation: name,
    workspace,
    region,
    account,
    target: target ?? null,
    healthy,
    checks: results.map(({ id, state, says, why, next }) => ({
      id,
      state,
      says,
      why: why ?? null,
      next: next ?? null,
    })),
    otherWays: ways?.ways ?? null,
    otherWaysUnread: ways?.unread ?? null,
  }
}
