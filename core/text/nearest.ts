/**
 * The names that someone may have meant: by Damerau-Levenshtein distance (an insertion, a deletion, a replacement
 * or a swap of two neighbours counts one), and by one containing the other.
 */

/** How many names are suggested at most. */
const SUGGESTIONS = 3

/**
 * Those of `names` that `word` probably meant, the likeliest first; empty when nothing is near. Case does not count.
 */
export function nearest(word: string, names: Iterable<string>): string[] {
  const wanted = word.toLowerCase()
  const near: Array<{ name: string; distance: number }> = []
  for (const name of new Set(names)) {
    const distance = distanceBetween(wanted, name.toLowerCase())
    if (distance <= tolerance(wanted)) near.push({ name, distance })
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return near.slice(0, SUGGESTIONS).map(({ name }) => name)
}

/** A third of the word may be wrong: `grafna` finds `grafana`, `x` finds nothing at random. */
function tolerance(word: string): number {
  return Math.max(1, Math.floor(word.length / 3))
}

/** The distance, where a whole word inside the other (`triggers` in `worker-triggers`) is as near as one slip. */
function distanceBetween(wanted: string, name: string): number {
  const edits = damerauLevenshtein(wanted, name)
  const contained = wanted.length >= 3 && (name.includes(wanted) || wanted.includes(name))
  return contained ? Math.min(1, edits) : edits
}

/** The optimal string alignment distance: no stretch is edited twice, which is what slips of fingers do. */
export function damerauLevenshtein(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) best = Math.min(best, at(beforePrevious, column - 2) + 1)
      current.push(best)
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] as number
}
