import type { Ms } from '#core/clock.ts'
import { describeAge } from '#core/text/age.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { LoggedEvent } from '#core/tunnel/control/io/records.ts'
import type { FormerLife, FormerTunnel } from '#core/tunnel/control/journal.ts'
import type { TunnelRecord } from '#core/tunnel/control/roster.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'
import { renderTunnelEvent } from './tunnel.ts'

/** One background tunnel for a program. */
export function tunnelDocument(record: TunnelRecord): object {
  const { id, installation, target, state, lazy, implicit, reason, openedAt, address, port, url } = record
  const { route, sessionId, instance, sessionEndsAt, open, connections, sent, received, cause } = record
  return {
    ...{ id, installation: installation ?? null, target, state, lazy, implicit, reason: reason ?? null },
    openedAt: new Date(openedAt).toISOString(),
    ...{ address: address ?? null, port: port ?? null, url: url ?? null, route: route ?? null },
    session: sessionId === undefined ? null : { id: sessionId, instance, endsAt: sessionEndsAt ?? null },
    connections: { open, total: connections, sent, received },
    cause: cause ?? null,
  }
}

export function formerDocument({ pid, lost }: FormerLife): object {
  return {
    pid: pid ?? null,
    tunnels: lost.map(({ target, installation, cause }) => ({
      target,
      installation: installation ?? null,
      cause: cause ?? null,
    })),
  }
}

/** All background tunnels, one a line. */
export function renderTunnels(records: readonly TunnelRecord[], now: Ms, paint: Paint): string {
  const head = ['', 'INSTALLATION', 'TARGET', 'ADDRESS', 'STATE', 'CONNECTIONS', 'OPENED']
  const rows = records.map((record) => [
    String(record.id),
    record.installation ?? '-',
    record.target,
    record.url ?? (record.port === undefined ? '-' : `${record.address}:${record.port}`),
    record.state,
    String(record.open),
    describeAge(record.openedAt, now),
  ])
  const [first = '', ...lines] = columns([head, ...rows])
  const causes = records.flatMap(({ id, target, cause }) =>
    cause === undefined || cause.code === 'closed' ? [] : [`${id}  ${target}: ${neutralise(cause.message)}`],
  )
  return [paint('dim', first), ...lines, ...causes.map((cause) => paint('yellow', cause))].join('\n')
}

/** What to do with tunnels that go on. */
export function renderDetached(records: readonly TunnelRecord[], paint: Paint): string {
  const names = records.map(({ target }) => target).join(' ')
  return `${paint('dim', '·')} in the background; to end: pgctl tunnel stop ${names}`
}

/** Tunnels that are gone with the supervisor that held them, and how to have them again. */
export function renderFormer({ pid, lost }: FormerLife, paint: Paint): string {
  const open = lost.filter(({ cause }) => cause === undefined)
  const lines = lost
    .filter(({ cause }) => cause !== undefined)
    .map(
      (tunnel) =>
        `${paint('yellow', '!')} ${nameOf(tunnel)} had ended: ${neutralise(tunnel.cause?.message ?? '')}`,
    )
  if (open.length > 0)
    lines.unshift(
      `${paint('yellow', '!')} the supervisor before${pid === undefined ? '' : ` (process ${pid})`} was killed, and with it: ${open.map(nameOf).join(', ')}`,
      `  to open them again: ${againOf(open).join('; ')}`,
    )
  return lines.join('\n')
}

function nameOf({ target, installation }: FormerTunnel): string {
  return neutralise(installation === undefined ? target : `${target} (${installation})`)
}

/** A command for each installation. */
function againOf(tunnels: readonly FormerTunnel[]): string[] {
  const byInstallation = Map.groupBy(tunnels, ({ installation }) => installation)
  return [...byInstallation].map(([installation, its]) => {
    const choice = installation === undefined ? '' : ` --installation ${installation}`
    return neutralise(`pgctl tunnel ${its.map(({ target }) => target).join(' ')} --detach${choice}`)
  })
}

/** One line of what has happened to a background tunnel. */
export function renderLogged({ at, event }: LoggedEvent, paint: Paint): string | undefined {
  const text =
    event.event === 'ready'
      ? `${paint('dim', '·')} ${event.target}: ready at ${event.url ?? `${event.address}:${event.port}`}`
      : renderTunnelEvent(event, paint)
  return text === undefined ? undefined : `${paint('dim', at)} ${text}`
}
