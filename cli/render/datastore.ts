import type { TunnelEvent } from '#core/tunnel/events.ts'
import type { DatastoreTelling } from '../datastore-opening.ts'
import type { Paint } from './error.ts'
import { renderTunnelEvent } from './tunnel.ts'

/**
 * What goes wrong on the way to a datastore, for a person, a line each. Steps that go well matter to nobody who has
 * asked for a row, and the failure to open the way is the command's own error.
 */
export function datastoreTelling(write: (line: string) => void, paint: Paint): DatastoreTelling {
  let isReady = false
  return {
    onWay(event) {
      if (event.event === 'ready') isReady = true
      const text = isWorthTelling(event, isReady) ? renderTunnelEvent(event, paint) : undefined
      if (text !== undefined) write(text)
    },
    notice: (message) => write(`${paint('dim', '·')} ${message}`),
  }
}

const SILENT = new Set(['starting', 'session', 'ready', 'connection-opened', 'connection-closed'])

function isWorthTelling(event: TunnelEvent, isReady: boolean): boolean {
  if (event.event === 'ended') return isReady && event.cause.code !== 'closed'
  return !SILENT.has(event.event)
}
