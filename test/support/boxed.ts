/**
 * How much chance is spent on properties and seeds: `PGCTL_FUZZ` is a factor of their runs, seeds and time boxes; 1
 * unless told, 0.1 for a hurry, 20 for a night (whose tests then want a longer `--test-timeout`, too).
 */
const factor = readFactor(process.env['PGCTL_FUZZ'])

function readFactor(text: string | undefined): number {
  const value = text === undefined || text === '' ? 1 : Number(text)
  if (!(value > 0 && value <= 1_000))
    throw new Error(`PGCTL_FUZZ is a factor above 0, at most 1000, not ${text}`)
  return value
}

/** So many runs or seeds, at least one. */
export const scaled = (count: number): number => Math.max(1, Math.round(count * factor))

/** A time box: so many milliseconds, more or fewer. */
export const timeBox = (milliseconds: number): number => Math.ceil(milliseconds * factor)

/** The parameters of a property: at most `runs`, and no longer than `milliseconds`. */
export const boxed = (runs: number, milliseconds: number) => ({
  numRuns: scaled(runs),
  interruptAfterTimeLimit: timeBox(milliseconds),
})
