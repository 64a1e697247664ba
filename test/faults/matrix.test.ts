import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type FaultOrder, faultSchema } from '#sandbox/gateway/faults.ts'
import type { GatewaySession } from '#sandbox/gateway/session.ts'
import { fetchOver } from '../support/http-over.ts'
import { seededBytes } from '../support/random.ts'
import {
  type DialedSession,
  type SandboxSessions,
  startSandboxSessions,
} from '../support/sandbox-sessions.ts'
import { sha256Of } from '../support/sha256.ts'

/** One thing that goes wrong on the way, and what it does to the session. */
interface Trouble {
  readonly name: string
  /** In force from before the first byte. */
  readonly from?: readonly FaultOrder[]
  /** Ordered when a third has passed. */
  readonly midway?: readonly FaultOrder[]
  /** Whether the bytes come slowly, as the trouble is a matter of time. */
  readonly isPaced?: boolean
  /** Whether the data channel is lost by it. */
  readonly reconnects: boolean
}

const SHARE = 0.05
/** Lossy ways cost a retransmission timeout a loss, so little goes over them. */
const SIZE = 400_000
const PIECE = 20_000
/** Bytes a second where the trouble takes its time. */
const PACE = 800_000

/** Faults of one session, which disturb no other. */
const OF_A_SESSION: readonly Trouble[] = [
  { name: 'nothing', reconnects: false },
  { name: 'messages dropped', from: [{ kind: 'drop', share: SHARE }], reconnects: false },
  {
    name: 'only acknowledgements dropped',
    from: [{ kind: 'drop', share: 4 * SHARE, only: 'acknowledge' }],
    reconnects: false,
  },
  { name: 'a delay', from: [{ kind: 'delay', ms: 20 }], reconnects: false },
  { name: 'duplicates', from: [{ kind: 'duplicate', share: 0.3 }], reconnects: false },
  { name: 'messages out of order', from: [{ kind: 'reorder', share: 0.3 }], reconnects: false },
  {
    name: 'all of these at once',
    from: [
      { kind: 'drop', share: SHARE / 2 },
      { kind: 'duplicate', share: 0.1 },
      { kind: 'reorder', share: 0.1 },
      { kind: 'delay', ms: 5 },
    ],
    reconnects: false,
  },
  { name: 'a stall', midway: [{ kind: 'stall', ms: 400 }], reconnects: false },
  { name: 'a cut of the client', midway: [{ kind: 'cut' }], reconnects: true },
  { name: 'a cut of the agent', midway: [{ kind: 'cut', end: 'agent' }], reconnects: false },
  { name: 'a cut of both', midway: [{ kind: 'cut', end: 'both' }], reconnects: true },
  {
    name: 'a cut on a lossy way',
    from: [{ kind: 'drop', share: SHARE }],
    midway: [{ kind: 'cut' }],
    reconnects: true,
  },
]

/** Faults of the whole gateway. */
const OF_THE_GATEWAY: readonly Trouble[] = [
  {
    name: 'a cut that the agent is not told of',
    from: [{ kind: 'publication', tell: false }],
    midway: [{ kind: 'cut' }],
    reconnects: true,
  },
  {
    name: 'a cut on a lossy way that the agent is not told of',
    from: [
      { kind: 'publication', tell: false },
      { kind: 'drop', share: SHARE },
    ],
    midway: [{ kind: 'cut' }],
    reconnects: true,
  },
  {
    name: 'a gateway that refuses for a while after a cut',
    midway: [{ kind: 'refuse', ms: 400 }, { kind: 'cut' }],
    reconnects: true,
  },
  {
    name: 'a close again and again',
    from: [{ kind: 'close-every', ms: 120 }],
    isPaced: true,
    reconnects: true,
  },
]

