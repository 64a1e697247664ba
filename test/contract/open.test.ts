import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** `pgctl tunnel --open`, with a browser starter of the test's on PATH. */

const TIMEOUT = { timeout: 20_000 }

describe('pgctl tunnel --open', { timeout: 60_000, skip: process.platform !== 'linux' }, () => {
  let cli: SandboxCli
  let opened: string
  before(async () => {
    cli = await startSandboxCli()
    opened = join(cli.home, 'opened')
  })
  after(() => cli?.[Symbol.asyncDispose]())

  async function startWith(starter: string | undefined, target: string) {
    const path = join(cli.home, 'xdg-open')
    await writeFile(path, `#!/bin/sh\n${starter ?? ''}\n`)
    await chmod(path, starter === undefined ? 0o600 : 0o700)
    return cli.start(['tunnel', target, '--open', '--json', '--port', '0'], {
      environment: { PATH: starter === undefined ? cli.home : `${cli.home}:/bin:/usr/bin` },
    })
  }

  it('shows the page once the tunnel is ready', TIMEOUT, async () => {
    await using tunnel = await startWith(`echo "$1" > '${opened}'`, 'grafana')
    const { url } = await tunnel.event('ready')
    await eventually(async () => (await readFile(opened, 'utf8').catch(() => '')).endsWith('\n'))
    assert.equal(await readFile(opened, 'utf8'), `${url}\n`)
  })

  for (const [what, starter, why] of [
    ['there is no starter', undefined, /no browser opened: spawn xdg-open (ENOENT|EACCES)/],
    ['the starter finds no browser', 'exit 3', /no browser opened: xdg-open ended with status 3/],
  ] as const)
    it(`says what to open by hand where ${what}, and the tunnel stays`, TIMEOUT, async () => {
      await using tunnel = await startWith(starter, 'grafana')
      const { url, port } = await tunnel.event('ready')
      const warning = await tunnel.event('warning')
      assert.match(String(warning['message']), why)
      assert.equal(warning['next'], `open it by hand: ${url}`)
      // Browsers know the name; not every resolver does.
      assert.equal(url, `http://grafana.acme.localhost:${port}`)
      assert.equal((await fetch(`http://127.0.0.1:${port}`)).status, 200)
    })

  it('says so where the target is no web page', TIMEOUT, async () => {
    await using tunnel = await startWith('exit 3', `${WORLD.payloadHost}:${WORLD.payloadPort}`)
    const { message } = await tunnel.event('notice')
    assert.equal(message, 'not opened in a browser: it is no web page')
  })
})
