import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { describe, it } from 'node:test'
import { cliEntry } from '../support/sandbox-cli.ts'

const FULL = '/dev/full'

/** Runs the CLI with a stdout that takes nothing, and gives what it said on stderr. */
async function runIntoFullDisk(...argv: string[]): Promise<{ status: number | null; stderr: string }> {
  const full = openSync(FULL, 'w')
  const child = spawn(process.execPath, [cliEntry, ...argv], {
    stdio: ['ignore', full, 'pipe'],
    timeout: 20_000,
  })
  closeSync(full)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [status] = await once(child, 'close')
  return { status, stderr }
}

describe('output that cannot be written', {
  timeout: 60_000,
  skip: !existsSync(FULL) && 'there is no /dev/full here',
}, () => {
  for (const argv of [['config'], ['--help'], ['help', 'exit-codes'], ['completion', 'bash']])
    it(`${argv.join(' ')}: a failure in a sentence, never a stack`, async () => {
      const { status, stderr } = await runIntoFullDisk(...argv)
      assert.equal(status, 1)
      assert.match(stderr, /^error: cannot write the output\n {2}why: ENOSPC.*\n next: .*\n$/)
    })

  it('does not hide that the words were wrong', async () => {
    const { status, stderr } = await runIntoFullDisk('nosuch')
    assert.equal(status, 2)
    assert.match(stderr, /nosuch/)
  })

  it('notices that nobody reads end nothing', async () => {
    const child = spawn(process.execPath, [cliEntry, 'nosuch'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 20_000,
    })
    child.stderr?.destroy()
    const [status] = await once(child, 'close')
    assert.equal(status, 2)
  })
})
