import type { Stamp } from '#core/logs/line.ts'
import type { ContainerSnapshot } from '#core/logs/pod.ts'
import type { LogSource } from '#core/logs/sources.ts'

/**
 * The run before the one of `source`, whose lines belong to what is asked for; undefined where there is none, or it
 * had ended before `from`. The cluster keeps one such run of each container.
 */
export function previousRun(
  source: LogSource,
  container: ContainerSnapshot | undefined,
  from: Stamp | undefined,
): LogSource | undefined {
  const previous = container?.previous
  if (previous === undefined || previous.run === source.run) return undefined
  // The cluster tells whole seconds, and cuts them off.
  const ended = previous.endedAt === undefined ? undefined : Date.parse(previous.endedAt) + 1_000
  if (from !== undefined && ended !== undefined && ended < Date.parse(from)) return undefined
  return { ...source, run: previous.run, restarts: Math.max(0, source.restarts - 1) }
}
