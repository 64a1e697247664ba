import { type AuditLag, auditLagOf, describeAuditLag } from '#core/bastion/audit-lag.ts'
import { currentOf, type GroupSizes, type Machine } from '#core/bastion/control.ts'
import { wantedUp } from '#core/bastion/decide-stopped.ts'
import { describeOldImage } from '#core/bastion/image-age.ts'
import type { Elevation, Lease } from '#core/bastion/life-state.ts'
import { describeEnd, describeOpening } from '#core/bastion/schedule-words.ts'
import { describeSpan } from '#core/bastion/spans.ts'
import { describeAge } from '#core/text/age.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { BastionView } from '../bastion-reading.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** The life of a bastion, for a person and for a program; the fields are listed in `docs/json-output.md`. */

/** A schedule that has not looked for so long looks no more. */
const OVERDUE = 15 * 60_000

const COLOURS = { busy: 'green', idle: 'green', stopped: 'dim', failed: 'red', stuck: 'red' } as const

export function renderBastion(view: BastionView, name: string, paint: Paint): string {
  const { signals, state, decision, now } = view
  const { verdict } = decision
  const { group, sessions } = signals
  const machine = currentOf(group)
  const colour = COLOURS[verdict.kind as keyof typeof COLOURS] ?? 'yellow'
  const rows = [
    ['group', group.name, describeSizes(group.sizes)],
    ...(machine === undefined ? [] : [['machine', machine.id, describeMachine(machine, now)]]),
    ...(verdict.stale
      ? [
          [
            'newer',
            `version ${group.template} of the launch template`,
            'takes its place when nobody is on it',
          ],
        ]
      : []),
    ...(sessions.known
      ? sessions.value.map(({ id, owner, startedAt, status }) => [
          ...[
            'session',
            id,
            `${owner}, ${status}${startedAt === undefined ? '' : `, since ${iso(startedAt)}`}`,
          ],
        ])
      : []),
    ['idle', ...describeIdle(view)],
    ...describeHours(view),
    ...state.leases.map((lease) => ['held', `by ${lease.owner}`, describeUntil(lease)]),
    ...state.elevations.map((right) => [
      'rights',
      shortPolicy(right),
      `${right.principal}, ${describeUntil(right)}`,
    ]),
    ...state.history.slice(0, 3).map(({ at, what, why }) => ['done', what, `${iso(at)}: ${why}`]),
  ]
  return [
    `${paint('bold', name)}: ${paint(colour, verdict.kind)}: ${neutralise(verdict.says)}`,
    ...columns(rows.map((row) => row.map(neutralise))).map((line) => `  ${line}`),
    ...oldImage(view).map((line) => paint('yellow', line)),
    ...auditBehind(view).map((line) => paint('yellow', line)),
    ...unwatched(view).map((line) => paint('yellow', line)),
  ].join('\n')
}

/** After how long it is stopped, as the function goes by; nothing is told that it has not said. */
function describeIdle({ state: { rules, lookedAt }, unread }: BastionView): [string, string] {
  if (unread !== undefined)
    return ['not known', 'when it is stopped and when it must be up: that cannot be read']
  if (rules === null)
    return [
      'not known yet',
      lookedAt === 0
        ? 'when it is stopped and when it must be up: the first look says so'
        : 'when it is stopped: its function is of a version that does not say (pgctl deploy --plan)',
    ]
  return rules.idleAfter === null
    ? ['for ever', 'it is not stopped by itself']
    : [describeSpan(rules.idleAfter), 'without use, and it is stopped']
}

/** At which hours it must be up: until when it is so, or from when on again. */
function describeHours(view: BastionView): string[][] {
  const { rules } = view.state
  const { schedule } = view.policy
  if (schedule === undefined)
    return rules?.hours ? [['hours', 'not known', `this version cannot read them: ${rules.hours}`]] : []
  const { now } = view
  const [up, next] = [wantedUp(view.decision.state, schedule, now), schedule.next(now)]
  if (up !== undefined) return [['hours', `up ${describeEnd(up, now)}`, up.window.text]]
  return next === undefined ? [] : [['hours', `next: ${describeOpening(next, now)}`, next.window.text]]
}

function oldImage({ signals: { image }, now }: BastionView): string[] {
  const says = image.known ? describeOldImage(image.value, now) : undefined
  return says === undefined ? [] : [`${says} (pgctl bastion deploy --set ImageId=ami-…)`]
}

function auditBehind({ signals }: BastionView): string[] {
  const says = describeAuditLag(auditLag(signals.activity))
  return says === undefined ? [] : [neutralise(says)]
}

