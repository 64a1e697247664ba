import type { Ms } from '#core/clock.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import { IdleWatch } from '#core/kube/idle-watch.ts'
import { type LookContext, newestLine } from '#core/kube/log-looks.ts'
import { type ContainerAddress, type LogRange, logSplitter, openLog } from '#core/kube/logs.ts'
import type { OpenGate } from '#core/kube/open-gate.ts'
import { DEAD, failureOf } from '#core/kube/stream-failure.ts'
import type { StreamEnd } from '#core/logs/follow.ts'
import { type LogLine, parseLine } from '#core/logs/line.ts'
import type { Overlap } from '#core/logs/overlap.ts'

/** After so much silence the seam will not become any clearer. */
const SETTLE_AFTER: Ms = 1_000

export interface StreamContext extends LookContext {
  readonly gate: OpenGate
}

/** One stream of one container's log. */
export interface StreamPlan {
  readonly address: ContainerAddress
  readonly range: LogRange
  /** What was seen and will come again; undefined for a log that is read from its beginning. */
  readonly overlap: Overlap | undefined
  /** An unfinished line at an end in good order will come again; or is the log's last, if it alone came again. */
  readonly rest: 'again' | { readonly expected: string }
  /** Takes new lines, an empty list too when only the seam was passed; a promise says to wait. */
  take(lines: readonly LogLine[]): Promise<void> | undefined
  /** Whether nothing after what was taken is wanted, although there may be more. */
  isEnough(): boolean
  /** How many records of the log the line last taken may be. */
  lastRecords(): number
  /** Whether `line` is the one last taken. */
  isLast(line: LogLine): boolean
  /** Calls its argument when the run is over, so that little is to be waited for, or `replaced`: then nothing is. */
  onOver(told: (how: 'over' | 'replaced') => void): () => void
}

/**
 * Reads one stream to its end, and says how it ended. Throws what no other try would mend: a missing permission, a
 * certificate that is not the cluster's, the signal's reason.
 */
export async function readStream(
  context: StreamContext,
  plan: StreamPlan,
  signal: AbortSignal,
): Promise<StreamEnd> {
  const silence = new AbortController()
  const merged = AbortSignal.any([signal, silence.signal])
  // A log that is read to its present end has no reason to pause.
  const probe = plan.range.follow ? () => probeNewest(context, plan, merged) : async () => 'behind' as const
  const idle = new IdleWatch(context.clock, probe, () => silence.abort(DEAD))
  const forget = plan.onOver((how) => {
    if (how === 'over') idle.hurry()
    else silence.abort(DEAD)
  })
  try {
    const tools = { idle, signal: merged, fail: (error: unknown) => silence.abort(error) }
    return { kind: 'ended', unfinished: await pump(context, plan, tools) }
  } catch (error) {
    signal.throwIfAborted()
    return failureOf(error)
  } finally {
    idle.stop()
    forget()
  }
}

interface PumpTools {
  readonly idle: IdleWatch
  readonly signal: AbortSignal
  /** Ends the stream with an error from outside the pump's own flow. */
  readonly fail: (error: unknown) => void
}

/** Answers the unfinished line at its end, when that was left out. */
async function pump(
  context: StreamContext,
  plan: StreamPlan,
  { idle, signal, fail }: PumpTools,
): Promise<string | undefined> {
  const { overlap } = plan
  const splitter = logSplitter()
  let hasNews = false
  idle.start()
  const stream = await context.gate.pass(
    () => openLog(context.client, plan.address, plan.range, signal),
    signal,
  )
  const chunks = stream[Symbol.asyncIterator]()
  for (;;) {
    idle.start()
    const next = await chunks.next().finally(settleInSilence(context, plan, fail))
    idle.stop()
    if (next.done) break
    const fresh = freshLines(splitter.push(next.value), overlap)
    hasNews ||= fresh.length > 0
    const wait = plan.take(fresh)
    if (wait !== undefined) await wait
    if (plan.isEnough()) {
      await chunks.return?.()
      return undefined
    }
  }
  const rest = splitter.rest()
  const isLine = plan.rest !== 'again' && plan.rest.expected === rest && !hasNews
  const lines = freshLines(rest !== undefined && isLine ? [rest] : [], overlap)
  await plan.take([...lines, ...(overlap?.settle() ?? [])])
  return isLine ? undefined : rest
}

/** Gives up waiting for a clearer seam when nothing comes; the returned function takes that back. */
function settleInSilence(
  { clock }: StreamContext,
  { overlap, take }: StreamPlan,
  fail: (error: unknown) => void,
): () => void {
  if (overlap === undefined || overlap.seam !== undefined) return () => {}
  return clock.after(SETTLE_AFTER, () => {
    try {
      void take(overlap.settle())
    } catch (error) {
      fail(error)
    }
  })
}

function freshLines(texts: readonly string[], overlap: Overlap | undefined): readonly LogLine[] {
  if (overlap === undefined || overlap.seam !== undefined) return texts.map(parseLine)
  return texts.flatMap((text) => overlap.offer(parseLine(text)))
}

/** Compares the newest line of the log with the one last seen. A container that cannot be asked is `behind`. */
async function probeNewest(
  context: StreamContext,
  plan: StreamPlan,
  signal: AbortSignal,
): Promise<'current' | 'behind'> {
  try {
    const newest = await newestLine(context, plan.address, plan.range, plan.lastRecords(), signal)
    return newest === undefined || plan.isLast(newest) ? 'current' : 'behind'
  } catch (error) {
    // Not being able to ask proves nothing about the stream; an answer that there is no such log does.
    if (error === DEAD) return 'behind'
    return error instanceof KubeApiError && error.status < 429 ? 'behind' : 'current'
  }
}
