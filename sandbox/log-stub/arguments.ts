/** The words of `npm run logs-stub`, read and bounded. */

import { parseArgs } from 'node:util'
import { PgctlError } from '#core/errors.ts'
import { CALL_FAULTS, type FaultOrder, type PlanOptions, STREAM_FAULTS } from './plan.ts'
import { optionsOf, SCENARIOS } from './scenarios.ts'

const KINDS = [...STREAM_FAULTS, 'restart', ...CALL_FAULTS] as const

export const USAGE = `A Kubernetes API on the loopback that serves logs made beforehand, and misbehaves as it is told.

  npm run logs-stub -- [OPTIONS]                serve until Ctrl-C
  npm run logs-stub -- score EXPECTED < OUTPUT  count what a reader of logs lost, doubled and tore

Whose logs
  --pods N        pods of the one service "api" in namespace "logs" (4, at most 1000)
  --lines N       lines of all pods together (1000, at most 5000000)
  --body KIND     json: some 220 bytes a line; short: some 15 (json)
  --history P     percent of the lines that are there at the start; the others come when all pods are
                  followed, or 5 s after the first is (50)
  --pace N        live lines of each pod a second; 0 for all at once (0)
  --step MS       between the stamps of two lines of a pod (10)
  --seed N        the same seed gives the same logs (1)
  --ends          containers end when all lines are written

What is odd about them
  --skew S        nodes' clocks are wrong by up to S seconds
  --backwards N   one line in N is stamped up to a second before its turn
  --together N    N lines after one another bear one stamp
  --repeated N    one line in N is the line before once more
  --giant BYTES   one line of the first pod is so long (at most 268435456)

What goes wrong
  --fault F       again and again: KIND[:POD][@PERCENT][xTIMES]
                  to a stream that comes to PERCENT of a pod's log (of its first run; 50):
                    reset, fin (the connection breaks), end (in good order), stall, rotate
                  once the live lines begin:
                    restart, throttle xTIMES (429), token (401), expire (410)
  --stall-for S   a stalled stream is reset after S seconds, not never
  --scenario NAME ${Object.keys(SCENARIOS).join(', ')}

Where
  --port N        on 127.0.0.1; a free one (0)
  --plain         HTTP without TLS
  --latency MS    every request waits so long before it is answered
  --expected FILE writes what is to be printed, for "score"
  --verbose       tells every request
  --json          the first line of output as JSON
`

export interface StubArguments {
  readonly plan: PlanOptions
  readonly port: number
  readonly plain: boolean
  readonly latency: number
  readonly expected: string | undefined
  readonly verbose: boolean
  readonly json: boolean
}

export type Wanted =
  | { readonly kind: 'help' }
  | { readonly kind: 'score'; readonly expected: string }
  | { readonly kind: 'serve'; readonly asked: StubArguments }

/** Reads the command line; `now` is the wall's time in milliseconds. @throws PgctlError `usage`. */
export function readArguments(argv: readonly string[], now: number): Wanted {
  const { values, positionals } = parse(argv)
  if (values.help) return { kind: 'help' }
  if (positionals[0] === 'score' && positionals[1] !== undefined)
    return { kind: 'score', expected: positionals[1] }
  if (positionals.length > 0) throw usage(`${JSON.stringify(positionals[0])} means nothing here`)
  const { scenario: name, body } = values
  if (name !== undefined && !Object.hasOwn(SCENARIOS, name))
    throw usage(`no scenario is called ${JSON.stringify(name)}`)
  if (body !== undefined && body !== 'json' && body !== 'short') throw usage('--body is json or short')
  const number = (flag: keyof typeof values, most: number, least = 0): number | undefined => {
    const text = values[flag]
    if (text === undefined) return undefined
    if (typeof text !== 'string' || !/^\d{1,12}(\.\d{1,6})?$/.test(text)) throw usage(`--${flag} is a number`)
    const value = Number(text)
    if (value < least || value > most) throw usage(`--${flag} is between ${least} and ${most}`)
    return value
  }
  const history = number('history', 100)
  const step = number('step', 3_600_000)
  const stallFor = number('stall-for', 86_400)
  const said = {
    pods: number('pods', 1_000, 1),
    lines: number('lines', 5_000_000, 1),
    seed: number('seed', 2 ** 31),
    body,
    history: history === undefined ? undefined : history / 100,
    step: step === undefined ? undefined : Math.round(step * 1e6),
    pace: number('pace', 1_000_000),
    skew: number('skew', 86_400),
    backwards: number('backwards', 1e6),
    together: number('together', 1e6),
    repeated: number('repeated', 1e6),
    giant: number('giant', 2 ** 28),
    ends: values.ends,
    stallFor: stallFor === undefined ? undefined : stallFor * 1_000,
    faults: values.fault?.map(readFault),
  }
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  // An hour back, so that nothing is stamped in the future and all is within the usual span of readers.
  const start = Math.floor(now / 1000) - 3_600
  const plan = optionsOf(name === undefined ? undefined : SCENARIOS[name], { start, ...given })
  return {
    kind: 'serve',
    asked: {
      plan,
      port: number('port', 65_535) ?? 0,
      plain: values.plain ?? false,
      latency: number('latency', 60_000) ?? 0,
      expected: values.expected,
      verbose: values.verbose ?? false,
      json: values.json ?? false,
    },
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...{
          pods: text,
          lines: text,
          body: text,
          history: text,
          pace: text,
          step: text,
          seed: text,
          ends: flag,
        },
        ...{ skew: text, backwards: text, together: text, repeated: text, giant: text },
        ...{ fault: { type: 'string', multiple: true }, 'stall-for': text, scenario: text },
        ...{ port: text, plain: flag, latency: text, expected: text, verbose: flag, json: flag, help: flag },
      },
    })
  } catch (cause) {
    throw usage((cause as Error).message.split('. ')[0] ?? 'the words are wrong')
  }
}

/** `reset:api-2@75`, `throttle x5` without the space. @throws PgctlError `usage`. */
export function readFault(text: string): FaultOrder {
  const groups =
    /^(?<kind>[a-z]+)(?::(?<pod>[a-z0-9-]+))?(?:@(?<share>\d+(?:\.\d+)?))?(?:x(?<times>\d{1,4}))?$/.exec(
      text,
    )?.groups
  const kind = KINDS.find((known) => known === groups?.['kind'])
  if (kind === undefined)
    throw usage(`${JSON.stringify(text)} is no fault: KIND[:POD][@PERCENT][xTIMES], of ${KINDS.join(', ')}`)
  const share = Number(groups?.['share'] ?? 50) / 100
  if (share > 1) throw usage(`${JSON.stringify(text)}: a log has no more than 100 percent`)
  return { kind, pod: groups?.['pod'], share, times: Number(groups?.['times'] ?? 1) }
}

function usage(message: string): PgctlError {
  return new PgctlError('usage', message, { next: 'see npm run logs-stub -- --help' })
}
