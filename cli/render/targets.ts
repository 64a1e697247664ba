import type { TargetList } from '../target-list.ts'
import { columns } from './columns.ts'
import { errorDocument, type Paint } from './error.ts'

/** What can be tunnelled to, one target a line. */
export function renderTargets({ targets }: TargetList, paint: Paint): string {
  const rows = targets.map(({ name, kind, port, route, localPort }) => [
    ...[name, kind, port === undefined ? '-' : String(port), route, `127.0.0.1:${localPort}`],
  ])
  const [first = '', ...lines] = columns([['TARGET', 'KIND', 'PORT', 'ROUTE', 'LOCAL'], ...rows])
  return [paint('dim', first), ...lines].join('\n')
}

export function targetsDocument({ targets, unreadable, clusterWasAsked }: TargetList): object {
  return {
    targets: targets.map(({ name, kind, port, route, localPort }) => ({
      ...{ name, kind, port: port ?? null, route, localPort },
    })),
    clusterWasAsked,
    unreadable: unreadable.map(({ part, action, error }) => ({ part, action, error: errorDocument(error) })),
  }
}
