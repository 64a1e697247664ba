import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytes, Ms } from '#core/clock.ts'
import type { AdminClient } from '#sandbox/admin-client.ts'
import type { FaultOrder } from '#sandbox/gateway/faults.ts'
import { round } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'
import { download, upload } from '../transfers.ts'
import { TunnelProcess } from '../tunnel-process.ts'

const MB = 1_000_000
const DOWNLOAD_BYTES: Bytes = 1.5 * MB
const UPLOAD_BYTES: Bytes = 32 * MB

/** What goes wrong in one cell of the matrix. */
interface Trouble {
  readonly words: string
  /** Ordered before the transfers begin. */
  readonly throughout?: FaultOrder
  /** Ordered while they run, at these times after their start. */
  readonly midway?: FaultOrder
}

const MIDWAY: readonly Ms[] = [100, 400, 1_000]

const TROUBLES: readonly Trouble[] = [
  { words: 'the client’s connection cut, three times', midway: { kind: 'cut', end: 'client' } },
  { words: 'the agent’s connection cut, three times', midway: { kind: 'cut', end: 'agent' } },
  { words: 'both cut, three times', midway: { kind: 'cut', end: 'both' } },
  { words: 'WebSocket closed every 700 ms', throughout: { kind: 'close-every', ms: 700 } },
  { words: 'one message in 200 dropped', throughout: { kind: 'drop', direction: 'both', share: 0.005 } },
  { words: 'every message 20 ms later', throughout: { kind: 'delay', direction: 'both', ms: 20 } },
  { words: 'one message in ten twice', throughout: { kind: 'duplicate', direction: 'both', share: 0.1 } },
  { words: 'one message in ten overtaken', throughout: { kind: 'reorder', direction: 'both', share: 0.1 } },
  { words: 'nothing passes for 500 ms, three times', midway: { kind: 'stall', direction: 'both', ms: 500 } },
]

/** Whether a byte is ever lost. */
export const faults: Subject = {
  name: 'faults',
  title: 'Bytes lost',
  method: [
    `In one session ${DOWNLOAD_BYTES / MB} MB come down, at the vendor's pace, while ${UPLOAD_BYTES / MB} MB go up, and something goes wrong;`,
    'both ends then compare their SHA-256. A connection that breaks counts with all that it did not bring.',
  ].join('\n'),
  within: 110_000,
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    await using sandbox = await SandboxProcess.start(bench.cli, [], bench.signal)
    for (const trouble of TROUBLES) yield await suffer(bench, sandbox, trouble)
  },
}

async function suffer({ cli, signal }: Bench, sandbox: SandboxProcess, trouble: Trouble): Promise<Row> {
  await using tunnel = await TunnelProcess.open(cli, sandbox.environment, signal)
  const { admin } = sandbox
  const { words, throughout, midway } = trouble
  if (throughout !== undefined) await admin.order(throughout)
  try {
    const before = performance.now()
    const [down, up] = await Promise.all([
      lostDown(tunnel.port, signal),
      lostUp(tunnel.port, signal),
      ...(midway === undefined ? [] : MIDWAY.map((at) => orderAfter(at, midway, admin, signal))),
    ])
    const seconds = (performance.now() - before) / 1000
    return {
      figure: words,
      measured: `${down + up} bytes (${down} down, ${up} up), ${round(seconds)} s`,
      goal: atMost(0, down + up, ' bytes'),
      vendor: midway?.kind === 'cut' ? 'an upload hangs for ever' : undefined,
    }
  } finally {
    await admin.order({ kind: 'clear' })
  }
}

async function orderAfter(at: Ms, fault: FaultOrder, admin: AdminClient, signal: AbortSignal): Promise<void> {
  await sleep(at, undefined, { signal })
  await admin.order(fault)
}

async function lostDown(port: number, signal: AbortSignal): Promise<Bytes> {
  let arrived: Bytes = 0
  try {
    const onBytes = (length: Bytes) => {
      arrived += length
    }
    const { intact } = await download({
      port,
      path: `/random/${DOWNLOAD_BYTES}`,
      checked: true,
      onBytes,
      signal,
    })
    return intact ? 0 : Math.max(1, DOWNLOAD_BYTES - arrived)
  } catch {
    signal.throwIfAborted()
    return DOWNLOAD_BYTES - arrived
  }
}

async function lostUp(port: number, signal: AbortSignal): Promise<Bytes> {
  try {
    return (await upload({ port, bytes: UPLOAD_BYTES, signal })).lost
  } catch {
    signal.throwIfAborted()
    return UPLOAD_BYTES
  }
}