describe('the fault matrix: no byte is lost', { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  before(async () => {
    lab = await startSandboxSessions()
  })
  after(async () => {
    assert.deepEqual(lab?.activeSessions(), [])
    await lab?.[Symbol.asyncDispose]()
  })

  async function endure(
    trouble: Trouble,
    transfer: Transfer,
    order: (fault: FaultOrder, id: string) => void,
  ) {
    await using session = await lab.dial()
    // A first answer, so that what is cut midway is not still being opened.
    await fetchOver(await session.dialer.connect(), '/random/1')
    for (const fault of trouble.from ?? []) order(fault, session.sessionId)
    await transfer(session, trouble.isPaced ?? false, () => {
      for (const fault of trouble.midway ?? []) order(fault, session.sessionId)
    })
    if (trouble.reconnects) await session.event('resumed')
    else session.assertUndisturbed()
  }

  // Most of this is waiting for timers, so several wait at once.
  describe('of one session', { concurrency: 4 }, () => {
    for (const trouble of OF_A_SESSION)
      for (const transfer of [download, upload])
        it(`${transfer.name} with ${trouble.name}`, { timeout: 20_000 }, () =>
          endure(trouble, transfer, (fault, id) => disturb(lab.sandbox.cloud.gateway.find(id), fault)),
        )
  })

  describe('of the gateway', () => {
    for (const trouble of OF_THE_GATEWAY)
      for (const transfer of [download, upload])
        it(`${transfer.name} with ${trouble.name}`, { timeout: 20_000 }, async () => {
          const { gateway } = lab.sandbox.cloud
          try {
            await endure(trouble, transfer, (fault) => gateway.order(fault))
          } finally {
            gateway.order({ kind: 'clear' })
          }
        })
  })
})

describe('agents of other habits', () => {
  for (const [name, options] of [
    ['with the pause of the vendor', { pace: 'vendor' }],
    ['with messages of 32 KiB', { messageSize: 32 * 1024 }],
    ['with messages of one byte', { messageSize: 1 }],
  ] as const)
    it(name, { timeout: 20_000 }, async () => {
      await using lab = await startSandboxSessions(options)
      await using session = await lab.dial()
      const size = options.messageSize === 1 ? 5_000 : SIZE
      const answer = await fetchOver(await session.dialer.connect(), `/random/${size}`)
      assert.equal(answer.sha256, answer.promised)
      await upload(session, false, () => {})
      session.assertUndisturbed()
    })
})

it('sixty connections at once, and a cut', { timeout: 20_000 }, async () => {
  await using lab = await startSandboxSessions()
  await using session = await lab.dial()
  await fetchOver(await session.dialer.connect(), '/random/1')
  let arrived = 0
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_, seed) =>
      fetchOver(await session.dialer.connect(), `/random/30000?seed=${seed}`, {
        onBytes() {
          if (++arrived === 60) lab.sandbox.cloud.gateway.order({ kind: 'cut' })
        },
      }),
    ),
  )
  for (const { bytes, sha256, promised } of answers) {
    assert.equal(bytes, 30_000)
    assert.equal(sha256, promised)
  }
  await session.event('resumed')
})

it('an upload into an agent that stalls when bytes come too fast', { timeout: 20_000 }, async () => {
  await using lab = await startSandboxSessions({
    uploadStall: { bytesPerSecond: 2_000_000, buffer: 100_000, pause: 300 },
  })
  await using session = await lab.dial()
  await upload(session, false, () => {})
  session.assertUndisturbed()
})

function disturb(session: GatewaySession | undefined, order: FaultOrder): void {
  assert.ok(session !== undefined)
  const fault = faultSchema.parse(order)
  if (fault.kind === 'cut') session.cut(fault.end)
  else if ('direction' in fault) session.addFault(fault)
  else assert.fail(`${fault.kind} is no fault of one session`)
}

type Transfer = (session: DialedSession, isPaced: boolean, midway: () => void) => Promise<void>

async function download(session: DialedSession, isPaced: boolean, midway: () => void): Promise<void> {
  const path = isPaced ? `/slow/${SIZE}/${PACE}` : `/random/${SIZE}`
  const answer = await fetchOver(await session.dialer.connect(), path, { onBytes: atThird(midway) })
  assert.equal(answer.bytes, SIZE)
  assert.equal(answer.sha256, answer.promised)
}

async function upload(session: DialedSession, isPaced: boolean, midway: () => void): Promise<void> {
  const bytes = seededBytes(1)(SIZE)
  const body = Readable.from(pieces(bytes, isPaced, atThird(midway)), { objectMode: false, highWaterMark: 1 })
  const answer = await fetchOver(await session.dialer.connect(), '/sink', { body })
  assert.deepEqual(JSON.parse(answer.text), { bytes: SIZE, sha256: sha256Of(bytes) })
}

async function* pieces(bytes: Uint8Array, isPaced: boolean, onBytes: (passed: number) => void) {
  for (let passed = 0; passed < bytes.length; passed += PIECE) {
    onBytes(passed)
    yield bytes.subarray(passed, passed + PIECE)
    // A pace, so that something can happen meanwhile; nothing waits for it.
    if (isPaced) await delay((1000 * PIECE) / PACE)
  }
}

/** Calls `action` once, when a third has passed. */
function atThird(action: () => void): (passed: number) => void {
  let isDue = true
  return (passed) => {
    if (!isDue || passed < SIZE / 3) return
    isDue = false
    action()
  }
}
