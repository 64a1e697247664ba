import assert from 'node:assert/strict'
import { lstat, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { changeConfigFile } from '#cli/change-config-file.ts'

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'pgctl-config-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

describe('a configuration file that is changed', () => {
  it('is made, with its folder, for its owner alone', async () => {
    await using place = await folder()
    const path = join(place.path, 'pgctl', 'config.yaml')
    assert.equal(await changeConfigFile(path, (text) => `${text}tail: 1\n`), true)
    assert.equal(await readFile(path, 'utf8'), 'tail: 1\n')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(join(place.path, 'pgctl'))).mode & 0o777, 0o700)
  })

  it('is not made for no change', async () => {
    await using place = await folder()
    const path = join(place.path, 'pgctl', 'config.yaml')
    assert.equal(await changeConfigFile(path, () => undefined), false)
    await assert.rejects(stat(join(place.path, 'pgctl')), { code: 'ENOENT' })
  })

  it('is made where a link leads that leads to nothing yet', async () => {
    await using place = await folder()
    const link = join(place.path, 'config.yaml')
    await symlink('dotfiles/pgctl.yaml', link)
    await changeConfigFile(link, () => 'tail: 1\n')
    assert.ok((await lstat(link)).isSymbolicLink())
    assert.equal(await readFile(join(place.path, 'dotfiles/pgctl.yaml'), 'utf8'), 'tail: 1\n')
  })

  it('keeps the changes of all who make one at once', async () => {
    await using place = await folder()
    const path = join(place.path, 'config.yaml')
    const all = [...'abcdefgh']
    await Promise.all(all.map((letter) => changeConfigFile(path, (text) => text + letter)))
    assert.deepEqual([...(await readFile(path, 'utf8'))].sort(), all)
  })
})
