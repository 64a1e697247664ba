import type { Ms } from '#core/clock.ts'
import type { Decision, LifeAction } from './actions.ts'
import { type BastionGroup, currentOf, isOnline, type Machine } from './control.ts'
import { ofStopped } from './decide-stopped.ts'
import { type Look, stop, verdict } from './decision.ts'
import type { LifeState } from './life-state.ts'
import { type LifePolicy, rulesOf } from './policy.ts'
import { describeUp } from './schedule-words.ts'
import type { Signals } from './signals.ts'
import { describeSpan } from './spans.ts'
import { useOf } from './use.ts'
import { watchSessions } from './watch-sessions.ts'

/**
 * What becomes of a bastion, from what was written down, what is seen and what time it is; the same for the same.
 *
 * Each look decides afresh from how things are, never from what was done before: whoever sets the group's size back, or
 * a step that failed, is seen by the next look as it stands. Spans are added up look by look, each by no more than the
 * policy's longest step, so that neither a clock that leaps nor a schedule that pauses makes anything look old.
 */
export function decide(before: LifeState, signals: Signals, policy: LifePolicy, now: Ms): Decision {
  const passed = before.lookedAt === 0 ? 0 : now - before.lookedAt
  const step = Math.min(Math.max(passed, 0), policy.longestStep)
  // A look after a leap ends no lease: the next one, if the time stays what it is, does.
  const steady = passed >= 0 && passed <= policy.longestStep
  const bounded = <T extends { readonly until: Ms }>(each: T): T => ({
    ...each,
    until: Math.min(each.until, now + policy.leaseMost),
  })
  const state: LifeState = {
    ...before,
    lookedAt: now,
    rules: rulesOf(policy),
    leases: before.leases.filter(({ until }) => !steady || until > now).map(bounded),
    elevations: before.elevations.map(bounded),
    // The clock of whoever has stopped it may be ahead.
    stopped: before.stopped && { ...before.stopped, at: Math.min(before.stopped.at, now) },
  }
  const decision = ofGroup({ state, signals, policy, step, now })
  return { ...decision, actions: [...revocations(state, now), ...decision.actions] }
}

/** They stay written down until somebody has really taken them away. */
function revocations({ elevations }: LifeState, now: Ms): LifeAction[] {
  return elevations
    .filter(({ until }) => until <= now)
    .map(({ id, principal, policy, reason }) => ({
      ...{ kind: 'revoke', elevation: id, principal, policy },
      why: `the time it was asked for is over ("${reason}")`,
    }))
}

function ofGroup(look: Look): Decision {
  const { state, signals, policy, step } = look
  const { group } = signals
  if (group === undefined)
    return {
      state: ofMachine(state, null),
      actions: [],
      verdict: verdict('missing', 'there is no group of bastions'),
    }
  const machine = currentOf(group)
  if (machine !== undefined)
    return ofCurrent({ ...look, state: ofMachine(state, machine.id) }, group, machine)
  const empty = ofMachine(state, null)
  if (group.sizes.desired === 0) return ofStopped({ ...look, state: { ...empty, bootFor: 0 } }, group)
  const bootFor = empty.bootFor + step
  const says = `its group has started no machine for ${describeSpan(bootFor)}`
  return {
    state: { ...empty, bootFor },
    actions: [],
    verdict: bootFor < policy.onlineWithin ? verdict('starting', says) : verdict('failed', says),
  }
}

/** Spans are of one machine: another one begins anew. */
function ofMachine(state: LifeState, machine: string | null): LifeState {
  if (state.machine === machine) return state
  return {
    ...state,
    ...{ machine, wasOnline: false, refreshTold: false, bootFor: 0, lostFor: 0, staleFor: 0 },
    ...{ idle: false, idleFor: 0, unknownFor: { sessions: 0, activity: 0 }, watched: [] },
  }
}

