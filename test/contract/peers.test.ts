import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildPeer, wrapKubernetes } from '../peers/recipes.ts'
import { PEERS, type Peer } from '../peers/table.ts'
import { eventually } from '../support/eventually.ts'

/** `npm run peers` with toolchains that do nothing but what a test tells them. */

const limits = { timeout: 30_000 }
const entry = fileURLToPath(new URL('../../bin/peers.ts', import.meta.url))

/** A Python whose environments hold nothing, and whose `pip` does what the file `pip` beside it says. */
const PYTHON = `#!/bin/sh
here=$(dirname "$0")
case "$*" in
  --version) echo "Python 3.11.7" ;;
  "-c "*) exit 0 ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$PIP" "$3/bin/pip.sh" ;;
  "-m pip "*) exec sh "$here/pip.sh" ;;
esac
`

describe('npm run peers', { timeout: 120_000 }, () => {
  let folder: string
  let tools: string
  let pip: string
  let homes = 0
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-peers-'))
    tools = join(folder, 'tools')
    pip = join(folder, 'pip.sh')
    await mkdir(tools)
    await writeFile(join(tools, 'python3'), PYTHON)
    await chmod(join(tools, 'python3'), 0o755)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const cacheOf = (home: string) => join(home, 'pgctl', 'peers')
  async function freshHome(script: string): Promise<string> {
    await writeFile(pip, script)
    homes += 1
    return join(folder, `cache-${homes}`)
  }
  function start(home: string, words: readonly string[], path = `${tools}:/usr/bin:/bin`) {
    const environment = { PATH: path, HOME: folder, XDG_CACHE_HOME: home, PIP: pip }
    const child: ChildProcessByStdio<null, Readable, Readable> = spawn(process.execPath, [entry, ...words], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { text: '' }
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said.text += text
      })
    return { child, said, ended: once(child, 'close').then(([status]) => status as number) }
  }
  async function run(home: string, words: readonly string[], path?: string) {
    const { said, ended } = start(home, words, path)
    return { status: await ended, text: said.text }
  }

  it('installs once, in its place and with nothing beside it', limits, async () => {
    const home = await freshHome('echo installed >> "$HOME/pip-log"')
    const first = await run(home, ['aws'])
    assert.equal(first.status, 0, first.text)
    assert.match(first.text, /^aws: building\naws: installed in \d+ s\n0 peers were here, 1 installed/)
    assert.deepEqual((await readdir(cacheOf(home))).toSorted(), ['aws-1.46.3', 'logs'])
    const second = await run(home, ['aws'])
    assert.match(second.text, /^1 peers were here, 0 installed/)
    assert.match(
      (await run(home, ['--list', 'aws'])).text,
      /^aws +1\.46\.3 +pip +.*aws-1\.46\.3\/bin\/aws\n$/,
    )
  })

  it('leaves nothing half-made when it is interrupted', limits, async () => {
    const home = await freshHome('sleep 60')
    const { child, said, ended } = start(home, ['aws'])
    await eventually(() => said.text.includes('aws: building'))
    await eventually(async () => (await readdir(cacheOf(home))).some((name) => name.startsWith('.building-')))
    child.kill('SIGTERM')
    assert.equal(await ended, 130)
    assert.match(said.text, /interrupted by SIGTERM; nothing half-made is left\n$/)
    assert.deepEqual(await readdir(cacheOf(home)), ['logs'])
  })

  it('takes away what a killed run has left, and takes over its lock', limits, async () => {
    const home = await freshHome('sleep 60')
    const { child, ended } = start(home, ['aws'])
    await eventually(async () => {
      const names = await readdir(cacheOf(home)).catch((): string[] => [])
      return names.some((name) => name.startsWith('.building-'))
    })
    child.kill('SIGKILL')
    await ended
    await writeFile(pip, '')
    const { status, text } = await run(home, ['aws'])
    assert.equal(status, 0, text)
    assert.deepEqual((await readdir(cacheOf(home))).toSorted(), ['aws-1.46.3', 'logs'])
  })

  it('tries again what fails, as a registry may be away', limits, async () => {
    const home = await freshHome(
      '[ -e "$HOME/tried" ] || { touch "$HOME/tried"; echo "no route" >&2; exit 1; }',
    )
    const { status, text } = await run(home, ['aws'])
    assert.equal(status, 0, text)
    assert.match(text, /aws: failed, trying again in 5 s/)
  })

  it('skips what has no toolchain, and says what is missing', limits, async () => {
    const home = await freshHome('')
    const nothing = join(folder, 'nothing')
    const { status, text } = await run(home, ['kubectl', 'aws'], nothing)
    assert.equal(status, 0)
    assert.match(text, /^kubectl: skipped, Go 1\.26 or newer is not here$/m)
    assert.match(text, /^aws: skipped, Python 3\.10 or newer is not here$/m)
  })

  it('refuses a name that it does not know', limits, async () => {
    const { status, text } = await run(await freshHome(''), ['kubctl'])
    assert.equal(status, 2)
    assert.match(text, /^no peer is named kubctl; there are: kubectl, stern, /)
  })
})

describe('the table of peers', () => {
  it('pins every version that it can', () => {
    for (const { name, version, recipe } of PEERS)
      if (recipe.kind !== 'apt') assert.match(version, /^\d+\.\d+\.\d+$/, name)
  })
})

describe('a module that is built in its own tree', () => {
  it('is refused when its sum is not the one in the table', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-peers-'))
    const path = process.env['PATH']
    try {
      const go = `#!/bin/sh\necho '{"Dir": "${folder}", "Sum": "h1:another="}'\n`
      await writeFile(join(folder, 'go'), go, { mode: 0o755 })
      process.env['PATH'] = `${folder}:${path}`
      const peer: Peer = {
        ...{ name: 'tool', version: '1.0.0' },
        recipe: { kind: 'go-tree', module: 'example.org/tool', sum: 'h1:pinned=' },
      }
      const { signal } = new AbortController()
      await assert.rejects(
        buildPeer({ peer, folder, log: join(folder, 'log'), signal }),
        /example\.org\/tool has the sum h1:another=, and not h1:pinned=/,
      )
    } finally {
      process.env['PATH'] = path
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a module around Kubernetes', () => {
  it('has the published versions of the staging modules, and of no others', () => {
    const theirs = [
      ...['module k8s.io/kubernetes', '', 'go 1.26.0', '', 'require ('],
      ...[
        '\tk8s.io/api v0.0.0',
        '\tk8s.io/utils v0.0.0-20260101000000-abcdef',
        '\tk8s.io/kms v0.0.0 // indirect',
      ],
      ...[')', '', 'replace (', '\tk8s.io/api => ./staging/src/k8s.io/api', ')', ''],
    ].join('\n')
    assert.equal(
      wrapKubernetes(theirs, '1.36.3'),
      [
        ...['module pgctl.test/kubernetes', '', 'go 1.26.0', '', 'require ('],
        ...['\tk8s.io/api v0.36.3', '\tk8s.io/utils v0.0.0-20260101000000-abcdef'],
        ...['\tk8s.io/kms v0.36.3 // indirect', ')', '', ''],
        ...['require k8s.io/kubernetes v1.36.3', '', 'replace ('],
        ...['\tk8s.io/api => k8s.io/api v0.36.3', '\tk8s.io/kms => k8s.io/kms v0.36.3', ')', ''],
      ].join('\n'),
    )
  })
})
