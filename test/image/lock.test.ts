import assert from 'node:assert/strict'
import { access, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, it } from 'node:test'
import { type Lock, parseLock } from '#core/image/lock.ts'
import { type ImageMirror, startImageMirror } from '../support/image-mirror.ts'
import { type PackagedCli, packCli } from '../support/packaged-cli.ts'
import { PeerProcess } from '../support/peer-process.ts'
import { describeWith } from '../support/peers.ts'

/**
 * The lock against a mirror on the loopback whose keys are the test's: the hosts that the real one names cannot be
 * reached from where tests run.
 */
describeWith(['gpg'], 'the lock of the image', { timeout: 170_000 }, () => {
  let cli: PackagedCli
  let mirror: ImageMirror

  before(async () => {
    cli = await packCli()
  })
  beforeEach(async () => {
    await mirror?.[Symbol.asyncDispose]()
    mirror = await startImageMirror()
  })
  after(async () => {
    await mirror?.[Symbol.asyncDispose]()
    await cli?.[Symbol.asyncDispose]()
  })

  const pgctl = async (...words: string[]) => {
    const environment = { PATH: process.env['PATH'] ?? '', HOME: mirror.folder }
    await using process_ = new PeerProcess(process.execPath, [cli.entry, 'image', ...words], { environment })
    return await process_.outcome
  }
  const update = (...more: string[]) =>
    pgctl('lock', mirror.lockFile, '--update', '--mirror', mirror.url, ...more)
  const fetch = (...more: string[]) =>
    pgctl('fetch', mirror.lockFile, '--mirror', mirror.url, '--into', parts(), ...more)
  const parts = () => join(mirror.folder, 'parts')
  const locked = async (): Promise<Lock> =>
    parseLock(await readFile(mirror.lockFile, 'utf8'), mirror.lockFile)
  /** What is refused is not left lying about for somebody to use. */
  const assertNotThere = async (path: string) => assert.rejects(access(join(parts(), path)), path)

  it('is filled by an update, which shows what it pins', async () => {
    const { status, stdout, stderr } = await update()
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^\+ agent [0-9a-f]{64}$/m)
    assert.match(stdout, /^\+ hello \(amd64\) 1:2\.0-1$/m)
    const { tools, distribution } = await locked()
    assert.match(tools[0]?.sha256.arm64 ?? '', /^[0-9a-f]{64}$/)
    assert.deepEqual(
      distribution.packages.arm64.map(({ name, boot }) => [name, boot]),
      // What is essential, what is wanted, what that stands on, and apart what only a disk needs; nothing else.
      [
        ['base', undefined],
        ['greeting', undefined],
        ['hello', undefined],
        ['kernel', true],
      ],
    )
    const again = await update()
    assert.match(again.stdout, /nothing changes/)
  })

  it('is shown what would change, and stays as it is', async () => {
    const before = await readFile(mirror.lockFile, 'utf8')
    const { stdout } = await update('--plan')
    assert.match(stdout, /^\+ agent .*\n[\s\S]*not written$/m)
    assert.equal(await readFile(mirror.lockFile, 'utf8'), before)
  })

  it('is renewed in its packages alone, if that is asked', async () => {
    const { status, stdout } = await update('--packages')
    // The tool that it lacks a digest of is what is still wrong with it.
    assert.equal(status, 5)
    assert.match(stdout, /^\+ hello \(amd64\) 1:2\.0-1$/m)
    const { tools, distribution } = await locked()
    assert.deepEqual(tools, mirror.lock.tools)
    assert.equal(distribution.packages.amd64.length, 4)
  })

  it('brings everything that it names, and what is there and right not again', async () => {
    await update()
    const { status, stderr, stdout } = await fetch()
    assert.equal(status, 0, stderr)
    assert.match(stdout, /1 tools and 3 packages .*\(0 of 4 were there\)/)
    const names = await readdir(join(parts(), 'packages'))
    assert.deepEqual(names.sort(), [
      'Packages',
      'Release',
      ...['base', 'greeting', 'hello'].map((name) => `${name}_1%3a2.0-1_amd64.deb`),
    ])
    assert.match((await fetch('--boot')).stdout, /1 tools and 4 packages .*\(4 of 5 were there\)/)
  })

  it('lets nothing be fetched while it lacks a digest', async () => {
    const { status, stderr } = await fetch()
    assert.equal(status, 5)
    assert.match(stderr, /agent is unpinned\n\s+why: 1\.2\.0 has no digest for amd64/)
  })

  it('refuses a file with another digest, although its signature fits', async () => {
    await update()
    const other = Buffer.from('another package\n')
    mirror.serve(mirror.agentPath, other)
    mirror.serve(`${mirror.agentPath}.sig`, await mirror.sign(other))
    const { status, stderr } = await fetch()
    assert.equal(status, 5)
    assert.match(stderr, /agent 1\.2\.0 is refused: its digest is another than the lock's/)
    await assertNotThere('tools/agent')
    await assertNotThere('tools.lock.json')
  })

  it('is not updated to other content of the same version, unless it is accepted by name', async () => {
    await update()
    const before = await readFile(mirror.lockFile, 'utf8')
    const other = Buffer.from('another package\n')
    mirror.serve(mirror.agentPath, other)
    mirror.serve(`${mirror.agentPath}.sig`, await mirror.sign(other))
    const refused = await update()
    assert.equal(refused.status, 5)
    assert.match(refused.stderr, /agent is of the same version, and its content is another/)
    assert.equal(await readFile(mirror.lockFile, 'utf8'), before)
    const accepted = await update('--accept', 'agent')
    assert.equal(accepted.status, 0)
    assert.match(accepted.stdout, /^! agent [0-9a-f]{64} → [0-9a-f]{64}: the same version, other content$/m)
  })

  it('refuses a file whose signature is missing', async () => {
    await update()
    mirror.serve(`${mirror.agentPath}.sig`, undefined)
    const { status, stderr } = await fetch()
    assert.equal(status, 1)
    assert.match(stderr, /cannot fetch .*agent\.deb\.sig\n\s+why: it answers with status 404/)
    await assertNotThere('tools/agent')
  })

  it("refuses a file that another key has signed, and another file's signature", async () => {
    await update()
    const content = mirror.at(mirror.agentPath)
    for (const signature of [
      await mirror.sign(content, 'stranger'),
      await mirror.sign(Buffer.from('another')),
      Buffer.from('no signature at all'),
    ]) {
      mirror.serve(`${mirror.agentPath}.sig`, signature)
      const { status, stderr } = await fetch()
      assert.equal(status, 5)
      assert.match(stderr, /agent 1\.2\.0 is refused: its signature does not fit/)
      await assertNotThere('tools/agent')
    }
  })

  it('is not updated from indexes that a stranger has signed', async () => {
    await mirror.signIndexes('stranger')
    const before = await readFile(mirror.lockFile, 'utf8')
    const { status, stderr } = await update()
    assert.equal(status, 1)
    assert.match(stderr, /apt-get failed\n\s+why: [\s\S]*(NO_PUBKEY|not signed|Missing key)/)
    assert.equal(await readFile(mirror.lockFile, 'utf8'), before)
  })

  it('refuses a package of the distribution with other content', async () => {
    await update()
    const path = 'debian/pool/main/hello_2.0-1_amd64.deb'
    const content = Buffer.from(mirror.at(path))
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
    mirror.serve(path, content)
    const { status, stderr } = await fetch()
    assert.notEqual(status, 0)
    assert.match(stderr, /Hash Sum mismatch/)
    await assertNotThere('packages/hello_1%3a2.0-1_amd64.deb')
    await assertNotThere('tools.lock.json')
  })

  it('does not go on where a package is gone', async () => {
    await update()
    mirror.serve('debian/pool/main/hello_2.0-1_amd64.deb', undefined)
    const { status } = await fetch()
    assert.equal(status, 1)
    await assertNotThere('tools.lock.json')
    await rm(parts(), { recursive: true })
  })
})