function ofCurrent(seen: Look, group: BastionGroup, machine: Machine): Decision {
  const look = { ...seen, state: startedSince(seen.state, group, machine) }
  const { state, signals } = look
  const { agent } = machine
  // Where agents may not be asked about, nothing is concluded from their silence.
  if (agent.kind === 'unread' || isOnline(machine)) return ofAnswering(look, group, machine)
  // A session can only be on a machine that has answered, whatever was or was not written down.
  const hasAnswered = state.wasOnline || (signals.sessions.known && signals.sessions.value.length > 0)
  return hasAnswered ? ofSilent(look, machine) : ofStarting(look, group, machine)
}

/** Whoever has started it after it was stopped has taken that back. */
function startedSince(state: LifeState, { sizes }: BastionGroup, { id }: Machine): LifeState {
  return sizes.desired > 0 && state.stopped?.machine !== id ? { ...state, stopped: null } : state
}

function ofStarting(
  { state, signals, policy, step, now }: Look,
  group: BastionGroup,
  machine: Machine,
): Decision {
  const bootFor = state.bootFor + step
  const next = { ...state, bootFor }
  const says = `${machine.id} has been starting for ${describeSpan(bootFor)}`
  // Who is on it is not known: then there may be somebody, and it is not ended for its silence yet.
  const patience = signals.sessions.known ? policy.onlineWithin : policy.unknownCap
  if (bootFor < patience)
    return {
      state: next,
      actions: [],
      verdict: verdict('starting', `${says}; its agent does not answer yet`),
    }
  const why = `the agent of ${machine.id} has not answered within ${describeSpan(patience)}`
  const { template = null } = machine
  const tries = state.tries + 1
  if (state.good !== null && template !== null && state.good !== template)
    return {
      state: { ...next, refused: template, tries: 0 },
      actions: [
        { kind: 'use-template', version: state.good, why: `${why}, and version ${state.good} was good` },
        { kind: 'replace', machine: machine.id, unlessUsed: false, why },
      ],
      verdict: verdict('failed', `${why}: back to version ${state.good} of the launch template`),
    }
  if (tries < policy.tries)
    return {
      state: { ...next, tries },
      actions: [
        {
          kind: 'replace',
          machine: machine.id,
          unlessUsed: false,
          why: `${why} (try ${tries} of ${policy.tries})`,
        },
      ],
      verdict: verdict('failed', `${why}: another one is tried`),
    }
  return {
    state: { ...next, tries: 0, stopped: { at: now, by: 'failure', machine: machine.id } },
    actions: [stop(group, `${why}, as none of ${policy.tries} machines in a row has`)],
    verdict: verdict('failed', `${why}, as none of ${policy.tries} machines in a row has: it is stopped`),
  }
}

function ofSilent({ state, signals, policy, step }: Look, machine: Machine): Decision {
  const lostFor = state.lostFor + step
  const next = { ...state, lostFor, idle: false, idleFor: 0 }
  const says = `its agent has been silent for ${describeSpan(lostFor)}: no session can be opened or used`
  const { activity, sessions } = signals
  const works = activity.known && activity.value.programs + activity.value.connections > 0
  const limit = works ? policy.unknownCap : policy.agentLostAfter
  if (state.leases.length > 0 || lostFor < limit) {
    const held = state.leases.length > 0 ? '; it is held open' : ''
    return { state: next, actions: [], verdict: verdict('stuck', `${says}${held}`) }
  }
  const dead = sessions.known ? sessions.value : []
  return {
    state: next,
    actions: [
      ...dead.map(({ id }): LifeAction => ({ kind: 'end-session', session: id, why: says })),
      { kind: 'replace', machine: machine.id, unlessUsed: false, why: says },
    ],
    verdict: verdict('replacing', says),
  }
}

function ofAnswering(look: Look, group: BastionGroup, machine: Machine): Decision {
  const { signals, policy, step } = look
  const answered = isOnline(machine) ? answeredBy(look.state, machine) : look.state
  const { watched, actions } = watchSessions(answered, signals, policy, step)
  const { reasons, unknownFor } = useOf(answered, signals, policy, look)
  const stale = isStale(group, machine, answered)
  const state: LifeState = {
    ...answered,
    ...{ watched: [...watched], unknownFor, staleFor: stale ? answered.staleFor + step : 0 },
  }
  if (reasons.length > 0) return whileUsed({ ...look, state }, { machine, reasons, stale, actions })
  return whileIdle({ ...look, state }, group, { machine, stale, actions })
}

