import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { GivenParameter } from './parameters.ts'
import { type Plan, planOf } from './plan.ts'
import type { ChangeSet, StackApi, StackEvent, StackState } from './stack-api.ts'
import type { Template } from './template.ts'

/** Proposing what a stack would become, and making it so. */

export interface Deployment {
  readonly api: StackApi
  readonly clock: Clock
  readonly stack: string
  readonly signal?: AbortSignal | undefined
  /** Told of everything that happens to a part of the stack. */
  readonly onEvent?: (event: StackEvent) => void
}

export interface Proposal {
  /** The name of the set of changes, which lies at the cloud until it is executed or withdrawn. */
  readonly name: string
  readonly kind: 'create' | 'update'
  /** Undefined where nothing would change. */
  readonly plan: Plan | undefined
}

const LOOK_AGAIN: Ms = 2_000
/** A stack of functions, roles and a table takes some minutes; longer than this something hangs. */
const LONGEST: Ms = 60 * 60_000
const MOST_TEMPLATE = 51_200

/** The stack, if it is one that can be deployed to. @throws PgctlError `unhealthy` for one that needs somebody's hand. */
export async function usableStack({ api, stack, signal }: Deployment): Promise<StackState | undefined> {
  const state = await api.stack(stack, signal)
  if (state === undefined || /^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$/.test(state.status))
    return state
  const { status, reason } = state
  const next = status.endsWith('_IN_PROGRESS')
    ? 'wait until it is done, and run the command again'
    : status === 'ROLLBACK_COMPLETE'
      ? `it was never made: delete it (aws cloudformation delete-stack --stack-name ${stack}), and run the command again`
      : `have CloudFormation finish first: aws cloudformation continue-update-rollback --stack-name ${stack}`
  throw new PgctlError('unhealthy', `the stack ${stack} cannot be deployed to now`, {
    why: `it is ${status}${reason === undefined ? '' : `: ${reason}`}`,
    next,
  })
}

/** Has the cloud say what this template would change. The proposal stays there: execute it, or withdraw it. */
export async function propose(
  deployment: Deployment,
  state: StackState | undefined,
  what: {
    readonly template: Template
    readonly parameters: readonly GivenParameter[]
    readonly name: string
  },
): Promise<Proposal> {
  const { api, stack, signal } = deployment
  const template = JSON.stringify(what.template)
  if (template.length > MOST_TEMPLATE) throw new Error(`a template of ${template.length} bytes is too long`)
  const kind = state === undefined ? 'create' : 'update'
  const { name } = what
  await api.propose(
    { stack, name, kind, template, parameters: what.parameters, description: 'proposed by pgctl deploy' },
    signal,
  )
  try {
    const set = await settled(deployment, name)
    if (set.status === 'ready') return { name, kind, plan: planOf(set.changes) }
    if (set.status === 'failed')
      throw new PgctlError('failed', `the cloud does not take the template for ${stack}`, {
        why: set.reason,
        next: 'correct what it names, with --set; nothing was changed',
      })
  } catch (error) {
    // Whatever ended it, an interrupt too: nobody is left behind who would execute it by mistake.
    await withdraw(deployment, { name, kind }).catch(() => {})
    throw error
  }
  await withdraw(deployment, { name, kind })
  return { name, kind, plan: undefined }
}

/** The set of changes once the cloud has made up its mind. */
async function settled({ api, stack, signal, clock }: Deployment, name: string): Promise<ChangeSet> {
  const until = clock.now().mono + LONGEST
  for (;;) {
    const set = await api.changeSet(stack, name, signal)
    if (set.status !== 'making') return set
    if (clock.now().mono > until) throw tooLong(stack)
    await sleep(clock, LOOK_AGAIN, signal)
  }
}

/** Takes a proposal back, with the stack that was begun only for it. */
export function withdraw(
  { api, stack }: Deployment,
  { name, kind }: Pick<Proposal, 'name' | 'kind'>,
): Promise<void> {
  return api.withdraw(stack, name, kind === 'create')
}

/**
 * Executes a proposal and waits until it is done, telling what happens. What fails is taken back by the cloud.
 * @throws PgctlError `failed` with the first failure, when everything is as it was before.
 */
export async function carryOut(deployment: Deployment, proposal: Proposal): Promise<StackState> {
  const { api, stack, signal, clock, onEvent } = deployment
  const before = await api.events(stack, undefined, signal)
  let last = before.at(-1)?.id
  await api.execute(stack, proposal.name, signal)
  const until = clock.now().mono + LONGEST
  let firstFailure: StackEvent | undefined
  for (;;) {
    // First the state and then the events, so that what led to an end is among them.
    const state = await api.stack(stack, signal)
    for (const event of await api.events(stack, last, signal)) {
      last = event.id
      onEvent?.(event)
      if (event.status.endsWith('_FAILED') && !/cancelled/i.test(event.reason ?? '')) firstFailure ??= event
    }
    if (state !== undefined && !isUnderWay(state.status)) {
      if (/^(CREATE|UPDATE)_COMPLETE$/.test(state.status)) return state
      throw failed(stack, state, firstFailure)
    }
    if (clock.now().mono > until) throw tooLong(stack)
    await sleep(clock, LOOK_AGAIN, signal)
  }
}

/**
 * Deletes a stack, telling what happens, and waits until nothing is left of it. Whether there was one.
 * @throws PgctlError `failed` with the first part that would not go.
 */
export async function removeStack(deployment: Deployment): Promise<boolean> {
  const { api, stack, signal, clock, onEvent } = deployment
  if ((await api.stack(stack, signal)) === undefined) return false
  let last = (await api.events(stack, undefined, signal)).at(-1)?.id
  await api.remove(stack, signal)
  const until = clock.now().mono + LONGEST
  let firstFailure: StackEvent | undefined
  for (;;) {
    const state = await api.stack(stack, signal)
    if (state === undefined || state.status === 'DELETE_COMPLETE') return true
    for (const event of await api.events(stack, last, signal)) {
      last = event.id
      onEvent?.(event)
      if (event.status === 'DELETE_FAILED') firstFailure ??= event
    }
    if (state.status === 'DELETE_FAILED') throw notRemoved(stack, state, firstFailure)
    if (clock.now().mono > until) throw tooLong(stack)
    await sleep(clock, LOOK_AGAIN, signal)
  }
}

function notRemoved(stack: string, { reason }: StackState, first: StackEvent | undefined): PgctlError {
  return new PgctlError('failed', `the stack ${stack} was not deleted in full`, {
    why: first === undefined ? reason : `${first.resource} (${first.type}): ${first.reason ?? first.status}`,
    next: 'remove what holds it, and run the command again: what is gone is gone',
  })
}

function isUnderWay(status: string): boolean {
  return status.endsWith('_IN_PROGRESS')
}

function failed(stack: string, { status, reason }: StackState, first: StackEvent | undefined): PgctlError {
  const why =
    first === undefined ? reason : `${first.resource} (${first.type}): ${first.reason ?? first.status}`
  return new PgctlError('failed', `the stack ${stack} was not deployed, and the cloud has taken it back`, {
    why: `${why ?? 'no reason was given'}; the stack is ${status}`,
    next:
      status === 'ROLLBACK_COMPLETE'
        ? `mend the cause, delete what is left (aws cloudformation delete-stack --stack-name ${stack}), and deploy again`
        : 'mend the cause and deploy again; what ran before runs still',
  })
}

function tooLong(stack: string): PgctlError {
  return new PgctlError('timed-out', `the stack ${stack} is not done after an hour`, {
    next: `see what it waits for: aws cloudformation describe-stack-events --stack-name ${stack}`,
  })
}
