import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { IMPLICIT_SLEEP } from '#cli/supervisor/sleep-watch.ts'
import { Supervisor, type SupervisorEvent } from '#cli/supervisor/supervisor.ts'
import type { Holder, TunnelsOptions } from '#cli/supervisor/tunnels.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { askSupervisor } from '#core/tunnel/control/io/client.ts'
import { type ControlPlace, controlPlace } from '#core/tunnel/control/io/place.ts'
import type { TunnelRecord } from '#core/tunnel/control/roster.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'

const TIMEOUT = { timeout: 15_000 }
const CONFIG = `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
`

type HolderOptions = Parameters<TunnelsOptions['startHolder']>[0]

/** What a thread does, without tunnels: it says what they would say. */
class ScriptedHolder {
  readonly options: HolderOptions
  readonly targets = new Map<number, string>()
  /** Keeps openings waiting until it resolves. */
  gate: Promise<void> = Promise.resolve()
  refuse: PgctlError | undefined

  constructor(options: HolderOptions) {
    this.options = options
  }

  tell(id: number, event: { event: TunnelEvent['event'] } & Record<string, unknown>): void {
    this.options.onEvent(id, { target: this.targets.get(id) ?? '', ...event } as TunnelEvent)
  }

  async call(name: string, asks: Record<string, unknown>): Promise<unknown> {
    if (name === 'open') return this.#open(asks['words'] as string[], asks['ids'] as number[], asks['idleMs'])
    const id = asks['id'] as number
    if (name === 'wake') this.tell(id, { event: 'session', sessionId: 's', instance: 'i' })
    if (name === 'close') this.tell(id, { event: 'ended', cause: { code: 'closed', message: 'closed' } })
    const token = { value: 'token', expires: Date.UTC(2100, 0) }
    return name === 'cluster' ? { host: 'api.example', ca: 'CA', namespace: 'paragon', token } : undefined
  }

  async end(): Promise<void> {}

  async #open(words: readonly string[], ids: readonly number[], idleMs: unknown) {
    for (const [at, id] of ids.entries()) this.targets.set(id, words[at] ?? '')
    for (const id of ids) this.tell(id, { event: 'starting', route: 'direct', why: '' })
    await this.gate
    if (this.refuse !== undefined) throw this.refuse
    const place = {
      address: '127.0.0.1',
      addresses: ['127.0.0.1'],
      detail: '',
      probe: 'answered',
      route: 'direct',
    }
    const lazy = idleMs === undefined ? {} : { lazy: true }
    for (const id of ids) this.tell(id, { event: 'ready', port: 20_000 + id, ...place, ...lazy })
    return { failures: [] }
  }
}