function answeredBy(state: LifeState, { template }: Machine): LifeState {
  const refused = state.refused === template ? null : state.refused
  return {
    ...state,
    wasOnline: true,
    good: template ?? state.good,
    refused,
    tries: 0,
    bootFor: 0,
    lostFor: 0,
  }
}

/** Whether the next machine would be another than this one; one that never answered is not gone back to. */
function isStale(group: BastionGroup, machine: Machine, { refused }: LifeState): boolean {
  const { template } = group
  return (
    template !== undefined &&
    machine.template !== undefined &&
    template !== machine.template &&
    template !== refused
  )
}

interface Found {
  readonly machine: Machine
  readonly stale: boolean
  readonly actions: readonly LifeAction[]
}

function whileUsed(
  { state, signals, policy }: Look,
  { machine, reasons, stale, actions }: Found & { readonly reasons: readonly string[] },
): Decision {
  const used = { ...state, idle: false, idleFor: 0 }
  const says = reasons.join('; ')
  const abandoned = state.watched.filter(({ seenFor }) => seenFor >= policy.abandonedAfter)
  const kind = abandoned.length > 0 && state.leases.length === 0 ? 'stuck' : 'busy'
  const busy = { state: used, actions, verdict: verdict(kind, says, stale) }
  if (!stale || state.leases.length > 0 || state.staleFor < policy.refreshAfter - policy.notice) return busy
  const sessions = signals.sessions.known ? signals.sessions.value : []
  const newer = `a newer image has waited for ${describeSpan(state.staleFor)}`
  if (!state.refreshTold)
    return {
      ...busy,
      state: { ...used, refreshTold: true },
      actions: [
        ...actions,
        ...sessions.map(
          ({ id }): LifeAction => ({
            ...{ kind: 'warn-session', session: id },
            why: `${newer}: it takes the place of this one in ${describeSpan(policy.notice)}`,
          }),
        ),
      ],
    }
  if (state.staleFor < policy.refreshAfter) return busy
  return {
    state: used,
    actions: [
      ...sessions.map(({ id }): LifeAction => ({ kind: 'end-session', session: id, why: newer })),
      { kind: 'replace', machine: machine.id, unlessUsed: false, why: newer },
    ],
    verdict: verdict('replacing', newer, stale),
  }
}

function whileIdle(
  { state: before, policy, step, now }: Look,
  group: BastionGroup,
  { machine, stale, actions }: Found,
): Decision {
  // It may have been used until just before the first look that finds it idle.
  const idleFor = before.idle ? before.idleFor + step : 0
  const state = { ...before, idle: true, idleFor }
  const unused = `nobody has used it for ${describeSpan(idleFor)}`
  const up = policy.schedule?.at(now)
  if (up === undefined && idleFor >= policy.idleAfter)
    return {
      state,
      actions: [...actions, stop(group, unused)],
      verdict: verdict('stopping', `is stopped because ${unused}`, stale),
    }
  // While it must be up it is not taken away, until a newer image has waited for as long as it may.
  const mayRefresh = up === undefined || state.staleFor >= policy.refreshAfter
  if (stale && idleFor >= policy.refreshIdle && mayRefresh) {
    const why = `a newer image is there, and ${unused}`
    return {
      state,
      actions: [...actions, { kind: 'replace', machine: machine.id, unlessUsed: true, why }],
      verdict: verdict('replacing', why, stale),
    }
  }
  const idle = (says: string) => verdict('idle', says, stale)
  const stopsIn = Math.max(policy.idleAfter - idleFor, (up?.until ?? now) - now)
  if (up !== undefined) {
    const told = idle(`${describeUp(up, now)}; ${unused}`)
    const ends = up.until !== undefined && Number.isFinite(stopsIn)
    return { state, actions, verdict: ends ? { ...told, stopsIn } : told }
  }
  if (policy.idleAfter === Infinity) return { state, actions, verdict: idle(unused) }
  const says = `will stop in ${describeSpan(stopsIn)} because ${unused}`
  return { state, actions, verdict: { ...idle(says), stopsIn } }
}
