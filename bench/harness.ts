/**
 * How things are measured here: side by side, in one run, in turns. A number of its own says more about the computer
 * than about the program; a ratio of two that took turns says something about the program. Nothing here asserts.
 */
import type { Ms } from '#core/clock.ts'

/** What many runs of the same thing gave. */
export interface Summary {
  readonly median: number
  readonly p10: number
  readonly p90: number
  readonly runs: number
}

/** Runs one thing once and answers its figure. */
export type Contender = () => Promise<number>

export interface Turns {
  readonly rounds: number
  /** No round begins after this: a slow computer gets fewer, but never less than one. */
  readonly within: Ms
  readonly signal: AbortSignal
}

/** Lets every contender run once a round, each round beginning with another, and answers the figures of each, by round. */
export async function takeTurns<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { rounds, within, signal }: Turns,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  const until = performance.now() + within
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && performance.now() >= until) break
    for (const name of rotated(names, round)) {
      signal.throwIfAborted()
      figures[name].push(await contenders[name]())
    }
  }
  return figures
}

/** Runs one thing again and again; for figures that have nothing to take turns with. */
export async function repeat(contender: Contender, turns: Turns): Promise<Summary> {
  return summarise((await takeTurns({ contender }, turns)).contender)
}

/** The figures of one contender by those of another of the same rounds, so that a load that both bore cancels out. */
export function quotients(figures: readonly number[], base: readonly number[]): Summary {
  return summarise(figures.map((figure, round) => figure / (base[round] ?? Number.NaN)))
}

/** @throws RangeError for no figures at all. */
export function summarise(figures: readonly number[]): Summary {
  const sorted = figures.toSorted((one, other) => one - other)
  return {
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    runs: sorted.length,
  }
}

/** Between the two nearest figures, as the share says. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) throw new RangeError('nothing was measured')
  return below + (above - below) * (place - Math.floor(place))
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
