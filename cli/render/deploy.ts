import type { Change } from '#core/stack/plan.ts'
import type { StackEvent } from '#core/stack/stack-api.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { DeployPlan, DeployReport } from '../deploy.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

const WORDS: Readonly<Record<Change['action'], string>> = { add: 'add', change: 'change', remove: 'remove' }

/** What would be done, and what in it needs somebody's eye. */
export function renderDeployPlan(plan: DeployPlan, paint: Paint): string {
  const { stack, kind, release, versions, skew } = plan
  const line = (name: string, text: string) => `  ${paint('dim', name.padEnd(9))} ${neutralise(text)}`
  return [
    line('stack', `${stack}, ${kind === 'create' ? 'which is made anew' : 'which is there'}`),
    line('release', release),
    line(
      'versions',
      [
        `pgctl here ${versions.here}`,
        `functions ${versions.functions ?? 'none'}`,
        `bastion ${versions.bastion ?? 'not known'}`,
      ].join(', '),
    ),
    ...skew.map((sentence) => `${paint('yellow', 'versions:')} ${sentence}`),
    '',
    ...changeLines(plan, paint),
  ].join('\n')
}

function changeLines({ plan }: DeployPlan, paint: Paint): string[] {
  if (plan === undefined) return ['nothing would change']
  const { changes, rights, losses } = plan
  const rows = changes.map((change) => [
    WORDS[change.action],
    change.resource,
    change.type,
    [replacement(change), change.properties.join(', ')].filter((part) => part !== '').join('; '),
  ])
  return [
    ...columns(rows).map((row) => `  ${neutralise(row.trimEnd())}`),
    '',
    `${changes.length} changes: ${count(changes, 'add')} added, ${count(changes, 'change')} changed, ${count(changes, 'remove')} removed`,
    ...(rights.length === 0
      ? []
      : [`${paint('yellow', 'rights:')} who may do what changes by ${names(rights)}`]),
    ...(losses.length === 0
      ? []
      : [
          `${paint('red', 'made anew or removed:')} ${names(losses)}; what they hold is lost unless it is kept`,
        ]),
  ]
}

function replacement({ replaces }: Change): string {
  return replaces === 'yes' ? 'made anew' : replaces === 'maybe' ? 'perhaps made anew' : ''
}

function count(changes: readonly Change[], action: Change['action']): number {
  return changes.filter((change) => change.action === action).length
}

function names(changes: readonly Change[]): string {
  return changes.map(({ resource }) => neutralise(resource)).join(', ')
}

/** A line of progress. */
export function renderStackEvent({ at, resource, status, reason }: StackEvent, paint: Paint): string {
  const time = new Date(at).toISOString().slice(11, 19)
  const why = reason === undefined || reason === '' ? '' : `  ${neutralise(reason)}`
  const word = status.toLowerCase().replaceAll('_', ' ')
  const shown = status.endsWith('_FAILED') ? paint('red', word) : word
  return `${paint('dim', time)}  ${neutralise(resource)}  ${shown}${why}`
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function deployDocument({ stack, kind, release, versions, skew, plan, done }: DeployReport): object {
  return {
    stack,
    kind,
    release,
    versions: {
      here: versions.here,
      functions: versions.functions ?? null,
      bastion: versions.bastion ?? null,
    },
    skew,
    changes: plan === undefined ? [] : plan.changes.map(changeDocument),
    done,
  }
}

function changeDocument({ action, resource, type, physical, replaces, properties }: Change): object {
  return { action, resource, type, physical: physical ?? null, replaces, properties }
}
