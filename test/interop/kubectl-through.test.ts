import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { after, before, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** The real `kubectl`, started by `pgctl kubectl`, through a session on the bastion. */

const TIMEOUT = { timeout: 60_000 }

describeWith(['kubectl'], 'kubectl through a session', { timeout: 240_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const kubectl = (...words: string[]) =>
    cli.run(['kubectl', '--', ...words], {
      environment: { PATH: `${dirname(programOf('kubectl'))}:/usr/bin:/bin` },
    })

  it('lists pods of the product, asking nobody for a namespace', TIMEOUT, async () => {
    const { status, stdout, stderr } = await kubectl('get', 'pods', '-o', 'name')
    assert.equal(status, 0, stderr)
    assert.ok(stdout.split('\n').some((line) => line.startsWith('pod/hermes-')))
  })

  it('follows a log until it is told to stop', TIMEOUT, async () => {
    const { stdout } = await kubectl('get', 'pods', '-l', 'app.kubernetes.io/name=hermes', '-o', 'name')
    const [pod = ''] = stdout.trim().split('\n')
    const { status, stdout: lines } = await kubectl('logs', pod, '--tail=3')
    assert.equal(status, 0)
    assert.equal(lines.trimEnd().split('\n').length, 3)
  })

  it('gives what the cluster refuses as kubectl says it, with its status', TIMEOUT, async () => {
    const { status, stderr } = await kubectl('get', 'pod', 'no-such-pod')
    assert.equal(status, 1)
    assert.match(stderr, /pods "no-such-pod" not found/)
  })

  it('goes to the product of the installation', TIMEOUT, async () => {
    const { stdout } = await kubectl('config', 'view', '--minify', '-o', 'jsonpath={..namespace} {..name}')
    assert.ok(stdout.startsWith(`${WORLD.namespace} pgctl-acme`), stdout)
  })
})
