import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const entry = `${root}${manifest.bin.pgctl}`

/** Runs the entry in a Node that says it is another version. */
function runAs(version: string, ...argv: string[]) {
  const script = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); await import('${pathToFileURL(entry)}')`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script, 'pgctl', ...argv], {
    encoding: 'utf8',
    timeout: 20_000,
  })
}

describe('the package', () => {
  it('installs a command that any shell hands to Node', () => {
    assert.ok(readFileSync(entry, 'utf8').startsWith('#!/usr/bin/env node\n'))
  })

  it('holds all that it says', () => {
    for (const file of manifest.files) assert.ok(existsSync(root + file), file)
  })

  it('needs nothing at run time but the optional terminal of the sandbox', () => {
    assert.equal(manifest.dependencies, undefined)
    assert.deepEqual(Object.keys(manifest.optionalDependencies), ['@lydell/node-pty'])
  })

  for (const version of ['18.20.4', '20.19.0', '24.14.1'])
    it(`refuses Node ${version} in a sentence`, () => {
      const { status, stdout, stderr } = runAs(version, 'status')
      assert.deepEqual(
        { status, stdout, stderr },
        { status: 1, stdout: '', stderr: `pgctl needs Node 24.15 or newer; this is Node ${version}.\n` },
      )
    })

  for (const version of ['24.15.0', '25.0.0'])
    it(`runs on Node ${version}`, () => {
      const { status, stdout } = runAs(version, '--version')
      assert.equal(status, 0)
      assert.match(stdout, /^pgctl\/\d+\.\d+\.\d+ /)
    })
})
