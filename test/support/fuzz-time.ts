import { timeBox } from './boxed.ts'

/** How long one search by seeds may take, in milliseconds. */
const SEARCH = 3_000

/** Runs `test` with one seed after another until the time box is used up, with one at least. Answers how many. */
export async function fuzz(test: (seed: number) => Promise<void>, first = 1): Promise<number> {
  const until = performance.now() + timeBox(SEARCH)
  let seed = first
  do await test(seed++)
  while (performance.now() < until)
  return seed - first
}
