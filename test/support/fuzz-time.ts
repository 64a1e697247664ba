/** Seconds that each search by seeds may take; more finds more. */
const SECONDS = Number(process.env['PGCTL_FUZZ_SECONDS'] ?? 3)

/** Runs `test` with one seed after another until the time box is used up, with one at least. Answers how many. */
export async function fuzz(test: (seed: number) => Promise<void>, first = 1): Promise<number> {
  if (!(SECONDS >= 0)) throw new RangeError('PGCTL_FUZZ_SECONDS is a number of seconds')
  const until = performance.now() + SECONDS * 1_000
  let seed = first
  do await test(seed++)
  while (performance.now() < until)
  return seed - first
}
