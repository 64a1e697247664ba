import { Flags } from '@oclif/core'
import { LEVELS } from '#core/logs/level.ts'

/** The flags of `logs`, by what they are about. */

const timeFlags = {
  since: Flags.string({ summary: 'Begin so long ago: 90s, 10m, 1h30m, 2d.', helpValue: 'TIME' }),
  from: Flags.string({
    summary: 'Begin at a moment: 20:10, "yesterday 20:10", 2026-11-25T20:10, or so long ago.',
    helpValue: 'WHEN',
  }),
  to: Flags.string({ summary: 'End at a moment; a follow ends there by itself.', helpValue: 'WHEN' }),
  utc: Flags.boolean({ summary: 'Show and read times in UTC.' }),
  tz: Flags.string({
    summary: 'Show and read times as they are in a zone, such as Europe/Berlin.',
    helpValue: 'ZONE',
  }),
}

const patterns = { helpValue: 'REGEX', multiple: true, multipleNonGreedy: true } as const

const filterFlags = {
  grep: Flags.string({ char: 'g', summary: 'Only lines that match; of several patterns, any.', ...patterns }),
  exclude: Flags.string({
    char: 'x',
    summary: 'No lines that match; of several patterns, any.',
    ...patterns,
  }),
  level: Flags.option({ options: LEVELS })({
    char: 'l',
    summary: 'Only lines at least as grave, and those that tell no level.',
  }),
}

const sourceFlags = {
  selector: Flags.string({
    char: 'L',
    summary: 'Pods with these labels, of the services or of all: tier=web,env!=test.',
    helpValue: 'LABELS',
  }),
  container: Flags.string({
    char: 'c',
    summary: 'Only containers whose name matches; of several patterns, any.',
    ...patterns,
  }),
  'exclude-container': Flags.string({ summary: 'No containers whose name matches.', ...patterns }),
  namespace: Flags.string({
    char: 'N',
    summary: "In this namespace instead of the installation's; may be given several times.",
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'all-namespaces': Flags.boolean({ summary: 'In all namespaces that the cluster lists.' }),
}

const contextFlag = (char: 'A' | 'B' | 'C', where: string) =>
  Flags.integer({
    char,
    summary: `With a filter, show so many events ${where} each that fits, of the same container.`,
    helpValue: 'N',
    min: 0,
    max: 1_000,
  })

const contextFlags = {
  context: contextFlag('C', 'around'),
  before: contextFlag('B', 'before'),
  after: contextFlag('A', 'after'),
}

export const logFlags = {
  follow: Flags.boolean({ char: 'f', summary: 'Go on with what is written, until Ctrl-C.' }),
  tail: Flags.string({
    char: 'n',
    summary:
      'Begin with so many of the last lines, of all pods together; 50 unless --since or --from is given.',
    helpValue: 'N|all',
  }),
  'max-streams': Flags.integer({
    summary: 'Follow so many logs at once; the others wait for one that is over.',
    helpValue: 'N',
    min: 1,
    default: 500,
  }),
  previous: Flags.boolean({ summary: 'The runs before the last restarts.' }),
  output: Flags.option({ options: ['tidy', 'raw', 'json'] as const })({
    char: 'o',
    summary: 'How a line is shown: tidy, as it was written, or as JSON.',
    default: 'tidy',
  }),
  ...sourceFlags,
  ...timeFlags,
  ...filterFlags,
  ...contextFlags,
}
