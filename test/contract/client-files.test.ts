import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { ClientFiles } from '#core/datastores/io/client-files.ts'

/** Files for one program: it can read them, more than once, and nobody finds them afterwards. */

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('pgctl-client-'))

describe('files for a client', () => {
  it('have no name on Linux, and are read as often as the client likes', {
    skip: process.platform !== 'linux',
  }, () => {
    const before = folders()
    using files = new ClientFiles()
    const [first, second] = [files.add('a', 'one\n'), files.add('b', 'two\n')]
    assert.deepEqual([first, second], ['/dev/fd/3', '/dev/fd/4'])
    assert.deepEqual(folders(), before)
    const { stdout } = spawnSync('sh', ['-c', `cat ${first} ${second} ${first}; stat -L -c %a ${first}`], {
      stdio: ['ignore', 'pipe', 'inherit', ...files.descriptors],
      encoding: 'utf8',
    })
    assert.equal(stdout, 'one\ntwo\none\n600\n')
  })

  it('lie in a folder for the person alone elsewhere, which goes with them', () => {
    const files = new ClientFiles(false)
    const path = files.add('a', 'one\n')
    assert.equal(readFileSync(path, 'utf8'), 'one\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
    assert.deepEqual(files.descriptors, [])
    files[Symbol.dispose]()
    files[Symbol.dispose]()
    assert.ok(!existsSync(dirname(path)))
  })
})
