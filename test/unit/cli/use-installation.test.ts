import assert from 'node:assert/strict'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { useInstallation } from '#cli/use-installation.ts'
import { isPgctlError } from '#core/errors.ts'

const ENTRY = '{ workspace: paragon-acme-5d1f0c2e, account: "111122223333", region: eu-central-1 }'
const TEXT = `# ours\ninstallations:\n  acme: ${ENTRY}\n  beta: ${ENTRY}\n`

/** A home with a configuration file in it, which may be anything. */
async function home(): Promise<
  AsyncDisposable & { path: string; file: string; environment: NodeJS.ProcessEnv }
> {
  const path = await mkdtemp(join(tmpdir(), 'pgctl-use-'))
  const folder = join(path, 'pgctl')
  await mkdir(folder)
  return {
    path,
    file: join(folder, 'config.yaml'),
    environment: { XDG_CONFIG_HOME: path },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

describe('the file of the default', () => {
  it('is written for its owner alone, and nothing else is left beside it', async () => {
    await using place = await home()
    await writeFile(place.file, TEXT, { mode: 0o644 })
    const result = await useInstallation('beta', place.environment)
    assert.deepEqual(result, {
      installation: 'beta',
      file: place.file,
      changed: true,
      hidden: undefined,
      onlyIn: undefined,
    })
    assert.equal(await readFile(place.file, 'utf8'), `${TEXT}installation: beta\n`)
    assert.equal((await stat(place.file)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(join(place.path, 'pgctl')), ['config.yaml'])
  })

  it('is not touched when it says so already', async () => {
    await using place = await home()
    await writeFile(place.file, `${TEXT}installation: beta\n`)
    const before = await stat(place.file)
    assert.equal((await useInstallation('beta', place.environment)).changed, false)
    const after = await stat(place.file)
    assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs])
  })

  it('stays a link where it is one', async () => {
    await using place = await home()
    const real = join(place.path, 'dotfiles.yaml')
    await writeFile(real, TEXT)
    await symlink('../dotfiles.yaml', place.file)
    await useInstallation('beta', place.environment)
    assert.ok((await lstat(place.file)).isSymbolicLink())
    assert.equal(await readFile(real, 'utf8'), `${TEXT}installation: beta\n`)
  })

  it('is not changed for a name that nothing describes', async () => {
    await using place = await home()
    await writeFile(place.file, TEXT)
    await assert.rejects(
      useInstallation('bata', place.environment),
      (error) =>
        isPgctlError(error, 'installation-unknown') &&
        error.why === 'configured: acme, beta' &&
        error.next === 'did you mean beta? choose it: pgctl use beta',
    )
    assert.equal(await readFile(place.file, 'utf8'), TEXT)
  })

  it('is not written over when it cannot be used', async () => {
    await using place = await home()
    const broken = `${TEXT}tail: [\n`
    await writeFile(place.file, broken)
    await assert.rejects(useInstallation('acme', place.environment), (error) =>
      isPgctlError(error, 'config-invalid'),
    )
    assert.equal(await readFile(place.file, 'utf8'), broken)
  })

  it('says why it cannot be written, and is as it was', async () => {
    await using place = await home()
    await writeFile(place.file, TEXT)
    await mkdir(`${place.file}.new`)
    await assert.rejects(
      useInstallation('acme', place.environment),
      (error) => isPgctlError(error, 'failed') && error.message.includes(place.file),
    )
    assert.equal(await readFile(place.file, 'utf8'), TEXT)
    assert.deepEqual((await readdir(join(place.path, 'pgctl'))).sort(), ['config.yaml', 'config.yaml.new'])
  })

  it('is hidden by a variable that says otherwise, not by one that says the same', async () => {
    await using place = await home()
    await writeFile(place.file, TEXT)
    const beta = { ...place.environment, PGCTL_INSTALLATION: 'beta' }
    assert.deepEqual((await useInstallation('acme', beta)).hidden, {
      installation: 'beta',
      by: 'PGCTL_INSTALLATION',
      isFile: false,
    })
    assert.equal((await useInstallation('beta', beta)).hidden, undefined)
  })
})