function auditLag(activity: BastionView['signals']['activity']): AuditLag | undefined {
  return activity.known ? auditLagOf(activity.value.audit, activity.value.at) : undefined
}

function auditDocument(lag: AuditLag | undefined): object | null {
  return lag === undefined ? null : { behindMs: lag.behind, trouble: lag.trouble ?? null }
}

/** Why nothing of this happens by itself. */
function unwatched({ state, unread, now }: BastionView): string[] {
  if (unread !== undefined) return [`nothing looks after it, as far as can be seen: ${neutralise(unread)}`]
  if (state.lookedAt === 0)
    return ['nothing has looked after it yet: the functions do, once a minute (pgctl deploy --plan)']
  if (now - state.lookedAt < OVERDUE) return []
  return [
    `nothing has looked after it for ${describeSpan(now - state.lookedAt)}: see why its function does not run`,
  ]
}

export function bastionDocument(view: BastionView): object {
  const { signals, state, decision, unread } = view
  const { verdict } = decision
  const { group, sessions, activity, image } = signals
  return {
    state: verdict.kind,
    says: verdict.says,
    stopsInMs: verdict.stopsIn ?? null,
    rules: state.rules === null ? null : { idleAfterMs: state.rules.idleAfter, hours: state.rules.hours },
    schedule: scheduleDocument(view),
    group: {
      name: group.name,
      ...group.sizes,
      remembered: group.remembered ?? null,
      template: group.template ?? null,
    },
    stale: verdict.stale,
    image:
      image.known && image.value !== undefined
        ? { id: image.value.id, createdAt: isoOrNull(image.value.createdAt) }
        : null,
    machines: group.machines.map(machineDocument),
    sessions: sessions.known
      ? sessions.value.map(({ id, owner, machine, startedAt, status, reason }) => ({
          ...{ id, owner, machine, startedAt: isoOrNull(startedAt), status, reason: reason ?? null },
        }))
      : null,
    activity: activity.known
      ? {
          at: iso(activity.value.at),
          connections: activity.value.connections,
          programs: activity.value.programs,
        }
      : null,
    audit: auditDocument(auditLag(activity)),
    leases: state.leases.map(leaseDocument),
    elevations: state.elevations.map(elevationDocument),
    history: state.history.map(({ at, what, why }) => ({ at: iso(at), what, why })),
    lookedAt: state.lookedAt === 0 ? null : iso(state.lookedAt),
    unread: [
      ...(unread === undefined ? [] : [unread]),
      ...(sessions.known ? [] : [sessions.why]),
      ...(activity.known ? [] : [activity.why]),
    ],
  }
}

function scheduleDocument({ policy: { schedule }, decision, now }: BastionView): object | null {
  if (schedule === undefined) return null
  const up = wantedUp(decision.state, schedule, now)
  return { up: up !== undefined, until: isoOrNull(up?.until), next: isoOrNull(schedule.next(now)?.at) }
}

export function leaseDocument({ id, owner, reason, from, until }: Lease): object {
  return { id, owner, reason, from: iso(from), until: iso(until) }
}

export function elevationDocument({ id, principal, policy, by, reason, from, until }: Elevation): object {
  return { id, principal, policy, by, reason, from: iso(from), until: iso(until) }
}

export function renderLease(lease: Lease): string {
  return `held by ${neutralise(lease.owner)} ${neutralise(describeUntil(lease))}`
}

function machineDocument({ id, state, launchedAt, template, imageId, agent }: Machine): object {
  return {
    ...{ id, state, launchedAt: isoOrNull(launchedAt), template: template ?? null, imageId: imageId ?? null },
    agent: agent.kind === 'registered' ? agent.ping : agent.kind,
  }
}

function describeSizes({ minimum, maximum, desired }: GroupSizes): string {
  return `${desired} wanted, of ${minimum} to ${maximum}`
}

function describeMachine({ state, launchedAt, template, imageId, agent }: Machine, now: number): string {
  return [
    state === 'unread' ? 'state unknown' : state,
    ...(launchedAt === undefined ? [] : [`started ${describeAge(launchedAt, now)}`]),
    ...(imageId === undefined ? [] : [`${imageId}${template === undefined ? '' : ` (version ${template})`}`]),
    agent.kind === 'registered' ? `agent ${agent.ping} ${agent.version ?? ''}`.trim() : `agent ${agent.kind}`,
  ].join(', ')
}

function describeUntil({ until, reason }: { readonly until: number; readonly reason: string }): string {
  return `until ${iso(until)} ("${reason}")`
}

function shortPolicy({ policy }: Elevation): string {
  return policy.split('/').at(-1) ?? policy
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : iso(ms)
}
