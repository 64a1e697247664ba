import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { type ErrorCode, isPgctlError, type PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import { KubeClient } from '#core/kube/client.ts'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import { followLogs } from '#core/kube/log-follower.ts'
import { selectLogs } from '#core/kube/log-selection.ts'
import { type LogRange, openLog } from '#core/kube/logs.ts'
import { listPods, listServices, readPod, readService, readyPods } from '#core/kube/lookups.ts'
import { type PodChange, watchPods } from '#core/kube/pod-watch.ts'
import { openPortForward } from '#core/kube/port-forward.ts'
import { readSetting, writeSetting } from '#core/kube/settings.ts'
import { soon } from './eventually.ts'
import { fetchOver } from './http-over.ts'

/**
 * A cluster with the Services `hermes` (three pods) and `cerberus` (one), whose pods serve HTTP at port 1702, and the
 * ConfigMap `paragon-settings` with ANALYTICS_ENABLED=true and LOG_LEVEL=info.
 */
export interface KubeBench extends AsyncDisposable {
  readonly namespace: string
  readonly access: ClusterAccess
  /** As somebody who may do nothing. */
  readonly stranger: ClusterAccess
  /** The names of the pods of hermes at the start. */
  readonly hermes: readonly string[]
  /** A pod that is added to hermes, and is running. */
  addHermes(): Promise<string>
  deletePod(pod: string): Promise<void>
  writeLine(pod: string, text: string): Promise<void>
}

/** In what an implementation is known to differ from a cluster. The suite asserts the difference, so that it is noticed when it goes. */
export interface KubeDeviations {
  /** A container that has not run before is a 400 that says so; or the error that comes instead. */
  readonly previousLog?: RegExp
}

const limits = { timeout: 60_000 }
const noSignal = new AbortController().signal
const SELECTOR = { 'app.kubernetes.io/name': 'hermes' }
/** A port of the pods that leads nowhere. */
export const SILENT_PORT = 1799

/** Tells the code of a failure that must be ours. */
async function failureOf(action: Promise<unknown>): Promise<PgctlError> {
  const error = await action.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isPgctlError(error), `not ours: ${error}`)
  return error
}