describe('the supervisor', { timeout: 60_000 }, () => {
  let state: string
  let place: ControlPlace
  let clock: ManualClock
  let holders: ScriptedHolder[]
  let supervisor: Supervisor
  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), 'pgctl-supervisor-'))
    writeFileSync(join(state, 'config.yaml'), CONFIG)
    place = controlPlace(state)
    clock = new ManualClock(Date.now())
    holders = []
    supervisor = await start()
  })
  afterEach(async () => {
    await supervisor[Symbol.asyncDispose]()
    rmSync(state, { recursive: true, force: true })
  })

  const start = () =>
    Supervisor.start({
      ...{ place, state, clock, version: '0.1.0' },
      startHolder: (options) => {
        const holder = new ScriptedHolder(options)
        holders.push(holder)
        return holder as unknown as Holder
      },
    })
  const environment = (more = {}) => ({ PGCTL_CONFIG: join(state, 'config.yaml'), ...more })
  async function ask<Result>(
    request: { request: string } & Record<string, unknown>,
    onEvent?: (event: SupervisorEvent) => void,
    signal?: AbortSignal,
  ): Promise<Result> {
    const asked = { place, version: '0.1.0', request, sameVersion: true, signal }
    const answer = await askSupervisor({
      ...asked,
      onEvent: onEvent as ((event: unknown) => void) | undefined,
    })
    return (answer ?? assert.fail('nobody answered')).result as Result
  }
  const whence = (more?: object) => ({ folder: state, environment: environment(more), flags: {} })
  const open = (words: string[], more: object = {}) =>
    ask<{ tunnels: TunnelRecord[] }>({ request: 'open', ...whence(), words, ...more })
  const cluster = (more: object = {}) =>
    ask<{ isThere: boolean; isNew: boolean; kubeconfig: string }>({
      ...{ request: 'cluster', ...whence(), open: true, idleMs: 1_000 },
      ...more,
    })
  const list = async () => (await ask<{ tunnels: TunnelRecord[] }>({ request: 'list' })).tunnels
  const isOver = () => Promise.race([supervisor.over.then(() => true), Promise.resolve(false)])

  it('ends where nobody asks it for anything', TIMEOUT, async () => {
    assert.equal(await isOver(), false)
    clock.advance(10_000)
    await supervisor.over
  })

  it(
    'has a holder for each environment, and shares it among targets and installations of one',
    TIMEOUT,
    async () => {
      await open(['grafana'])
      await open(['cluster'])
      await open(['grafana'], whence({ AWS_PROFILE: 'another' }))
      assert.equal(holders.length, 2)
      assert.deepEqual(
        (await list()).map(({ id, target }) => [id, target]),
        [
          [1, 'grafana'],
          [2, 'cluster'],
          [3, 'grafana'],
        ],
      )
      assert.equal(holders[1]?.options.environment['AWS_PROFILE'], 'another')
    },
  )

  it('lets those who ask for one that is being opened wait for it', TIMEOUT, async () => {
    await open(['cluster'])
    const [holder] = holders
    const gate = Promise.withResolvers<void>()
    ;(holder as ScriptedHolder).gate = gate.promise
    const both = [open(['grafana']), open(['grafana'])]
    await eventually(async () => (await list()).length === 2)
    gate.resolve()
    const [one, other] = await Promise.all(both)
    assert.deepEqual([one?.tunnels[0]?.id, other?.tunnels[0]?.id], [2, 2])
  })

  it('forgets those that could not be begun, and ends with them', TIMEOUT, async () => {
    const gate = Promise.withResolvers<void>()
    const asking = open(['cluster'])
    await eventually(() => holders.length === 1)
    ;(holders[0] as ScriptedHolder).gate = gate.promise
    await asking
    ;(holders[0] as ScriptedHolder).refuse = new PgctlError('bastion-missing', 'there is none')
    const failing = open(['grafana'])
    gate.resolve()
    await assert.rejects(failing, (error) => isPgctlError(error, 'bastion-missing'))
    assert.deepEqual(
      (await list()).map(({ target, state }) => [target, state]),
      [
        ['cluster', 'ready'],
        ['grafana', 'ended'],
      ],
    )
    await ask({ request: 'stop', words: ['cluster'] })
    await supervisor.over
  })

  it('tells of tunnels whose holder has died, and starts another for the next', TIMEOUT, async () => {
    await open(['grafana'])
    const followed: string[] = []
    const following = ask({ request: 'attach', words: [] }, (event) => {
      if ('logged' in event) followed.push(event.logged.event.event)
      else
        holders[0]?.options.onDeath(new PgctlError('internal', 'the thread that held the tunnel has ended'))
    })
    await following
    assert.deepEqual(followed, ['ended'])
    assert.equal((await list())[0]?.cause?.code, 'internal')
    await supervisor.over
  })

  it(
    'closes the tunnel to the cluster that commands share when it has slept for an hour',
    TIMEOUT,
    async () => {
      assert.equal((await cluster()).isNew, true)
      assert.equal((await cluster()).isNew, false)
      holders[0]?.tell(1, { event: 'asleep' })
      clock.advance(IMPLICIT_SLEEP - 1)
      assert.equal((await list()).length, 1)
      assert.equal((await cluster()).isNew, false, 'it is woken')
      clock.advance(IMPLICIT_SLEEP)
      assert.equal((await list()).length, 1, 'it is used')
      holders[0]?.tell(1, { event: 'asleep' })
      clock.advance(IMPLICIT_SLEEP)
      await supervisor.over
    },
  )

  it('keeps it while somebody holds it, and for good where somebody wants it to stay', TIMEOUT, async () => {
    await cluster()
    const shell = new AbortController()
    const holding = Promise.withResolvers<void>()
    const held = ask({ request: 'attach', words: ['1'] }, () => holding.resolve(), shell.signal)
    await holding.promise
    holders[0]?.tell(1, { event: 'asleep' })
    clock.advance(2 * IMPLICIT_SLEEP)
    assert.equal((await list()).length, 1)
    shell.abort(new Error('the shell has ended'))
    await assert.rejects(held)
    await cluster({ stays: true })
    holders[0]?.tell(1, { event: 'asleep' })
    clock.advance(2 * IMPLICIT_SLEEP)
    assert.deepEqual(
      (await list()).map(({ implicit }) => implicit),
      [false],
    )
  })

  it('that a person asks for by name is theirs from then on', TIMEOUT, async () => {
    await cluster()
    await open(['cluster'])
    assert.deepEqual(
      (await list()).map(({ id, implicit }) => [id, implicit]),
      [[1, false]],
    )
  })

  it('opens none where it is only asked whether there is one, or on a port of its own', TIMEOUT, async () => {
    assert.equal((await cluster({ open: false })).isThere, false)
    await cluster()
    assert.equal((await cluster({ open: false })).isThere, true)
    await cluster({ port: 20_777 })
    assert.equal((await list()).length, 2)
  })

  it('writes the token beside a kubeconfig that holds none', TIMEOUT, async () => {
    const { kubeconfig } = await cluster()
    const config = JSON.parse(readFileSync(kubeconfig, 'utf8'))
    assert.equal(config.clusters[0].cluster.server, 'https://127.0.0.1:20001')
    assert.ok(!JSON.stringify(config).includes('"token"'))
    const [until, credential = ''] = readFileSync(kubeconfig.replace('.yaml', '.token'), 'utf8').split('\n')
    assert.equal(Number(until), Date.UTC(2100, 0) / 1_000 - 60)
    assert.equal(JSON.parse(credential).status.token, 'token')
  })

  it('answers nothing that it does not understand', TIMEOUT, async () => {
    for (const request of [{ request: 'rm' }, { request: 'open' }, { request: 'list', more: 1 }])
      await assert.rejects(ask(request), (error) => isPgctlError(error, 'protocol-violation'))
    assert.equal(await isOver(), false)
  })

  it('goes on where nothing can be written down', TIMEOUT, async () => {
    const { mkdirSync } = await import('node:fs')
    for (const path of [place.journal, place.log]) {
      rmSync(path, { force: true })
      mkdirSync(path)
    }
    assert.equal((await open(['grafana'])).tunnels[0]?.state, 'ready')
  })
})
