/** The log follower against a cluster that misbehaves: nothing lost, nothing doubled, and every hole named. */

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Clock } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { SpillFile } from '#core/io/spill-file.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type ApiRequest, KubeClient } from '#core/kube/client.ts'
import type { ClusterToken } from '#core/kube/credentials.ts'
import { bufferLogs } from '#core/kube/log-buffer.ts'
import { type FollowOptions, followLogs } from '#core/kube/log-follower.ts'
import type { LogSelection } from '#core/kube/log-selection.ts'
import type { LogEvent } from '#core/logs/events.ts'
import type { LogSummary } from '#core/logs/ledger.ts'
import type { Stamp } from '#core/logs/line.ts'
import { stampAt } from '#core/logs/moment.ts'
import type { KubernetesOptions } from '#sandbox/kubernetes/api-server.ts'
import { seededChance } from '#sandbox/kubernetes/log-lines.ts'
import { formatStamp, stampOf } from '#sandbox/kubernetes/log-store.ts'
import { WORLD } from '#sandbox/world.ts'
import {
  FIRST_HERMES,
  HERMES,
  KILLED_HERMES,
  startApi,
  type TestApi,
  TOKEN,
} from '../contract/kubernetes-support.ts'
import { eventually } from '../support/eventually.ts'
import { FastClock } from '../support/fast-clock.ts'

const limits = { timeout: 30_000 }
const SELECTION = {
  service: 'hermes',
  namespace: WORLD.namespace,
  selector: 'app.kubernetes.io/name=hermes',
}
const FOLLOW: FollowOptions = { follow: true, tail: undefined, sinceSeconds: undefined, previous: false }
const HISTORY: FollowOptions = { ...FOLLOW, follow: false }

type LineEvent = Extract<LogEvent, { event: 'line' }>

/** A client that learns of changes only when it is let, as one does whose cluster is slow to tell. */
class LaggingClient extends KubeClient {
  hold: Promise<void> = Promise.resolve()
  /** Called before each request for a stream. */
  onOpen = (_request: ApiRequest) => {}

  override async open(request: ApiRequest, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    this.onOpen(request)
    if (request.verb === 'watch') await this.hold
    return super.open(request, signal)
  }
}

