import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { systemProcesses } from '#core/tunnel/io/processes.ts'

const derive = promisify(pbkdf2)

const TIMEOUT = { timeout: 15_000 }
const onLinux = process.platform === 'linux' ? false : 'only /proc tells when a process began'

/** A process that waits for its standard input to end. */
function startIdle(): ChildProcess & { readonly pid: number } {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  assert.ok(child.pid !== undefined)
  return child as ChildProcess & { readonly pid: number }
}

describe('systemProcesses', TIMEOUT, () => {
  it('knows itself, always alike', async () => {
    const self = await systemProcesses.self()
    assert.equal(self.pid, process.pid)
    assert.notEqual(self.machine, '')
    assert.deepEqual(await systemProcesses.self(), self)
    assert.equal(await systemProcesses.isAlive(self), true)
  })

  it('does not take a later process of the same number for the first', { skip: onLinux }, async () => {
    const self = await systemProcesses.self()
    assert.equal(await systemProcesses.isAlive({ ...self, start: 'another boot:1' }), false)
  })

  it('sees a process, and sees that it was killed', async () => {
    const child = startIdle()
    const { machine } = await systemProcesses.self()
    const identity = { machine, pid: child.pid, start: '' }
    assert.equal(await systemProcesses.isAlive(identity), true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(await systemProcesses.isAlive(identity), false)
  })

  it('sees that a process has ended, and was reaped, while it looked', { skip: onLinux }, async () => {
    const child = startIdle()
    const { machine } = await systemProcesses.self()
    // While all threads that read files are busy, nothing of the process can be read: it ends before it is.
    const busy = Array.from({ length: 8 }, () => derive('a', 'b', 200_000, 32, 'sha512'))
    const looked = systemProcesses.isAlive({ machine, pid: child.pid, start: '' })
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    assert.equal(await looked, false)
    await Promise.all(busy)
  })

  it('sees that a process is dead whose parent has not asked for it yet', { skip: onLinux }, async () => {
    // The parent stops itself as soon as its child runs, and so never reaps it.
    const script = [
      "const child = require('node:child_process').spawn(process.execPath, ['-e', 'process.stdin.resume()'])",
      "child.once('spawn', () => process.stdout.write(child.pid + '\\n', () => process.kill(process.pid, 'SIGSTOP')))",
    ].join('\n')
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(line.toString())
      const { machine } = await systemProcesses.self()
      process.kill(pid, 'SIGKILL')
      // The signal takes effect in its own time.
      while (await systemProcesses.isAlive({ machine, pid, start: '' }))
        await new Promise((resolve) => setImmediate(resolve))
      // Its number is still taken.
      process.kill(pid, 0)
    } finally {
      parent.kill('SIGKILL')
      await once(parent, 'exit')
    }
  })
})
