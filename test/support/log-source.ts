import type { LogSource } from '#core/logs/sources.ts'

/** The first run of the only container of a pod of hermes. */
export function logSource(pod: string, changes: Partial<LogSource> = {}): LogSource {
  return {
    service: 'hermes',
    namespace: 'paragon',
    oneOfNamespaces: false,
    pod,
    podUid: pod,
    container: 'app',
    oneOfSeveral: false,
    run: 'run-1',
    restarts: 0,
    ...changes,
  }
}
