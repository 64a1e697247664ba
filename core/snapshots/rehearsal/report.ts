import type { Ms } from '#core/clock.ts'

/** What came of a rehearsal: what was restored, what was counted, and which checks it passed. */
export interface RehearsalReport {
  /** The recovery point that the files are said to be of. */
  readonly point: string | undefined
  readonly startedAt: Ms
  readonly took: Ms
  /** `none`: the engines ran without any network; `sockets`: they listened in a folder of ours, and on no port. */
  readonly network: 'none' | 'sockets'
  readonly engines: readonly EngineReport[]
  readonly checks: readonly RehearsalCheck[]
}

export interface EngineReport {
  readonly engine: 'postgres' | 'redis'
  /** The file that was restored, as it was named. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** Of the engine that ran here, and of the one that the file is of. */
  readonly version: string
  readonly fileVersion: string | undefined
  /** When the file was made, as it says itself. */
  readonly madeAt: string | undefined
  readonly restoredIn: Ms
  readonly tables: readonly TableRows[]
  /** Keys by database; `expired` of them had reached their end and were left out. */
  readonly keys: readonly { readonly database: string; readonly keys: number; readonly expires: number }[]
  readonly expired: number | undefined
}

export interface TableRows {
  readonly database: string
  readonly table: string
  readonly rows: number
}

export interface RehearsalCheck {
  readonly file: string
  readonly passed: boolean
  /** A clause. */
  readonly says: string
}

/** What a person expects of the data, beside that there is some. */
export interface Expectations {
  /** By table, with or without its schema: at least so many rows. */
  readonly rows: ReadonlyMap<string, number>
  /** At least so many keys over all databases of each Redis. */
  readonly keys: number
}

/** Whether the rows are there: some at all, and as many as were asked for. */
export function rowChecks(
  file: string,
  tables: readonly TableRows[],
  { rows }: Expectations,
): RehearsalCheck[] {
  const total = tables.reduce((sum, table) => sum + table.rows, 0)
  const all: RehearsalCheck = {
    ...{ file, passed: total > 0 },
    says: `${total} rows in ${tables.length} tables`,
  }
  return [
    all,
    ...[...rows].map(([name, least]) => {
      const found = tables.filter(({ table }) => table === name || table.endsWith(`.${name}`))
      const count = found.reduce((sum, table) => sum + table.rows, 0)
      if (found.length === 0) return { file, passed: false, says: `there is no table ${name}` }
      return { file, passed: count >= least, says: `${name} has ${count} rows, of at least ${least}` }
    }),
  ]
}

export function keyChecks(file: string, keys: EngineReport['keys'], least: number): RehearsalCheck[] {
  const total = keys.reduce((sum, each) => sum + each.keys, 0)
  return [
    {
      file,
      passed: total >= Math.max(1, least),
      says: `${total} keys in ${keys.length} databases${least > 0 ? `, of at least ${least}` : ''}`,
    },
  ]
}

/** What a query of a person's own says: something, and not that it is false. */
export function queryCheck(file: string, query: string, lines: readonly string[]): RehearsalCheck {
  const [first = ''] = lines
  const passed = lines.length > 0 && !/^(f|false|0|\(nil\)|)$/.test(first.split('|', 1)[0] ?? '')
  const shown = lines.length === 0 ? 'nothing' : first.slice(0, 200)
  return {
    file,
    passed,
    says: `${query.slice(0, 200)} says ${shown}${lines.length > 1 ? ` and ${lines.length - 1} more lines` : ''}`,
  }
}

/** Dumps that are much younger or older than the point are not of it. */
export function ageCheck(
  file: string,
  madeAt: Ms | undefined,
  point: { readonly id: string; readonly takenAt: Ms | undefined } | undefined,
  most: Ms,
): RehearsalCheck[] {
  if (point?.takenAt === undefined || madeAt === undefined) return []
  const apart = Math.abs(madeAt - point.takenAt)
  const minutes = Math.round(apart / 60_000)
  return [{ file, passed: apart <= most, says: `it was made ${minutes} min from ${point.id}` }]
}

/** `public.users=1000`. Undefined for anything else. */
export function parseRowWish(text: string): readonly [string, number] | undefined {
  const [, table, rows] = /^([^=\s]+)=(\d{1,15})$/.exec(text) ?? []
  return table === undefined ? undefined : [table, Number(rows)]
}
