/** What no program should write, from the API's bytes to the events of a follow: no line is lost, and memory holds. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PgctlError } from '#core/errors.ts'
import type { ApiRequest } from '#core/kube/client.ts'
import { planOf } from '#sandbox/log-stub/plan.ts'
import { StubWorld } from '#sandbox/log-stub/world.ts'
import { LeapingClock } from '../support/leaping-clock.ts'
import { HOUR, LOGS } from '../support/log-cuts.ts'
import { followStub, readStub } from '../support/log-reading.ts'
import { StubClient } from '../support/stub-client.ts'

const limits = { timeout: 120_000 }
const MB = 1024 * 1024
const STAMP_LENGTH = 30

function stampOf(nth: number): string {
  return `${new Date(Date.UTC(2026, 10, 23, 9) + nth * 400).toISOString().slice(0, -1)}000000Z`
}

type Serve = (request: ApiRequest, signal: AbortSignal | undefined) => AsyncIterable<Uint8Array>

/** A cluster of one pod, whose log is any bytes. */
class RawClient extends StubClient {
  readonly #serve: Serve

  constructor(world: StubWorld, clock: LeapingClock, serve: Serve) {
    super(world, clock)
    this.#serve = serve
  }

  override async open(request: ApiRequest, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return request.resource === 'pods/log' ? this.#serve(request, signal) : super.open(request, signal)
  }
}

async function withClient<T>(
  serve: Serve,
  read: (client: RawClient, clock: LeapingClock) => Promise<T>,
): Promise<T> {
  const clock = new LeapingClock()
  const world = new StubWorld(planOf({ ...LOGS, pods: 1, lines: 1 }), clock)
  try {
    return await read(new RawClient(world, clock, serve), clock)
  } finally {
    world.stop()
  }
}

/** What the API gives of lines of bytes, by their stamps and from the end. */
function select(lines: readonly Buffer[], { query = {} }: ApiRequest): Buffer {
  const { sinceTime, tailLines } = query
  const since = lines.filter(
    (line) => sinceTime === undefined || `${line.toString('latin1', 0, 19)}Z` >= String(sinceTime),
  )
  return Buffer.concat(tailLines === undefined ? since : since.slice(-Number(tailLines)))
}

describe('any bytes in a log', limits, () => {
  const body = fc
    .oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(Buffer.from('žluť 日本'), Buffer.from([0xff, 0xfe, 0]), Buffer.from([0xe6, 0x97])),
      fc.constantFrom(Buffer.from('\u001b[2J'), Buffer.from('\r'), Buffer.from('{"level":30')),
    )
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a)))

  it('are whole lines, none of them twice, wherever the stream is cut (property)', limits, () =>
    fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 25 }), fc.nat(2_000), async (bodies, at) => {
        const lines = bodies.map((bytes, nth) =>
          Buffer.concat([Buffer.from(`${stampOf(nth)} `), bytes, Buffer.from('\n')]),
        )
        let isCut = false
        async function* serve(request: ApiRequest, signal: AbortSignal | undefined) {
          const bytes = select(lines, request)
          if (!request.query?.['follow']) {
            yield bytes
          } else if (isCut) {
            yield bytes
            await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
          } else {
            isCut = true
            yield bytes.subarray(0, at % bytes.length)
            throw new PgctlError('cluster-unreachable', 'cut')
          }
        }
        const bounds = { lines: lines.length, quiet: 5_000, patience: HOUR }
        const got = await withClient(serve, (client, clock) => followStub(client, clock, bounds, () => 0.5))
        assert.deepEqual(
          got.lines,
          lines.map((line) => line.subarray(0, -1).toString('utf8')),
        )
        assert.deepEqual(got.summary.holes, [])
      }),
      { numRuns: 200 },
    ),
  )
})

describe('a line of 200 MB in a log', limits, () => {
  it('takes little memory, and the lines beside it are whole', limits, async () => {
    const size = 200 * MB
    const before = Buffer.from(`${stampOf(0)} before\n${stampOf(1)} `)
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const after = Buffer.from(`\n${stampOf(2)} after\n`)
    const start = process.memoryUsage().rss
    let most = 0
    async function* serve({ query }: ApiRequest) {
      if (query?.['tailLines'] !== undefined) {
        yield after.subarray(1)
        return
      }
      yield before
      for (let sent = 0; sent < size; sent += chunk.length) {
        yield chunk
        most = Math.max(most, process.memoryUsage().rss - start)
      }
      yield after
    }
    const got = await withClient(serve, (client, clock) => readStub(client, clock, {}, () => 0.5))
    const [first, giant = '', last, ...others] = got.lines
    assert.deepEqual([first, last, others], [`${stampOf(0)} before`, `${stampOf(2)} after`, []])
    assert.match(giant.slice(-40), new RegExp(`x… \\(${size + STAMP_LENGTH + 1 - MB} bytes more\\)$`))
    assert.ok(most < 64 * MB, `${Math.round(most / MB)} MB more`)
    assert.equal(got.summary.holeCount, 0)
  })
})
