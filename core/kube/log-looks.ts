import type { Bytes, Clock, Ms } from '#core/clock.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { type ContainerAddress, type LogRange, logSplitter, openLog } from '#core/kube/logs.ts'
import { DEAD, failureOf } from '#core/kube/stream-failure.ts'
import type { Failure } from '#core/logs/history-end.ts'
import { type LogLine, parseLine, type Stamp } from '#core/logs/line.ts'

/** Short looks at a log, beside the streams that read it. */
export interface LookContext {
  readonly client: KubeClient
  readonly clock: Clock
}

/** One that is not answered by then shares the fate of its stream: what is dead is the way. */
const LOOK_LIMIT: Ms = 15_000
/** What holds a stamp, in any zone. */
const STAMP_BYTES: Bytes = 64

/** The newest whole line among the last `records` of a log within `range`; undefined where there is none. */
export async function newestLine(
  context: LookContext,
  address: ContainerAddress,
  { previous, sinceSeconds, sinceTime }: LogRange,
  records: number,
  signal: AbortSignal,
): Promise<LogLine | undefined> {
  return await look(context, signal, LOOK_LIMIT, async (limited) => {
    const splitter = logSplitter()
    let newest: string | undefined
    const range = { tail: records, previous: previous ?? false, sinceSeconds, sinceTime }
    for await (const chunk of await openLog(context.client, address, range, limited))
      newest = splitter.push(chunk).at(-1) ?? newest
    return newest === undefined ? undefined : parseLine(newest)
  })
}

/** The same; a failure that may pass, or that tells something of the log, is answered and not thrown. */
export async function askNewest(
  ...[context, address, range, records, signal]: Parameters<typeof newestLine>
): Promise<Failure | { readonly newest: LogLine | undefined }> {
  try {
    return { newest: await newestLine(context, address, range, records, signal) }
  } catch (error) {
    signal.throwIfAborted()
    return failureOf(error)
  }
}

/** The stamp of the first line that is left of a log; undefined where that cannot be told. */
export async function firstStamp(
  context: LookContext,
  address: ContainerAddress,
  { previous }: LogRange,
  signal: AbortSignal,
): Promise<Stamp | undefined> {
  try {
    return await look(context, signal, LOOK_LIMIT, async (limited) => {
      const range = { previous: previous ?? false, limitBytes: STAMP_BYTES }
      let head = ''
      for await (const chunk of await openLog(context.client, address, range, limited)) {
        head += Buffer.from(chunk).toString('latin1')
        if (head.length >= STAMP_BYTES) break
      }
      return parseLine(head.split('\n', 1)[0] as string).stamp
    })
  } catch (error) {
    signal.throwIfAborted()
    failureOf(error)
    return undefined
  }
}

/** Answers what `ask` does within `limit`; rejects as a silent stream does after that. */
export async function look<T>(
  { clock }: LookContext,
  signal: AbortSignal,
  limit: Ms,
  ask: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const cancel = clock.after(limit, () => late.abort(DEAD))
  try {
    return await ask(AbortSignal.any([signal, late.signal]))
  } catch (error) {
    throw late.signal.aborted ? DEAD : error
  } finally {
    cancel()
  }
}
