/**
 * Waits for all. Of several that fail, the first in this order is told, whichever failed first: who the caller is
 * comes before what they may see, and one mistake gives the same answer every time.
 */
export async function allInOrder<const Pending extends readonly unknown[]>(
  pending: Pending,
): Promise<{ -readonly [At in keyof Pending]: Awaited<Pending[At]> }> {
  await Promise.allSettled(pending)
  return Promise.all(pending)
}
