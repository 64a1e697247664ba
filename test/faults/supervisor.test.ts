import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '#core/io/system-clock.ts'
import { controlPlace } from '#core/tunnel/control/io/place.ts'
import { serveControl } from '#core/tunnel/control/io/server.ts'
import { WORLD } from '#sandbox/world.ts'
import { isAlive, supervisorPid } from '../support/end-supervisor.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { fetchThrough } from '../support/tunnel-requests.ts'

/** Whatever becomes of the process that holds background tunnels, the next command knows what to do. */

const TIMEOUT = { timeout: 40_000 }
const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`

describe('the supervisor of background tunnels', { timeout: 180_000 }, () => {
  let cli: SandboxCli
  let place: string
  before(async () => {
    cli = await startSandboxCli()
    place = join(cli.home, 'state/pgctl/supervisor')
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
  const pid = () => supervisorPid(join(cli.home, 'state')) ?? assert.fail('there is none')
  const detach = (...words: string[]) => cli.run(['tunnel', ...words, '--detach'])
  const tunnels = async () =>
    JSON.parse((await cli.run(['tunnel', 'list', '--json'])).stdout) as {
      tunnels: { target: string; state: string; port: number }[]
      former: { pid: number; tunnels: { target: string }[] } | null
    }
  async function kill(): Promise<number> {
    const killed = pid()
    process.kill(killed, 'SIGKILL')
    await eventually(() => !isAlive(killed))
    return killed
  }
  async function stopAll(): Promise<void> {
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => activeSessions().length === 0)
  }

  it(
    'that was killed is noticed, its tunnels are named, and what it left is taken away',
    TIMEOUT,
    async () => {
      assert.equal((await detach('cluster', PAYLOAD)).status, 0)
      const killed = await kill()
      assert.equal(activeSessions().length, 2, 'nobody has ended them')

      const listed = await cli.run(['tunnel', 'list'])
      assert.match(
        listed.stderr,
        new RegExp(
          `the supervisor before \\(process ${killed}\\) was killed, and with it: cluster \\(acme\\), payload`,
        ),
      )
      assert.match(
        listed.stderr,
        /to open them again: pgctl tunnel cluster payload\S+ --detach --installation acme/,
      )
      const stop = await cli.run(['tunnel', 'stop', 'cluster'])
      assert.equal(stop.status, 3)

      const again = await detach('cluster')
      assert.equal(again.status, 0, again.stderr)
      assert.match(again.stderr, /was killed, and with it: cluster \(acme\), payload/)
      await eventually(() => activeSessions().length === 1)
      assert.deepEqual((await tunnels()).former, null, 'told once')
      await stopAll()
    },
  )

  it('whose journal was cut in the middle of a word is read up to there', TIMEOUT, async () => {
    assert.equal((await detach('cluster', PAYLOAD)).status, 0)
    await kill()
    const journal = join(place, 'journal')
    const text = readFileSync(journal, 'utf8')
    const lines = text.trimEnd().split('\n')
    const last = lines.at(-1) ?? ''
    truncateSync(journal, text.length - Math.ceil(last.length / 2))
    const { former } = await tunnels()
    const kept = JSON.parse(lines.at(-2) ?? '').target
    assert.deepEqual(
      former?.tunnels.map(({ target }) => target),
      [kept],
    )
    appendFileSync(journal, '\0\0\0garbage\n')
    assert.equal((await detach('cluster')).status, 0)
    await stopAll()
  })

  it('is started once by commands that need one at once, and serves all of them', TIMEOUT, async () => {
    const targets = ['cluster', PAYLOAD, 'payload:8080', 'cerberus']
    const outcomes = await Promise.all(targets.map((target) => detach(target, '--lazy')))
    for (const { status, stderr } of outcomes) assert.equal(status, 0, stderr)
    const listed = (await tunnels()).tunnels.map(({ target }) => target)
    assert.deepEqual(listed.toSorted(), targets.toSorted())
    await stopAll()
  })

  it('that ends while a command asks is followed by another', TIMEOUT, async () => {
    for (let round = 0; round < 3; round++) {
      assert.equal((await detach('cluster', '--lazy')).status, 0)
      // The last tunnel goes, and with it the supervisor, at the moment that somebody opens another.
      const [stopped, opened] = await Promise.all([
        cli.run(['tunnel', 'stop', '--all']),
        detach(PAYLOAD, '--lazy'),
      ])
      assert.deepEqual([stopped.status, opened.status], [0, 0], opened.stderr)
      const port = (await tunnels()).tunnels.find(({ target }) => target === PAYLOAD)?.port
      // Either the stop has met the new tunnel, or that works.
      if (port !== undefined) assert.equal((await fetchThrough({ port }, '/random/10')).status, 200)
      await stopAll()
    }
  })

  it(
    'that is stopped in its tracks is named by who waits for it, and does not hold them up for ever',
    TIMEOUT,
    async () => {
      assert.equal((await detach('cluster', '--lazy')).status, 0)
      const stuck = pid()
      process.kill(stuck, 'SIGSTOP')
      const { status, stderr } = await cli.run(['tunnel', 'list'])
      process.kill(stuck, 'SIGCONT')
      assert.equal(status, 7)
      assert.match(stderr, /error: the supervisor of background tunnels does not answer/)
      await stopAll()
    },
  )

  it('of another version lists and stops, opens nothing, and says what to do', TIMEOUT, async () => {
    const asked: unknown[] = []
    await using _other = await serveControl({
      place: controlPlace(join(cli.home, 'state/pgctl')),
      ...{ version: '0.0.9', clock: systemClock, prepare: () => {} },
      answer: async ({ request }) => {
        asked.push(request['request'])
        return { version: '0.0.9', pid: process.pid, tunnels: [] }
      },
    })
    assert.equal((await cli.run(['tunnel', 'list'])).status, 0)
    const { status, stderr } = await detach('cluster')
    assert.equal(status, 1)
    assert.match(
      stderr,
      /error: background tunnels are held by pgctl 0\.0\.9 \(process \d+\), and this is pgctl 0\.1\.0/,
    )
    assert.match(stderr, /next: end it and its tunnels, and open them again: pgctl tunnel stop --all/)
    // A program for the cluster does without.
    const run = await cli.run(['run', '--', 'sh', '-c', 'test -s "$KUBECONFIG"'])
    assert.equal(run.status, 0, run.stderr)
    assert.match(run.stderr, /held by pgctl 0\.0\.9 .*: this has a session of its own/)
    assert.deepEqual(asked, ['list'])
  })

  it('leaves nothing but its records when it has ended', TIMEOUT, async () => {
    assert.equal((await detach('cluster', '--lazy')).status, 0)
    const held = pid()
    await stopAll()
    await eventually(() => !isAlive(held))
    assert.ok(!existsSync(join(place, 'control')))
    assert.equal(readFileSync(join(place, 'output'), 'utf8'), '')
  })
})
