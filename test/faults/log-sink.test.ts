/** A reader of logs that stands still, as `| less` does or a terminal that is held: the packaged CLI and a full pipe. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FIRST_HERMES, HERMES } from '../contract/kubernetes-support.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

const TIMEOUT = { timeout: 40_000 }

describe('a sink that blocks', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  /** A follow whose reader stands still, and which has more to give than its pipe holds. */
  async function startBlocked() {
    const { kubernetes } = cli.sandbox
    const before = kubernetes.requests.length
    const follow = cli.start(['logs', 'hermes', '--follow', '--tail', '0', '--output', 'raw'])
    const follows = () =>
      kubernetes.requests.slice(before).filter(({ query }) => query.includes('follow=true'))
    await eventually(() => follows().length === HERMES.length)
    follow.stopReading()
    const lines = Array.from({ length: 40 }, (_, nth) => `${nth} ${'x'.repeat(50_000)}`)
    kubernetes.faults.writeLog({ pod: FIRST_HERMES, lines })
    return { follow, lines }
  }

  /** Time in which the pipe is full; nothing that is checked depends on it. */
  const standStill = () => new Promise((resolve) => setTimeout(resolve, 500))

  it('has every line when it reads on', TIMEOUT, async () => {
    const { follow, lines } = await startBlocked()
    cli.sandbox.kubernetes.faults.writeLog({ pod: FIRST_HERMES, lines: ['last'] })
    await standStill()
    follow.readOn()
    await follow.until(() => (follow.stdout.includes('\nlast\n') ? true : undefined), 'the last line')
    // The pods go on writing lines of their own.
    const shown = follow.stdout.split('\n').filter((line) => /^\d+ x|^last$/.test(line))
    assert.ok(shown.join('\n') === [...lines, 'last'].join('\n'))
    follow.kill('SIGINT')
    const { status, stderr } = await follow.outcome
    assert.equal(status, 130)
    assert.match(stderr, /0 lost, 0 doubled/)
  })

  it('keeps nobody from ending the follow, which says what was shown', TIMEOUT, async () => {
    const { follow } = await startBlocked()
    await standStill()
    follow.kill('SIGINT')
    await follow.until(() => (/\d lines, /.test(follow.stderr) ? true : undefined), 'the ledger')
    follow.readOn()
    const { status } = await follow.outcome
    assert.equal(status, 130)
  })
})
