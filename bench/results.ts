/** The words and tables of `bench/RESULTS.md`. */
import type { Bytes, Ms } from '#core/clock.ts'
import { type Summary, summarise } from './harness.ts'
import type { ProcessFigures } from './process-figures.ts'
import type { Row, Subject } from './subject.ts'

/** What a subject gave, and why not all of it. */
export interface Outcome {
  readonly subject: Subject
  readonly rows: readonly Row[]
  readonly failure: string | undefined
  readonly took: Ms
}

export interface Machine {
  readonly cores: number
  readonly model: string
  readonly system: string
  readonly node: string
  /** Processes that wanted a core in the minute before the run: above zero, others had their share. */
  readonly load: number
}

const HEADINGS = ['figure', 'where', 'measured', 'goal', 'met']

// ── figures as people read them ─────────────────────────────────────────────────────────────────────────────────

/** `54 ms (50–61, 25 runs)`: median, p10 to p90. */
export function milliseconds(figures: readonly Ms[]): string {
  return spread(summarise(figures), 'ms')
}

export function spread({ median, p10, p90, runs }: Summary, unit: string): string {
  const value = `${round(median)} ${unit}`
  return runs === 1 ? value : `${value} (${round(p10)}–${round(p90)}, ${runs} runs)`
}

/** Millions of bytes a second. */
export function perSecond(bytes: Bytes, duration: Ms): number {
  return bytes / 1000 / duration
}

/** What moving `bytes` has cost a process. */
export function usage(used: ProcessFigures | undefined, bytes: Bytes): string {
  if (used === undefined) return 'this system does not say'
  return `${(used.cpuSeconds / (bytes / 1e6)).toFixed(3)} s of CPU a MB, ${round(used.peakMemory / 1e6)} MB of memory at most`
}

/** To three digits that matter, and none behind the point from a hundred on. */
export function round(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  return size >= 10 ? value.toFixed(1) : value.toFixed(2)
}

// ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────

export function renderResults(outcomes: readonly Outcome[], machine: Machine, date: Date, took: Ms): string {
  const goals = outcomes.flatMap(({ rows }) => rows).flatMap(goalOf)
  const met = goals.filter(Boolean).length
  return [
    '# Figures',
    '',
    '<!-- Written by `npm run bench`; edits are lost. -->',
    '',
    `${machine.cores} cores (${machine.model}), ${machine.system}, Node ${machine.node}; ${isoDay(date)}; all tables that say no other in one run of ${round(took / 1000)} s, load ${machine.load.toFixed(1)} before it.`,
    `${met} of ${goals.length} goals are met.`,
    '',
    'Every figure is of one computer: where it says sandbox, client, gateway, agent, far end and the measuring process share',
    'its cores; where it says stub, a reader of logs and the API that it reads (`npm run logs-stub`). None was measured on AWS.',
    'Medians, with the 10th and the 90th percentile; ratios are of runs that took turns.',
    "The figures of the vendor's client were measured once, with its real client and agent, on two cores like these.",
    '',
    ...outcomes.flatMap((outcome) => renderTable(outcome)),
  ].join('\n')
}

/** The page with the tables of these subjects as an earlier page has them. */
export function keepTables(page: string, earlier: string, subjects: readonly Subject[]): string {
  const kept = earlier
    .trimEnd()
    .split(/\n(?=## )/)
    .filter((section) => subjects.some(({ title }) => section.startsWith(`## ${title}\n`)))
  return `${[page.trimEnd(), ...kept.map((section) => section.trimEnd())].join('\n\n')}\n`
}

/**
 * The page with some tables measured anew; each says when that was, and beside what. Subjects that the page does not
 * have come to its end.
 */
export function replaceTables(
  page: string,
  outcomes: readonly Outcome[],
  machine: Machine,
  date: Date,
): string {
  const sections = page.trimEnd().split(/\n(?=## )/)
  for (const outcome of outcomes) {
    const text = renderTable(outcome, `${isoDay(date)}, load ${machine.load.toFixed(1)} before it`)
      .join('\n')
      .trimEnd()
    const known = sections.findIndex((section) => section.startsWith(`## ${outcome.subject.title}\n`))
    if (known === -1) sections.push(`${text}\n`)
    else sections[known] = `${text}\n`
  }
  const met = sections.join('\n').match(/\| yes \|/g)?.length ?? 0
  const missed = sections.join('\n').match(/\| \*\*no\*\* \|/g)?.length ?? 0
  const [head = '', ...tables] = sections
  const counted = head.replace(/^\d+ of \d+ goals are met\.$/m, `${met} of ${met + missed} goals are met.`)
  return `${[counted.trimEnd(), ...tables.map((table) => table.trimEnd())].join('\n\n')}\n`
}

export function renderTable({ subject, rows, failure, took }: Outcome, when?: string): string[] {
  const missing = failure === undefined ? [] : [`Not all of it was measured: ${failure}`, '']
  const table = rows.length === 0 ? [] : [...tableLines(subject, rows), '']
  const command = `\`npm run bench -- ${subject.name}\` (${round(took / 1000)} s${when === undefined ? '' : `; ${when}`})`
  return [`## ${subject.title}`, '', subject.method, '', ...table, ...missing, command, '']
}

function tableLines(
  { where = 'sandbox', others = ["vendor's client"] }: Subject,
  rows: readonly Row[],
): string[] {
  const headings = [...HEADINGS, ...others]
  const cells = rows.map((row) => [
    row.figure,
    where,
    row.measured,
    row.goal?.text ?? '',
    row.goal === undefined ? '' : row.goal.met ? 'yes' : '**no**',
    ...others.map((_, index) => row.others?.[index] ?? (index === 0 ? (row.vendor ?? '') : '')),
  ])
  return [headings, headings.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`)
}

function goalOf({ goal }: Row): boolean[] {
  return goal === undefined ? [] : [goal.met]
}

function isoDay(date: Date): string {
  return date.toISOString().slice(0, 10)
}
