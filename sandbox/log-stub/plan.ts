/** What the stub will do: whose logs there are, and what goes wrong with them. All of it follows from the options. */

import { seededChance } from '#sandbox/kubernetes/log-lines.ts'
import { type LogLook, type MadeLog, makeLog } from './made-log.ts'

/** What can happen to a stream that has come to its place. */
export const STREAM_FAULTS = ['reset', 'fin', 'end', 'stall', 'rotate'] as const
/** What can happen to requests and watches once the live lines begin. */
export const CALL_FAULTS = ['throttle', 'token', 'expire'] as const

export type StreamFaultKind = (typeof STREAM_FAULTS)[number]
export type CallFaultKind = (typeof CALL_FAULTS)[number]

/** Meets the first stream that comes to byte `at` of the stamped log of a run, and then no other. */
export interface StreamFault {
  readonly kind: StreamFaultKind
  readonly run: number
  readonly at: number
}

export interface CallFault {
  readonly kind: CallFaultKind
  /** How many requests are throttled. */
  readonly times: number
}

export interface PodPlan {
  readonly name: string
  /** One after another; a second one means that the container is restarted. */
  readonly runs: readonly MadeLog[]
  /** Lines of the first run that are there at the start; the others come when all pods are followed. */
  readonly written: number
  readonly faults: readonly StreamFault[]
}

export interface WorldPlan {
  readonly pods: readonly PodPlan[]
  readonly calls: readonly CallFault[]
  /** How long a stalled stream is silent before its connection is reset, in milliseconds; for ever if undefined. */
  readonly stallFor: number | undefined
  /** How long a container is down before it runs again, in milliseconds. */
  readonly downtime: number
  /** Live lines of each pod in a second; 0 for all at once. */
  readonly pace: number
  /** Containers end when all lines are written. */
  readonly ends: boolean
}

/** A fault as a person orders it: of every pod, or of one; `share` of the log is where. */
export interface FaultOrder {
  readonly kind: StreamFaultKind | CallFaultKind | 'restart'
  readonly pod?: string | undefined
  readonly share: number
  readonly times: number
}

/** Of all pods: `lines` are those of all runs together, and nodes' clocks are wrong by up to `skew`. */
export interface PlanOptions extends LogLook {
  readonly pods: number
  /** The share of the lines that are there at the start. */
  readonly history: number
  readonly pace: number
  readonly ends: boolean
  readonly stallFor: number | undefined
  readonly faults: readonly FaultOrder[]
}

export const DEFAULT_PLAN: Omit<PlanOptions, 'start'> = {
  pods: 4,
  lines: 1_000,
  seed: 1,
  body: 'json',
  history: 0.5,
  step: 10_000_000,
  skew: 0,
  together: 1,
  backwards: 0,
  repeated: 0,
  giant: 0,
  pace: 0,
  ends: false,
  stallFor: undefined,
  faults: [],
}

/** How long a kubelet takes to restart a container for the first time. */
const DOWNTIME = 200

export function planOf(options: PlanOptions): WorldPlan {
  const chance = seededChance(options.seed)
  const isCall = (kind: FaultOrder['kind']): kind is CallFaultKind =>
    (CALL_FAULTS as readonly string[]).includes(kind)
  return {
    pods: Array.from({ length: options.pods }, (_, index) => podOf(options, index, chance())),
    calls: options.faults.flatMap(({ kind, times }) => (isCall(kind) ? [{ kind, times }] : [])),
    stallFor: options.stallFor,
    downtime: DOWNTIME,
    pace: options.pace,
    ends: options.ends,
  }
}

function podOf(options: PlanOptions, index: number, chance: number): PodPlan {
  const name = `api-${index}`
  const own = options.faults.filter(({ pod }) => pod === undefined || pod === name)
  const count = own.some(({ kind }) => kind === 'restart') ? 2 : 1
  const lines = Math.floor(options.lines / options.pods) + (index < options.lines % options.pods ? 1 : 0)
  const ofRuns = count === 1 ? [lines] : [Math.ceil(lines / 2), Math.floor(lines / 2)]
  const skew = options.skew === 0 ? 0 : Math.round((2 * chance - 1) * options.skew)
  let before = 0
  const runs = ofRuns.map((many, run) => {
    const start = options.start + Math.ceil((before * options.step) / 1e9)
    before += many
    const shape = { ...options, pod: name, run, lines: many, start, skew }
    return makeLog({
      ...shape,
      giant: index === 0 ? options.giant : 0,
      seed: seedOf(options.seed, index, run),
    })
  })
  const [first] = runs
  const faults = own.flatMap(({ kind, share }) => {
    if (!isStreamFault(kind) || first === undefined) return []
    const at = Math.floor(share * first.stamped.bytes.length)
    // A kubelet begins a new file between two lines.
    return [{ kind, run: 0, at: kind === 'rotate' ? at - first.placeOf(at).within : at }]
  })
  return { name, runs, written: Math.floor((ofRuns[0] ?? 0) * options.history), faults }
}

function isStreamFault(kind: FaultOrder['kind']): kind is StreamFaultKind {
  return (STREAM_FAULTS as readonly string[]).includes(kind)
}

function seedOf(seed: number, pod: number, run: number): number {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(pod + 1, 0x85ebca6b) ^ (run + 1)) >>> 0
}
