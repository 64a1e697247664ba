import { PgctlError } from '#core/errors.ts'

/**
 * The port on which a tunnel listens: the same on every colleague's computer, so that bookmarks, saved connections
 * and shared notes hold. It is derived from the names of installation and target; where that port is taken, the next
 * free one is used, this time only: what is remembered is the port at home, never the place of a refuge.
 */

/** Above the registered ports that people use by hand, below the ephemeral range of Linux (32768) and macOS (49152). */
export const FIRST_PORT = 20_000
export const PORT_COUNT = 12_000

/** Which ports to try, in order. */
export type PortPlan =
  /** The system chooses. */
  | { readonly kind: 'any' }
  /** One port or none. */
  | { readonly kind: 'exact'; readonly candidates: readonly [number] }
  /** The first free one; `home` is where people expect it. */
  | { readonly kind: 'preferred'; readonly home: number; readonly candidates: Iterable<number> }

export interface PortWishes {
  readonly workspace: string
  /** The target's canonical name. */
  readonly target: string
  /** `--port`: 0 for any. */
  readonly asked?: number | undefined
  /** The port that configuration or state holds for this target. */
  readonly saved?: number | undefined
}

/** Which port to try for a tunnel: the asked one and no other, else the saved one, else the derived one and up. */
export function planLocalPort({ workspace, target, asked, saved }: PortWishes): PortPlan {
  if (asked === 0) return { kind: 'any' }
  if (asked !== undefined) return { kind: 'exact', candidates: [asked] }
  const derived = derivePort(workspace, target)
  return { kind: 'preferred', home: saved ?? derived, candidates: probeOrder(saved, derived) }
}

/** 20000 + fnv1a("WORKSPACE/TARGET") mod 12000. */
export function derivePort(workspace: string, target: string): number {
  return FIRST_PORT + (fnv1a(`${workspace}/${target}`) % PORT_COUNT)
}

/** FNV-1a, 32 bits, over the text's UTF-8 (draft-eastlake-fnv). */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The error of a port that someone else holds. */
export function portTaken(port: number, address: string, cause: unknown): PgctlError {
  return new PgctlError('port-taken', `port ${port} of ${address} is taken`, {
    why: 'another program listens on it: perhaps a tunnel that is still open in another terminal',
    next: `see who it is (lsof -nP -iTCP:${port} -sTCP:LISTEN), or take a free port: --port 0`,
    cause,
  })
}

/** The error of a long list of ports that are all taken. */
export function allPortsTaken(tried: number, cause: unknown): PgctlError {
  return new PgctlError('port-taken', `none of ${tried} ports is free`, {
    why: 'other programs listen on all of them',
    next: 'take any free port: --port 0',
    cause,
  })
}

/** The saved port, then every port of the range once, from the derived one up and round. */
function* probeOrder(saved: number | undefined, derived: number): Generator<number> {
  if (saved !== undefined) yield saved
  for (let step = 0; step < PORT_COUNT; step++) {
    const port = FIRST_PORT + ((derived - FIRST_PORT + step) % PORT_COUNT)
    if (port !== saved) yield port
  }
}
