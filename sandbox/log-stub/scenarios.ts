/** Ways in which clusters misbehave, ready to be tried on any reader of logs. */

import { DEFAULT_PLAN, type PlanOptions } from './plan.ts'

export interface Scenario {
  /** What happens, for a table. */
  readonly words: string
  readonly options: Partial<PlanOptions>
}

const LINES = 2_000
const one = { lines: LINES, pods: 1 }
const at = (share: number) => ({ share, times: 1 })

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  none: { words: 'nothing goes wrong, 4 pods', options: { lines: LINES } },
  cut: {
    words: 'the connection is reset within a line',
    options: { ...one, faults: [{ kind: 'reset', ...at(0.7503) }] },
  },
  fin: {
    words: 'the connection is closed within a line',
    options: { ...one, faults: [{ kind: 'fin', ...at(0.7503) }] },
  },
  'cut-twice': {
    words: 'every stream of 4 pods is reset twice',
    options: {
      lines: LINES,
      faults: [
        { kind: 'reset', ...at(0.6011) },
        { kind: 'reset', ...at(0.9007) },
      ],
    },
  },
  end: {
    words: 'the server ends the answer while the container goes on',
    options: { ...one, faults: [{ kind: 'end', ...at(0.75) }] },
  },
  stall: {
    words: 'the stream falls silent, the connection stays',
    options: { ...one, faults: [{ kind: 'stall', ...at(0.7503) }] },
  },
  rotate: {
    words: 'the file is rotated, and the answer ends',
    options: { ...one, faults: [{ kind: 'rotate', ...at(0.75) }] },
  },
  restart: {
    words: 'the container restarts within a second',
    options: { ...one, faults: [{ kind: 'restart', ...at(0) }] },
  },
  'restart-cut': {
    words: 'it restarts while its stream is cut',
    options: {
      ...one,
      faults: [
        { kind: 'restart', ...at(0) },
        { kind: 'reset', ...at(0.8503) },
      ],
    },
  },
  throttle: {
    words: 'streams are cut, and 10 requests throttled (429)',
    options: {
      lines: LINES,
      faults: [
        { kind: 'throttle', share: 0, times: 10 },
        { kind: 'reset', ...at(0.7503) },
      ],
    },
  },
  token: {
    words: 'streams are cut, and the token has expired (401)',
    options: {
      lines: LINES,
      faults: [
        { kind: 'token', ...at(0) },
        { kind: 'reset', ...at(0.7503) },
      ],
    },
  },
  expire: {
    words: 'the watch expires (410), then containers restart',
    options: {
      lines: LINES,
      faults: [
        { kind: 'expire', ...at(0) },
        { kind: 'restart', ...at(0) },
      ],
    },
  },
  skew: { words: "nodes' clocks are up to 30 s apart, 4 pods", options: { lines: LINES, skew: 30 } },
  backwards: {
    words: 'stamps run backwards, and the stream is cut',
    options: { ...one, backwards: 4, faults: [{ kind: 'reset', ...at(0.7503) }] },
  },
  together: {
    words: '50 lines bear one stamp, and the stream is cut',
    options: { ...one, together: 50, faults: [{ kind: 'reset', ...at(0.7503) }] },
  },
  many: { words: '60 pods', options: { lines: 6_000, pods: 60 } },
}

/** All options of a plan: what is said, over what the scenario says, over the defaults. */
export function optionsOf(
  scenario: Scenario | undefined,
  said: Partial<PlanOptions> & Pick<PlanOptions, 'start'>,
): PlanOptions {
  return { ...DEFAULT_PLAN, ...scenario?.options, ...said }
}
