import type { Ms } from '#core/clock.ts'
import { firstStamp, look } from '#core/kube/log-looks.ts'
import type { StreamContext } from '#core/kube/log-stream.ts'
import { type ContainerAddress, type LogRange, logSplitter, openLog } from '#core/kube/logs.ts'
import { failureOf } from '#core/kube/stream-failure.ts'
import { addSeconds, parseLine, secondOf } from '#core/logs/line.ts'
import { SPAN_SLACK_SECONDS } from '#core/logs/span.ts'
import { findTailStart, type TailWish } from '#core/logs/tail-start.ts'

/** Who counts longer than this may as well read it all. */
const COUNT_LIMIT: Ms = 60_000

/**
 * The `sinceTime` from which a log has the last lines that are wanted; undefined where all of it has to be read, also
 * because nobody could tell.
 */
export async function searchTail(
  context: StreamContext,
  address: ContainerAddress,
  range: LogRange,
  wish: TailWish,
  signal: AbortSignal,
): Promise<string | undefined> {
  const first = await firstStamp(context, address, range, signal)
  if (first === undefined) return undefined
  try {
    const since = await findTailStart(wish, first, (from, least) =>
      countLines(context, address, { ...range, sinceTime: `${from}Z` }, { ...wish, least }, signal),
    )
    return since && `${since}Z`
  } catch (error) {
    signal.throwIfAborted()
    failureOf(error)
    return undefined
  }
}

/** Lines of `range` stamped from `least` on and up to the end of what is wanted; no more than that are counted. */
async function countLines(
  context: StreamContext,
  address: ContainerAddress,
  range: LogRange,
  { lines, to, least }: TailWish & { readonly least: string },
  signal: AbortSignal,
): Promise<number> {
  const last = addSeconds(secondOf(to), SPAN_SLACK_SECONDS)
  return await look(context, signal, COUNT_LIMIT, async (limited) => {
    const splitter = logSplitter()
    let count = 0
    const open = () => openLog(context.client, address, range, limited)
    for await (const chunk of await context.gate.pass(open, limited))
      for (const text of splitter.push(chunk)) {
        const { stamp } = parseLine(text)
        if (stamp === undefined) continue
        if (stamp <= to && secondOf(stamp) >= least) count += 1
        if (count >= lines || secondOf(stamp) > last) return count
      }
    return count
  })
}