/** A running API and one reader of its logs. */
async function start(
  options: FollowOptions,
  apiOptions: Partial<KubernetesOptions> = {},
  clock: Clock = new FastClock(),
) {
  const world = await startApi(apiOptions)
  const reading = read(world, options, [SELECTION], clock)
  return {
    ...world,
    ...reading,
    async [Symbol.asyncDispose]() {
      await reading[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

/** A running API with lines in no log but that which a test writes. */
async function startWithOne(): Promise<TestApi> {
  const world = await startApi()
  for (const pod of HERMES) world.api.faults.rotateLog({ pod })
  world.api.faults.rotateLog({ pod: KILLED_HERMES, run: 'previous' })
  return world
}

/** A client of a running API, whose token can be renewed to another one. */
function connect(world: TestApi, clock: Clock) {
  let token = TOKEN
  let renewed = TOKEN
  const access = {
    server: `https://127.0.0.1:${world.api.port}`,
    tlsServerName: WORLD.cluster.host,
    ca: world.trust.ca,
    token: async ({ refused }: { refused?: ClusterToken | undefined } = {}) => {
      if (refused !== undefined) token = renewed
      return { value: token, expires: Number.POSITIVE_INFINITY }
    },
  }
  const client = new LaggingClient(access, clock)
  return {
    client,
    renewTo(next: string) {
      renewed = next
    },
  }
}

/** How many logs are being followed. */
function followsOf(world: TestApi): number {
  return world.api.requests.filter(({ query }) => query.includes('follow=true')).length
}

/** One reader of the logs of a running API. */
function read(
  world: TestApi,
  options: FollowOptions,
  selections: readonly LogSelection[] = [SELECTION],
  clock: Clock = new FastClock(),
) {
  const { client, renewTo } = connect(world, clock)
  const abort = new AbortController()
  const batches = followLogs(client, selections, options, abort.signal, clock)
  const events: LogEvent[] = []
  const news = new EventEmitter()
  const reading = collect().then(
    () => ({ failure: undefined }),
    (failure: unknown) => ({ failure }),
  )
  async function collect() {
    for await (const batch of batches) {
      events.push(...batch)
      news.emit('news')
    }
  }
  const toEnd = async () => {
    const { failure } = await reading
    if (failure !== undefined) throw failure
  }
  const until = async (fulfilled: (events: readonly LogEvent[]) => boolean) => {
    while (!fulfilled(events)) {
      const ended = toEnd().then(() => assert.fail('the events have ended'))
      await Promise.race([once(news, 'news'), ended])
    }
  }
  return {
    faults: world.api.faults,
    events,
    abort,
    toEnd,
    /** Does something before each request for a log. */
    beforeEachLog(action: (request: ApiRequest) => void) {
      client.onOpen = (request) => {
        if (request.resource === 'pods/log') action(request)
      }
    },
    /** The token that is given when one was refused. */
    renewTo,
    /** Nothing is learnt of pods and restarts until the returned function is called. */
    holdStatus() {
      const { promise, resolve } = Promise.withResolvers<void>()
      client.hold = promise
      world.api.faults.endWatches()
      return resolve
    },
    /** Reads until the events fulfil a condition. */
    until,
    /** Ends the follow as a person does. Gives its ledger. */
    async endNow(): Promise<LogSummary> {
      abort.abort(new Error('a person has seen enough'))
      await assert.rejects(toEnd(), /seen enough/)
      const last = events.at(-1)
      assert.ok(last?.event === 'ledger')
      return last.summary
    },
    untilText: (text: string) => until(() => linesOf(events).some(({ line }) => line.text === text)),
    /** All three pods are being followed. */
    async untilFollowing() {
      while (followsOf(world) < HERMES.length) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    /** The lines of a pod as the follower gave them. */
    shown: (pod: string) =>
      linesOf(events)
        .filter(({ source }) => source.pod === pod)
        .map(({ line }) => `${line.stamp} ${line.text}`),
    /** The lines of a pod as they were written: those of one run, or of the run before and then of that of now. */
    written: (pod: string, ...runs: ('run' | 'previous')[]) =>
      (runs.length > 0 ? runs : (['previous', 'run'] as const)).flatMap((run) =>
        (world.api.cluster.pod(pod)?.[run]?.log.read(0, Number.POSITIVE_INFINITY) ?? []).map(
          ({ stamp, text }) => `${formatStamp(stamp)} ${text}`,
        ),
      ),
    async [Symbol.asyncDispose]() {
      abort.abort(new Error('the test is over'))
      await reading
      await client[Symbol.asyncDispose]()
    },
  }
}

function nanoseconds(stamp: Stamp): bigint {
  return stampOf(Date.parse(`${stamp.slice(0, 19)}Z`)) + BigInt(stamp.slice(20, 29))
}

function linesOf(events: readonly LogEvent[]): LineEvent[] {
  return events.filter((event) => event.event === 'line')
}

/** The stamp of the line of that text. */
function stampOfLine({ events }: { readonly events: readonly LogEvent[] }, text: string): Stamp | undefined {
  return linesOf(events).find(({ line }) => line.text === text)?.line.stamp
}

function kindsOf(events: readonly LogEvent[]): string[] {
  return events.map(({ event }) => event).filter((event) => event !== 'line')
}

/** The sandbox stamps by milliseconds, and lines of one millisecond in two runs have no order. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now()
  while (Date.now() === now) await new Promise(setImmediate)
}

function restartsOf(events: readonly LogEvent[], pod: string): number {
  return events.filter((event) => event.event === 'restarted' && event.source.pod === pod).length
}

describe('history', limits, () => {
  it('is every line of every pod, in the order of time', limits, async () => {
    await using world = await start(HISTORY)
    await world.toEnd()
    for (const pod of HERMES) assert.deepEqual(world.shown(pod), world.written(pod))
    const stamps = linesOf(world.events).map(({ line }) => line.stamp as string)
    assert.deepEqual(stamps, stamps.toSorted())
    assert.ok(linesOf(world.events).every(({ late }) => !late))
  })

  it('ends with the last lines of all pods together', limits, async () => {
    await using world = await start({ ...HISTORY, tail: 7 })
    await world.toEnd()
    const all = HERMES.flatMap((pod) => world.written(pod)).sort()
    assert.deepEqual(
      linesOf(world.events).map(({ line }) => `${line.stamp} ${line.text}`),
      all.slice(-7),
    )
  })

  it('is none of it with a tail of nothing', limits, async () => {
    await using world = await start({ ...HISTORY, tail: 0 })
    await world.toEnd()
    assert.deepEqual(linesOf(world.events), [])
  })

  it('goes back only so far in time', limits, async () => {
    await using world = await start({ ...HISTORY, sinceSeconds: 120 })
    await world.toEnd()
    const all = HERMES.flatMap((pod) => world.written(pod)).length
    const shown = linesOf(world.events)
    assert.ok(shown.length > 0 && shown.length < all)
    const earliest = Date.parse(shown[0]?.line.stamp ?? '')
    assert.ok(earliest > Date.now() - 125_000)
  })

  it('is cut to a span, exactly to the stamp, and read no further than its end', limits, async () => {
    const stamp = (second: number, fraction: string) =>
      `2026-11-25T20:10:${String(second).padStart(2, '0')}.${fraction}Z` as Stamp
    const span = { from: stamp(5, '123456789'), to: stamp(9, '500000000') }
    await using world = await startApi()
    const { log } = world.api.cluster.pod(FIRST_HERMES)?.run ?? assert.fail('it runs')
    log.rotate(0)
    for (const [second, fraction] of [
      [4, '900000000'],
      [5, '123456788'],
      [5, '123456789'],
      [9, '500000000'],
      [9, '500000001'],
    ] as const)
      log.append([`${second}.${fraction}`], nanoseconds(stamp(second, fraction)))
    for (let second = 10; second < 60; second++)
      log.append(Array(200).fill('x'.repeat(1_000)), nanoseconds(stamp(second, '000000000')))
    await using reading = read(world, { ...HISTORY, span })
    await reading.toEnd()
    assert.deepEqual(
      linesOf(reading.events).map(({ line }) => line.text),
      ['5.123456789', '9.500000000'],
    )
    const [asked] = world.api.requests.filter(({ path }) => path.includes(`${FIRST_HERMES}/log`))
    assert.match(asked?.query ?? '', /sinceTime=2026-11-25T20%3A10%3A04Z/)
    await using last = read(world, { ...HISTORY, span: { to: span.to }, tail: 2 })
    await last.toEnd()
    assert.deepEqual(
      linesOf(last.events).map(({ line }) => line.text),
      ['5.123456789', '9.500000000'],
      'the tail counts what is inside',
    )
  })

  it(
    'has the last lines before a moment of the past, and does not read all of the log for them',
    limits,
    async () => {
      await using world = await startWithOne()
      const { log } = world.api.cluster.pod(FIRST_HERMES)?.run ?? assert.fail('it runs')
      const start = Date.UTC(2026, 10, 20)
      for (let nth = 0; nth < 15_000; nth++) log.append([`${nth}`], stampOf(start + nth * 10_000))
      const to = stampAt(start + 9_000 * 10_000 + 5_000)
      await using reading = read(world, { ...HISTORY, span: { to }, tail: 5 })
      await reading.toEnd()
      assert.deepEqual(
        linesOf(reading.events).map(({ line }) => line.text),
        ['8996', '8997', '8998', '8999', '9000'],
      )
      const queries = world.api.requests.flatMap(({ path, query }) =>
        path.includes(`${FIRST_HERMES}/log`) ? [new URLSearchParams(query)] : [],
      )
      const [first, ...others] = queries
      assert.equal(first?.get('limitBytes'), '64')
      const back = others.map((query) => (Date.parse(to) - Date.parse(query.get('sinceTime') ?? '')) / 1_000)
      assert.deepEqual(back, [10, 40, 160, 160], 'looked for, and then read')
    },
  )

  it(
    'is asked for its newest line at its end, unless as many lines came as were asked for',
    limits,
    async () => {
      const queriesOf = async (options: FollowOptions) => {
        await using world = await start(options)
        await world.toEnd()
        return world.api.requests.flatMap(({ path, query }) =>
          path.includes(`${FIRST_HERMES}/log`) ? [query] : [],
        )
      }
      assert.equal((await queriesOf({ ...HISTORY, tail: 7 })).length, 1)
      const [whole, newest, ...others] = await queriesOf(HISTORY)
      assert.ok(whole !== undefined && !whole.includes('tailLines'))
      assert.match(newest ?? '', /tailLines=1(&|$)/)
      assert.deepEqual(others, [])
    },
  )

  it('is not checked to its end when its pod is gone before, and says so', limits, async () => {
    await using world = await startApi()
    await using reading = read(world, HISTORY)
    reading.beforeEachLog(({ name, query }) => {
      if (name === FIRST_HERMES && query?.['tailLines'] === 1)
        world.api.faults.deletePod({ pod: FIRST_HERMES })
    })
    await reading.toEnd()
    const last = reading.events.at(-1)
    assert.ok(last?.event === 'ledger')
    assert.deepEqual([last.summary.unchecked, last.summary.holeCount], [1, 0])
  })

  for (const at of [8 * 1024, 16 * 1024])
    for (const stamps of ['each', 'first'] as const)
      it(
        `ends with whole lines, though it begins within one (pieces of ${at}, ${stamps} stamps)`,
        limits,
        async () => {
          await using world = await startWithOne()
          world.api.faults.splitLines({ at, stamps })
          const sizes = [3 * at, 1, at, 40 * at + 7, at + 1, 2]
          const lines = ['first', ...sizes.map((size, nth) => String(nth).repeat(size))]
          world.api.faults.writeLog({ pod: FIRST_HERMES, lines })
          const describeText = (text: string) => `${text.slice(0, 8)} ${text.length}`
          for (let tail = 0; tail <= lines.length + 1; tail++) {
            await using reading = read(world, { ...HISTORY, tail })
            await reading.toEnd()
            assert.deepEqual(
              linesOf(reading.events).map(({ line }) => describeText(line.text)),
              lines.slice(Math.max(0, lines.length - tail)).map(describeText),
              `the last ${tail}`,
            )
          }
        },
      )

  it('leaves out the rest of a line that was begun before the moment it begins at', limits, async () => {
    await using world = await startWithOne()
    const { log } = world.api.cluster.pod(FIRST_HERMES)?.run ?? assert.fail('it runs')
    world.api.faults.splitLines({ at: 16 * 1024, stamps: 'first' })
    const second = Math.floor(Date.now() / 1_000) - 10
    log.append(['x'.repeat(40_000)], stampOf(second * 1_000) - 1_000n)
    log.append(['whole'], stampOf((second + 2) * 1_000))
    const from = formatStamp(stampOf((second + 1) * 1_000)) as Stamp
    await using reading = read(world, { ...HISTORY, span: { from } })
    await reading.toEnd()
    assert.deepEqual(
      linesOf(reading.events).map(({ line }) => line.text),
      ['whole'],
    )
  })

  it('survives a broken connection, and servers that are busy', limits, async () => {
    await using world = await start(HISTORY)
    world.faults.failNext({ status: 500, path: `${FIRST_HERMES}/log`, times: 2 })
    world.faults.failNext({ status: 429, path: `${KILLED_HERMES}/log`, retryAfter: 1 })
    await world.toEnd()
    for (const pod of HERMES) assert.deepEqual(world.shown(pod), world.written(pod))
  })

  it('fails after giving the rest when one log cannot be read', limits, async () => {
    await using world = await start(HISTORY)
    world.faults.failNext({ status: 500, path: `${FIRST_HERMES}/log`, times: 50 })
    await assert.rejects(
      world.toEnd(),
      (error) => isPgctlError(error, 'failed') && /4kzlp/.test(error.why ?? ''),
    )
    assert.deepEqual(world.shown(FIRST_HERMES), [])
    assert.deepEqual(world.shown(KILLED_HERMES), world.written(KILLED_HERMES))
  })

  it('has the run before a restart, and between the two how it ended', limits, async () => {
    await using world = await start(HISTORY)
    await world.toEnd()
    const own = world.events.filter((event) => 'source' in event && event.source.pod === KILLED_HERMES)
    const place = own.findIndex(({ event }) => event === 'restarted')
    assert.equal(place, world.written(KILLED_HERMES, 'previous').length)
    const divider = own[place]
    assert.ok(divider?.event === 'restarted')
    assert.deepEqual(
      [divider.source.restarts, divider.end?.exitCode, divider.end?.reason],
      [1, 137, 'OOMKilled'],
    )
    assert.deepEqual(kindsOf(world.events), ['restarted', 'ledger'])
  })

  const beyond: ReadonlyArray<[why: string, options: Partial<FollowOptions>]> = [
    ['it had ended before what is asked for', { sinceSeconds: 120 }],
    ['all of its lines are beyond the tail', { tail: 3 }],
    ['nothing of the past is asked for', { tail: 0 }],
  ]
  for (const [why, options] of beyond)
    it(`says nothing of the run before when ${why}`, limits, async () => {
      await using world = await start({ ...HISTORY, ...options })
      await world.toEnd()
      assert.deepEqual(kindsOf(world.events), ['ledger'])
      const previous = new Set(world.written(KILLED_HERMES, 'previous'))
      assert.ok(world.shown(KILLED_HERMES).every((line) => !previous.has(line)))
    })

  it('goes on without the run before when its log is gone, and counts that', limits, async () => {
    await using world = await startApi()
    const previous = world.api.cluster.pod(KILLED_HERMES)?.previous
    assert.ok(previous)
    world.api.faults.loseLog({ pod: KILLED_HERMES })
    await using reading = read(world, HISTORY)
    await reading.toEnd()
    assert.deepEqual(reading.shown(KILLED_HERMES), reading.written(KILLED_HERMES, 'run'))
    const last = reading.events.at(-1)
    assert.ok(last?.event === 'ledger')
    assert.deepEqual([last.summary.unchecked, last.summary.holeCount], [1, 0])
  })

  it('is in the order in which containers start: init, sidecars, the others', limits, async () => {
    await using world = await startApi()
    const pod = world.api.faults.createPod({
      service: 'cerberus',
      others: [
        { name: 'mesh', kind: 'sidecar', lines: ['proxy is up'] },
        { name: 'migrate', kind: 'init', lines: ['migrated'] },
        { name: 'debugger', kind: 'ephemeral', lines: ['looking'] },
      ],
    })
    // All at one moment.
    const [first] = world.api.cluster.pod(pod)?.others[0]?.run.log.read(0, 1) ?? []
    world.api.cluster.writeLog(pod, ['served'], first?.stamp)
    await using reading = read(world, HISTORY, [
      { ...SELECTION, selector: `app.kubernetes.io/name=cerberus` },
    ])
    await reading.toEnd()
    const own = linesOf(reading.events).filter(({ source }) => source.pod === pod)
    assert.deepEqual(
      own.map(({ source, line }) => `${source.container}: ${line.text}`),
      ['migrate: migrated', 'mesh: proxy is up', 'cerberus: served', 'debugger: looking'],
    )
    assert.ok(own.every(({ source }) => source.oneOfSeveral))
  })

  it('of previous runs is that of the pods that had one, and how it ended', limits, async () => {
    await using world = await start({ ...HISTORY, previous: true })
    await world.toEnd()
    assert.deepEqual(world.shown(KILLED_HERMES), world.written(KILLED_HERMES, 'previous'))
    assert.deepEqual(world.shown(FIRST_HERMES), [])
    const over = world.events.find((event) => event.event === 'over')
    assert.ok(over?.event === 'over' && over.how.kind === 'whole')
    assert.equal(over.how.end?.reason, 'OOMKilled')
  })

  it('of a service without pods is empty, and says so', limits, async () => {
    await using world = await start(HISTORY)
    for (const pod of HERMES) world.faults.deletePod({ pod })
    await world.toEnd()
    assert.deepEqual(kindsOf(world.events), ['empty', 'ledger'])
  })

  it('is refused where the logs may not be read', limits, async () => {
    await using world = await start(HISTORY, { authorize: (_, asked) => asked.subresource !== 'log' })
    await assert.rejects(
      world.toEnd(),
      (error) => isPgctlError(error, 'permission-denied') && /"get" on "pods\/log"/.test(error.next ?? ''),
    )
  })
})

describe('pods of a selector', limits, () => {
  const ALL: LogSelection = {
    service: 'pod-template-hash',
    serviceLabel: 'app.kubernetes.io/name',
    namespace: WORLD.namespace,
    selector: 'pod-template-hash,app.kubernetes.io/name!=payload',
  }

  it('are of the services that their labels tell', limits, async () => {
    await using world = await startApi()
    await using reading = read(world, HISTORY, [ALL])
    await reading.toEnd()
    const services = new Set(
      linesOf(reading.events).map(({ source }) => `${source.namespace} ${source.service}`),
    )
    assert.deepEqual([...services].sort(), ['paragon cerberus', 'paragon grafana', 'paragon hermes'])
  })

  it('may be narrowed to some containers, of which one at least must be there', limits, async () => {
    await using world = await startApi()
    await using reading = read(world, { ...HISTORY, wantsContainer: (name) => name === 'grafana' }, [ALL])
    await reading.toEnd()
    assert.deepEqual([...new Set(linesOf(reading.events).map(({ source }) => source.container))], ['grafana'])
    await using silent = read(world, { ...FOLLOW, wantsContainer: () => false }, [ALL])
    await assert.rejects(
      silent.toEnd(),
      (error) => isPgctlError(error, 'target-unknown') && /cerberus, grafana, hermes/.test(error.why ?? ''),
    )
  })

  it(
    'of two namespaces, of which the logs of one may not be read, are those of the other',
    limits,
    async () => {
      await using world = await startApi({
        authorize: (_, { subresource, name }) => subresource !== 'log' || !name?.startsWith('grafana'),
      })
      const elsewhere = { ...ALL, namespace: 'default' }
      await using one = read(world, HISTORY, [
        { ...ALL, selector: 'app.kubernetes.io/name=grafana' },
        elsewhere,
      ])
      await assert.rejects(one.toEnd(), (error) => isPgctlError(error, 'permission-denied'))
      assert.deepEqual(
        one.events.map((event) =>
          event.event === 'refused' || event.event === 'empty'
            ? `${event.event} ${event.namespace}`
            : event.event,
        ),
        ['empty default', 'refused paragon'],
      )
    },
  )
})

describe('following', limits, () => {
  it('goes from history to live lines with nothing lost or doubled', limits, async () => {
    await using world = await start(FOLLOW)
    await world.untilFollowing()
    for (let count = 0; count < 50; count++)
      world.faults.writeLog({ pod: HERMES[count % 3] as string, lines: [`live ${count}`] })
    await world.until(
      (events) => linesOf(events).filter(({ line }) => line.text.startsWith('live')).length >= 50,
    )
    for (const pod of HERMES) assert.deepEqual(world.shown(pod), world.written(pod))
    assert.deepEqual(kindsOf(world.events), ['restarted'], 'of the run before, and nothing since')
  })

  it('shows the last lines first, and then only what comes', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 2 })
    const before = HERMES.flatMap((pod) => world.written(pod)).sort()
    await world.until((events) => linesOf(events).length >= 2)
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['after'] })
    await world.untilText('after')
    assert.deepEqual(
      linesOf(world.events)
        .slice(0, 2)
        .map(({ line }) => `${line.stamp} ${line.text}`),
      before.slice(-2),
    )
    assert.equal(linesOf(world.events).length, 3)
  })

  it('ends with a ledger that has every line, and every stream that was taken up again', limits, async () => {
    await using world = await start(FOLLOW)
    await world.untilFollowing()
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['before'] })
    await world.untilText('before')
    world.faults.cutFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['after'] })
    await world.untilText('after')
    assert.deepEqual(await world.endNow(), {
      // One of them has a run before.
      streams: HERMES.length + 1,
      lines: HERMES.flatMap((pod) => world.written(pod)).length,
      hidden: 0,
      reconnects: 1,
      unchecked: 0,
      holeCount: 0,
      holes: [],
    })
  })

  it('gives only what is wanted, and searches no further than it is told', limits, async () => {
    const accepts = (text: string) => text.startsWith('wanted')
    await using world = await start({ ...FOLLOW, tail: 1, wanted: { accepts }, searched: 3 })
    await world.untilFollowing()
    const asked = world.api.requests.filter(({ query }) => query.includes('tailLines='))
    assert.ok(asked.length > 0 && asked.every(({ query }) => query.includes('tailLines=4')))
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['wanted 1', 'not wanted', 'wanted 2'] })
    await world.untilText('wanted 2')
    assert.deepEqual(
      linesOf(world.events).map(({ line }) => line.text),
      ['wanted 1', 'wanted 2'],
    )
  })

  it('ends by itself at the end of its span, with all that was written by then', limits, async () => {
    const to = stampAt(Date.now() + 300)
    await using world = await start({ ...FOLLOW, tail: 0, span: { to } })
    await world.untilFollowing()
    world.faults.stallFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['on a stream that has died'] })
    world.faults.writeLog({ pod: KILLED_HERMES, lines: ['before the end'] })
    await new Promise((resolve) => setTimeout(resolve, 310))
    world.faults.writeLog({ pod: KILLED_HERMES, lines: ['after the end'] })
    await world.toEnd()
    assert.deepEqual(
      linesOf(world.events)
        .map(({ line }) => line.text)
        .toSorted(),
      ['before the end', 'on a stream that has died'],
    )
    assert.equal(world.events.at(-1)?.event, 'ledger')
  })

  const disturbances = [
    { name: 'connections cut in the middle of a line', fault: 'cutFollows' },
    { name: 'streams that the server ends in good order', fault: 'endFollows' },
    { name: 'streams that die silently', fault: 'stallFollows' },
  ] as const
  for (const { name, fault } of disturbances)
    it(`survives ${name}, again and again`, limits, async () => {
      await using world = await start(FOLLOW)
      await world.untilFollowing()
      for (let round = 0; round < 5; round++) {
        world.faults.writeLog({
          pod: FIRST_HERMES,
          lines: ['same', 'same', `before ${round}`, 'žluťoučký 日本'],
        })
        await world.untilText(`before ${round}`)
        world.faults[fault]()
        world.faults.writeLog({
          pod: FIRST_HERMES,
          lines: ['same', 'same', 'žluťoučký 日本', `after ${round}`],
        })
        world.faults.writeLog({ pod: KILLED_HERMES, lines: [`other ${round}`] })
        await world.untilText(`after ${round}`)
        await world.untilText(`other ${round}`)
      }
      for (const pod of HERMES) assert.deepEqual(world.shown(pod), world.written(pod))
      const resumed = world.events.filter((event) => event.event === 'resumed')
      assert.ok(resumed.length >= 5, `${resumed.length} resumptions were told`)
      assert.ok(resumed.every(({ seam }) => seam.kind === 'whole'))
    })

  it('follows a container over its restart, with the last words of the old run first', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['old'] })
    await world.untilText('old')
    world.faults.cutFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['cut here', 'last words'] })
    await nextMillisecond()
    world.faults.restartContainer({ pod: FIRST_HERMES, exitCode: 137, reason: 'OOMKilled' })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['new run'] })
    await world.untilText('new run')
    const texts = linesOf(world.events)
      .filter(({ source }) => source.pod === FIRST_HERMES)
      .map(({ line }) => line.text)
    assert.deepEqual(texts.slice(0, 3), ['old', 'cut here', 'last words'])
    assert.equal(texts.at(-1), 'new run')
    assert.equal(texts.filter((text) => text === 'last words').length, 1)
    const restarted = world.events.find((event) => event.event === 'restarted')
    assert.ok(restarted?.event === 'restarted')
    assert.deepEqual([restarted.end?.exitCode, restarted.end?.reason], [137, 'OOMKilled'])
    const over = world.events.find((event) => event.event === 'over')
    assert.ok(over?.event === 'over' && over.how.kind === 'whole')
  })

  it('tells the runs of a container apart although it learns of the restart late', limits, async () => {
    // Slow enough that what the cluster is let to say comes within the ten seconds of doubt.
    await using world = await start({ ...FOLLOW, tail: 0 }, {}, new FastClock(20))
    await world.untilFollowing()
    const write = (...lines: string[]) => world.faults.writeLog({ pod: FIRST_HERMES, lines })
    write('old 1')
    await world.untilText('old 1')
    const tellStatus = world.holdStatus()
    world.faults.stallFollows({ pod: FIRST_HERMES })
    write('old 2', 'old 3')
    const old = world.written(FIRST_HERMES)
    await nextMillisecond()
    world.faults.restartContainer({ pod: FIRST_HERMES, exitCode: 1 })
    write('new 1', 'new 2')
    // Taken for the old run's, as nobody has said otherwise.
    await world.untilText('new 2')
    tellStatus()
    await world.until((events) => events.some(({ event }) => event === 'restarted'))
    write('new 3')
    await world.untilText('new 3')
    const shown = world.shown(FIRST_HERMES)
    assert.deepEqual(shown.toSorted(), [...old.slice(-3), ...world.written(FIRST_HERMES, 'run')].toSorted())
    assert.deepEqual(shown.slice(-1), world.written(FIRST_HERMES).slice(-1))
    const late = linesOf(world.events).filter(({ source, late }) => source.pod === FIRST_HERMES && late)
    assert.deepEqual(
      late.map(({ line }) => line.text),
      ['old 2', 'old 3'],
      'what the old run wrote before is marked where it comes after',
    )
    const over = world.events.find((event) => event.event === 'over')
    assert.ok(over?.event === 'over' && over.how.kind === 'whole')
    assert.ok(
      world.events.every(
        (event) => (event.event !== 'gap' && event.event !== 'resumed') || event.seam.kind === 'whole',
      ),
      'a restart was taken for a hole',
    )
  })

  it('takes up pods that come, says why they wait, and when they leave', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    const pod = world.faults.createPod({ service: 'hermes', waiting: 'ImagePullBackOff' })
    await world.until((events) => events.some((event) => event.event === 'waiting' && event.pod === pod))
    world.faults.startContainer({ pod })
    world.faults.writeLog({ pod, lines: ['first words'] })
    await world.untilText('first words')
    assert.deepEqual(world.shown(pod), world.written(pod))
    const written = world.written(pod)
    world.faults.deletePod({ pod })
    await world.until((events) => events.some((event) => event.event === 'over' && event.source.pod === pod))
    assert.deepEqual(world.shown(pod), written)
    const waiting = world.events.find((event) => event.event === 'waiting')
    assert.ok(waiting?.event === 'waiting')
    assert.equal(waiting.why, 'ImagePullBackOff')
    assert.ok(world.events.some((event) => event.event === 'joined' && event.source.pod === pod))
    assert.ok(world.events.some((event) => event.event === 'left' && event.pod === pod))
  })

  it('follows a container that has not written anything yet', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    const pod = world.faults.createPod({ service: 'hermes' })
    await world.until((events) => events.some((event) => event.event === 'joined'))
    world.faults.writeLog({ pod, lines: ['at last'] })
    await world.untilText('at last')
  })

  it('names the hole when lines were rotated away unread', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['seen'] })
    await world.untilText('seen')
    world.faults.failNext({ status: 503, path: `${FIRST_HERMES}/log`, times: 3 })
    world.faults.cutFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['cut here', 'lost', 'found again'] })
    world.faults.rotateLog({ pod: FIRST_HERMES, keep: 1 })
    await world.untilText('found again')
    await world.until((events) => events.some(({ event }) => event === 'resumed'))
    for (const text of ['more', 'and more', 'and more still']) {
      world.faults.writeLog({ pod: FIRST_HERMES, lines: [text] })
      await world.untilText(text)
    }
    const told = world.events.filter(({ event }) => event === 'resumed' || event === 'gap')
    assert.equal(told.length, 1, 'the hole is told once')
    const [resumed] = told
    assert.ok(resumed?.event === 'resumed')
    assert.equal(resumed.seam.kind, 'gap')
    assert.ok(linesOf(world.events).every(({ line }) => line.text !== 'lost'))
  })

  it('goes on after a split line, of which it has asked for the end only', limits, async () => {
    await using world = await startWithOne()
    world.api.faults.splitLines({ at: 16 * 1024, stamps: 'first' })
    world.api.faults.writeLog({ pod: FIRST_HERMES, lines: ['before', 'x'.repeat(100_000)] })
    await using reading = read(world, { ...FOLLOW, tail: 0 })
    await reading.untilFollowing()
    world.api.faults.writeLog({ pod: FIRST_HERMES, lines: ['after'] })
    await reading.untilText('after')
    world.api.faults.cutFollows({ pod: FIRST_HERMES })
    world.api.faults.writeLog({ pod: FIRST_HERMES, lines: ['cut here', 'and on'] })
    await reading.untilText('and on')
    const { holeCount, lines } = await reading.endNow()
    assert.deepEqual([holeCount, lines], [0, 3])
  })

  it('does not take a stream for dead because its last line is split', limits, async () => {
    await using world = await startWithOne()
    world.api.faults.splitLines({ at: 16 * 1024, stamps: 'first' })
    await using reading = read(world, { ...FOLLOW, tail: 0 })
    await reading.untilFollowing()
    world.api.faults.writeLog({ pod: FIRST_HERMES, lines: ['x'.repeat(100_000)] })
    await reading.until((events) => linesOf(events).length === 1)
    const before = world.api.requests.length
    const looks = () =>
      world.api.requests
        .slice(before)
        .filter(({ path, query }) => path.includes(FIRST_HERMES) && /tailLines/.test(query))
    await eventually(() => looks().length >= 2)
    assert.ok(reading.events.every(({ event }) => event !== 'reconnecting'))
  })

  it('names a hole in its ledger although it ends before it is sure of it', limits, async () => {
    // By the real clock, so that ten seconds are ten seconds.
    await using world = await start({ ...FOLLOW, tail: 0 }, {}, systemClock)
    await world.untilFollowing()
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['seen'] })
    await world.untilText('seen')
    world.faults.failNext({ status: 503, path: `${FIRST_HERMES}/log`, times: 1 })
    world.faults.cutFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['cut here', 'lost', 'found again'] })
    world.faults.rotateLog({ pod: FIRST_HERMES, keep: 1 })
    await world.until((events) => events.some(({ event }) => event === 'reconnecting'))
    await eventually(() => followsOf(world) > HERMES.length)
    const summary = await world.endNow()
    assert.equal(summary.holeCount, 1)
    const [hole] = summary.holes
    assert.ok(hole !== undefined && 'seam' in hole)
    assert.deepEqual([hole.source.pod, hole.seam.after], [FIRST_HERMES, stampOfLine(world, 'seen')])
  })

  it('names a stream in its ledger that was broken when it ended', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['seen'] })
    await world.untilText('seen')
    world.faults.failNext({ status: 503, path: `${FIRST_HERMES}/log`, times: 1_000 })
    world.faults.cutFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['cut here', 'not seen'] })
    await world.until((events) => events.some(({ event }) => event === 'reconnecting'))
    const summary = await world.endNow()
    const after = stampOfLine(world, 'seen')
    assert.deepEqual(
      summary.holes.map((hole) => ('seam' in hole ? [hole.source.pod, hole.seam] : hole.why)),
      [[FIRST_HERMES, { kind: 'uncertain', after }]],
    )
  })

  it(
    'follows as many as it may at once, says so, and takes up the next when one is over',
    limits,
    async () => {
      await using world = await start({ ...FOLLOW, tail: 0, maxStreams: 2 })
      const told = () => world.events.flatMap((event) => (event.event === 'followed' ? [event] : []))
      await world.until(() => told().length > 0)
      assert.deepEqual(told(), [{ event: 'followed', followed: 2, total: 3 }])
      for (const pod of HERMES) world.faults.writeLog({ pod, lines: [`of ${pod}`] })
      const shown = () => linesOf(world.events).map(({ source }) => source.pod)
      await world.until(() => shown().length === 2)
      const [over] = shown()
      world.faults.deletePod({ pod: over as string })
      await world.until(() => shown().length === 3)
      assert.deepEqual(shown().sort(), [...HERMES])
      await world.until(() => told().length > 1)
      assert.deepEqual(told().at(-1), { event: 'followed', followed: 2, total: 2 })
    },
  )

  it('renews a token that the cluster no longer takes, and goes on', limits, async () => {
    let good = TOKEN
    await using world = await start(
      { ...FOLLOW, tail: 0 },
      { authenticate: async (token) => (token === good ? { user: 'operator', groups: [] } : undefined) },
    )
    await world.untilFollowing()
    good = 'k8s-aws-v1.renewed'
    world.renewTo(good)
    world.faults.cutFollows()
    world.faults.endWatches()
    const pod = world.faults.createPod({ service: 'hermes' })
    world.faults.writeLog({ pod, lines: ['new pod'] })
    for (const each of HERMES)
      world.faults.writeLog({ pod: each, lines: [`cut in ${each}`, `after in ${each}`] })
    await world.untilText('new pod')
    for (const each of HERMES) await world.untilText(`after in ${each}`)
    assert.equal(linesOf(world.events).length, 1 + 2 * HERMES.length)
  })

  it('waits as long as a busy server says before it asks again', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    world.faults.failNext({ status: 429, path: `${FIRST_HERMES}/log`, retryAfter: 7, times: 2 })
    world.faults.endFollows({ pod: FIRST_HERMES })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['after'] })
    await world.untilText('after')
    const waits = world.events.flatMap((event) => (event.event === 'reconnecting' ? [event.after] : []))
    assert.deepEqual(waits, [7_000])
  })

  it('goes on while the cluster expires watches and throttles', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    world.faults.endWatches()
    world.faults.compact()
    world.faults.failNext({ status: 429, path: '/pods', retryAfter: 1, times: 2 })
    world.faults.endFollows()
    const pod = world.faults.createPod({ service: 'hermes' })
    world.faults.writeLog({ pod, lines: ['new pod'] })
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['old pod'] })
    await world.untilText('new pod')
    await world.untilText('old pod')
  })

  it('keeps to live order, and marks what comes late', limits, async () => {
    await using world = await start({ ...FOLLOW, tail: 0 })
    await world.untilFollowing()
    for (let count = 0; count < 200; count++)
      world.faults.writeLog({ pod: HERMES[count % 3] as string, lines: [`live ${count}`] })
    await world.until((events) => linesOf(events).length >= 200)
    const stamps = linesOf(world.events)
      .filter(({ late }) => !late)
      .map(({ line }) => line.stamp as string)
    assert.deepEqual(stamps, stamps.toSorted())
  })

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
    it(`loses and doubles nothing in a storm of faults (seed ${seed})`, limits, async () => {
      await using world = await start({ ...FOLLOW, tail: 0 })
      await world.untilFollowing()
      const chance = seededChance(seed)
      const pick = <T>(choices: readonly T[]): T => choices[Math.floor(chance() * choices.length)] as T
      const written = new Map<string, string[]>(HERMES.map((pod) => [pod, []]))
      const write = (pod: string, count: number) => {
        const own = written.get(pod) as string[]
        const lines = Array.from({ length: count }, (_, at) => `${pod} ${own.length + at}`)
        own.push(...lines)
        world.faults.writeLog({ pod, lines })
      }
      const restart = (pod: string) => world.faults.restartContainer({ pod, exitCode: 1 })
      const troubles: ((pod: string) => void)[] = [
        restart,
        (pod) => void world.faults.cutFollows({ pod }),
        (pod) => void world.faults.endFollows({ pod }),
        (pod) => world.faults.failNext({ status: pick([429, 500, 503]), path: pod, retryAfter: 1 }),
        () => void world.faults.endWatches(),
        () => world.faults.cutFollows(),
      ]
      const restarts = new Map<string, number>()
      for (let round = 0; round < 40; round++) {
        const pod = pick(HERMES)
        write(pod, 1 + Math.floor(chance() * 5))
        const trouble = pick(troubles)
        if (trouble === restart) {
          // A kubelet waits ten seconds and more before it restarts a container once more; by then it is known.
          const before = restarts.get(pod) ?? 0
          await world.until((events) => restartsOf(events, pod) >= before)
          restarts.set(pod, before + 1)
        }
        trouble(pod)
        if (chance() < 0.5) write(pod, 2)
        if (chance() < 0.3) await new Promise(setImmediate)
      }
      for (const pod of HERMES) write(pod, 1)
      const total = [...written.values()].flat().length
      await world.until((events) => linesOf(events).length >= total)
      for (const pod of HERMES)
        assert.deepEqual(
          linesOf(world.events)
            .filter(({ source }) => source.pod === pod)
            .map(({ line }) => line.text)
            .toSorted(),
          written.get(pod)?.toSorted(),
          `seed ${seed}`,
        )
    })

  it('ends at the signal with its reason, wherever it is', limits, async () => {
    await using world = await start(FOLLOW)
    await world.untilFollowing()
    const pending = world.until(() => false)
    world.abort.abort(new Error('enough'))
    await assert.rejects(pending, /enough/)
  })
})

describe('a reader that has stopped reading', limits, () => {
  it('misses nothing that is rotated away meanwhile, and leaves no file behind', limits, async () => {
    await using world = await startApi()
    const { faults } = world.api
    const { client } = connect(world, systemClock)
    await using _ = client
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-stalled-'))
    const person = new AbortController()
    try {
      let received = 0
      async function* open(signal: AbortSignal) {
        const options = { ...FOLLOW, tail: 0 }
        for await (const batch of followLogs(client, [SELECTION], options, signal)) {
          received += linesOf(batch).length
          yield batch
        }
      }
      const batches = bufferLogs(open, () => SpillFile.open(folder), person.signal)
      const first = batches.next()
      await eventually(() => followsOf(world) === HERMES.length)
      // Several times what memory may hold.
      const lines = Array.from({ length: 300 }, (_, at) => `${at} ${'x'.repeat(100_000)}`)
      for (let at = 0; at < lines.length; at += 50) {
        faults.writeLog({ pod: FIRST_HERMES, lines: lines.slice(at, at + 50) })
        await eventually(() => received >= at + 50)
        faults.rotateLog({ pod: FIRST_HERMES })
      }
      const shown = linesOf((await first).value ?? [])
      while (shown.length < lines.length) shown.push(...linesOf((await batches.next()).value ?? []))
      assert.ok(shown.every(({ line, source }, at) => line.text === lines[at] && source.pod === FIRST_HERMES))
      assert.deepEqual(await readdir(folder), [])
      person.abort(new Error('enough'))
      await assert.rejects(
        batches.next().then(() => batches.next()),
        /enough/,
      )
    } finally {
      person.abort()
      await rm(folder, { recursive: true })
    }
  })
})

describe('a service of a thousand pods', { timeout: 120_000 }, () => {
  it('survives a thousand pods that are deleted at once', { timeout: 120_000 }, async () => {
    // Against the real clock: a thousand streams that are probed a hundred times as often are another test.
    await using world = await start({ ...FOLLOW, tail: 0 }, {}, systemClock)
    await world.untilFollowing()
    const pods = Array.from({ length: 1_000 }, () => world.faults.createPod({ service: 'hermes' }))
    const shown = () => new Set(linesOf(world.events).map(({ source }) => source.pod)).size
    for (const pod of pods) world.faults.writeLog({ pod, lines: ['last words'] })
    await world.until(() => shown() >= 400)
    for (const pod of pods) world.faults.deletePod({ pod })
    const left = () => world.events.filter(({ event }) => event === 'left').length
    const over = () => world.events.filter(({ event }) => event === 'over').length
    await world.until(() => left() === pods.length && over() === pods.length)
    world.faults.writeLog({ pod: FIRST_HERMES, lines: ['still there'] })
    await world.untilText('still there')
    assert.ok(linesOf(world.events).length <= pods.length + 1, 'none is doubled')
  })
})