/** The contract of `core/kube/` with a cluster's API, for every implementation of that. */
export function describeKube(make: () => Promise<KubeBench>, deviations: KubeDeviations = {}): void {
  let bench: KubeBench
  let client: KubeClient
  before(async () => {
    bench = await make()
    client = new KubeClient(bench.access)
  })
  after(async () => {
    await client?.[Symbol.asyncDispose]()
    await bench?.[Symbol.asyncDispose]()
  })

  /** The lines of one pod's log, without their stamps. */
  async function linesOf(pod: string, range: LogRange, enough?: number): Promise<string[]> {
    const abort = new AbortController()
    const address = { namespace: bench.namespace, pod, container: 'hermes' }
    let text = ''
    const lines = () => text.split('\n').slice(0, -1)
    const chunks = await soon(openLog(client, address, range, abort.signal), 'a log')
    for await (const chunk of chunks) {
      text += Buffer.from(chunk).toString()
      if (lines().length >= (enough ?? Number.POSITIVE_INFINITY)) break
    }
    return lines().map((line) => {
      assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z /)
      return line.slice(line.indexOf(' ') + 1)
    })
  }

  describe('a setting', limits, () => {
    const place = { configMap: 'paragon-settings', key: 'ANALYTICS_ENABLED' }
    const level = { ...place, key: 'LOG_LEVEL' }
    const read = (wanted = place) => readSetting(client, bench.namespace, wanted)

    it('is read, and is none where there is no such entry or no such ConfigMap', limits, async () => {
      assert.equal((await read())?.value, 'true')
      assert.equal((await read({ ...place, key: 'OTHER' }))?.value, undefined)
      assert.equal(await read({ ...place, configMap: 'no-such-map' }), undefined)
    })

    it('is changed alone, and not where somebody else was faster', limits, async () => {
      const before = await read()
      assert.ok(before !== undefined)
      const change = (value: string) =>
        writeSetting(client, bench.namespace, place, { value, version: before.version })
      await change('false')
      assert.deepEqual([(await read())?.value, (await read(level))?.value], ['false', 'info'])
      assert.equal((await failureOf(change('true'))).code, 'state-conflict')
      assert.equal((await read())?.value, 'false')
    })

    it('is neither read nor changed by somebody who may not', limits, async () => {
      await using other = new KubeClient(bench.stranger)
      const { version = '' } = (await read()) ?? {}
      const change = { value: 'true', version }
      assert.equal((await failureOf(readSetting(other, bench.namespace, place))).code, 'permission-denied')
      const refused = await failureOf(writeSetting(other, bench.namespace, place, change))
      assert.match(`${refused.code} ${refused.next}`, /permission-denied .*verb "patch" on "configmaps"/)
    })
  })

  describe('lookups', limits, () => {
    it('find the Services and their ports', limits, async () => {
      const names = (await listServices(client, bench.namespace)).map(({ name }) => name)
      assert.ok(names.includes('hermes') && names.includes('cerberus'), String(names))
      const hermes = await readService(client, bench.namespace, 'hermes')
      assert.deepEqual(hermes?.ports, [{ name: 'http', port: 1702, target: 1702 }])
      assert.equal(await readService(client, bench.namespace, 'zeus'), undefined)
    })

    it('find the pods behind a Service', limits, async () => {
      const hermes = await readService(client, bench.namespace, 'hermes')
      assert.ok(hermes)
      const pods = await readyPods(client, hermes)
      assert.deepEqual(
        pods.map(({ name }) => name),
        bench.hermes,
      )
      const [first] = pods
      assert.ok(first?.address)
      assert.equal(first.containers[0]?.state.kind, 'running')
      assert.equal(await readPod(client, bench.namespace, 'zeus-0'), undefined)
    })
  })

  describe('refusals', limits, () => {
    it('name the right that is missing', limits, async () => {
      await using stranger = new KubeClient(bench.stranger)
      const error = await failureOf(listPods(stranger, bench.namespace, SELECTOR))
      assert.equal(error.code, 'permission-denied')
      assert.match(error.next ?? '', /the verb "list" on "pods" in namespace "paragon"/)
      assert.match(error.why ?? '', /User "stranger" cannot list resource "pods"/)
    })

    it('tell an identity that the cluster does not know', limits, async () => {
      const token = async () => ({ value: 'no-such-token', expires: Number.POSITIVE_INFINITY })
      await using nobody = new KubeClient({ ...bench.access, token })
      const error = await failureOf(listServices(nobody, bench.namespace))
      assert.equal(error.code, 'permission-denied')
      assert.match(error.message, /does not accept this identity/)
    })
  })

  describe('a watch', limits, () => {
    it('tells of a pod that comes, and of one that goes', limits, async () => {
      const abort = new AbortController()
      const changes = watchPods(client, bench.namespace, SELECTOR, systemClock, () => 0, abort.signal)
      const until = async (wanted: (change: PodChange) => boolean) => {
        for (;;) {
          const { value, done } = await changes.next()
          assert.ok(!done)
          if (wanted(value)) return value
        }
      }
      const all = await until(({ kind }) => kind === 'all')
      assert.ok(all.kind === 'all' && all.pods.length === bench.hermes.length)
      const name = await bench.addHermes()
      await until((change) => change.kind === 'set' && change.pod.name === name && change.pod.ready)
      await bench.deletePod(name)
      await until((change) => change.kind === 'deleted' && change.pod.name === name)
      await changes.return(undefined)
    })
  })

  describe('a log', limits, () => {
    it('is read to its end, or from its tail', limits, async () => {
      const [pod = ''] = bench.hermes
      const from = (await linesOf(pod, {})).length
      for (const word of ['one', 'two', 'three']) await bench.writeLine(pod, word)
      assert.deepEqual((await linesOf(pod, {})).slice(from), ['one', 'two', 'three'])
      assert.deepEqual(await linesOf(pod, { tail: 2 }), ['two', 'three'])
    })

    it('goes on with what is written', limits, async () => {
      const [, pod = ''] = bench.hermes
      await bench.writeLine(pod, 'before')
      const followed = linesOf(pod, { follow: true, sinceTime: '2020-01-01T00:00:00Z' }, 3)
      for (const word of ['then', 'after']) await bench.writeLine(pod, word)
      assert.deepEqual((await followed).slice(-3), ['before', 'then', 'after'])
    })

    it('of a pod that is not there is a 404', limits, async () => {
      const error = await failureOf(linesOf('hermes-nowhere', {}))
      assert.ok(error instanceof KubeApiError)
      assert.equal(error.status, 404)
    })

    it('of a run that has not been is refused', limits, async () => {
      const error = await failureOf(linesOf(bench.hermes[0] ?? '', { previous: true }))
      assert.ok(error instanceof KubeApiError)
      assert.equal(error.status, 400)
      assert.match(
        error.why ?? '',
        deviations.previousLog ?? /previous terminated container "hermes" .* not found/,
      )
    })
  })

  describe('following a service', limits, () => {
    it('brings every line of every pod once, and of a pod that comes', limits, async () => {
      const names = {
        labels: { service: 'app.kubernetes.io/name', release: 'app.kubernetes.io/instance' },
        services: {},
        monitors: {},
      }
      const wish = { services: ['hermes'], namespaces: [bench.namespace] }
      const { selections } = await selectLogs(client, names, wish, noSignal)
      const abort = new AbortController()
      const options = { follow: true, tail: undefined, sinceSeconds: undefined, previous: false }
      const added = await bench.addHermes()
      const rounds = Array.from({ length: 20 }, (_, round) => round)
      const pods = [...bench.hermes, added]
      const wanted = rounds.flatMap((round) => pods.map((pod) => ({ pod, text: `${pod} says ${round}` })))
      const texts = wanted.map(({ text }) => text)
      const seen: string[] = []
      const reading = (async () => {
        for await (const batch of followLogs(client, selections, options, abort.signal)) {
          for (const event of batch)
            if (event.event === 'line' && texts.includes(event.line.text)) seen.push(event.line.text)
          if (seen.length >= texts.length) return
        }
      })()
      try {
        for (const { pod, text } of wanted) await bench.writeLine(pod, text)
        await soon(reading, 'every line')
      } finally {
        abort.abort(new Error('enough'))
      }
      assert.deepEqual(seen.toSorted(), texts.toSorted())
      await bench.deletePod(added)
    })
  })

  describe('a port-forward', limits, () => {
    const target = () => ({ namespace: bench.namespace, pod: bench.hermes[0] ?? '', port: 1702 })

    it('carries several connections at once', limits, async () => {
      const answers = await Promise.all(
        Array.from({ length: 4 }, async (_, number) => {
          const stream = await openPortForward(bench.access, target())
          return fetchOver(stream, `/hello/${number}`, { body: Buffer.alloc(300_000, String(number)) })
        }),
      )
      assert.deepEqual(
        answers.map(({ text }) => text),
        [0, 1, 2, 3].map((number) => `/hello/${number} 300000`),
      )
    })

    const REFUSED: readonly { what: string; change: object; code: ErrorCode }[] = [
      { what: 'a pod that is not there', change: { pod: 'hermes-nowhere' }, code: 'target-unknown' },
    ]
    for (const { what, change, code } of REFUSED)
      it(`to ${what} is ${code}`, limits, async () => {
        const error = await failureOf(openPortForward(bench.access, { ...target(), ...change }))
        assert.equal(error.code, code)
      })

    it('without the right to it is permission-denied', limits, async () => {
      const error = await failureOf(openPortForward(bench.stranger, target()))
      assert.equal(error.code, 'permission-denied')
    })

    it('to a port where nothing listens ends, and says so', limits, async () => {
      const stream = await openPortForward(bench.access, { ...target(), port: SILENT_PORT })
      const ended = new Promise<unknown>((resolve) => stream.once('error', resolve).once('close', resolve))
      stream.resume()
      stream.write('anyone?')
      const error = await ended
      assert.ok(isPgctlError(error, 'far-end-refused'), String(error))
    })
  })
}

/** What a pod serves: it says which path was asked, and how much was sent. */
export async function startPodServer(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => response.end(`${request.url} ${bytes}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
