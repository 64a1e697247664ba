/** A sandbox in a process of its own, for tests of its life: `node sandbox-process.ts STATE NAME`. */

import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { tellReady } from '#sandbox/detach.ts'
import { runSandbox } from '#sandbox/life.ts'
import { SandboxFolders } from '#sandbox/state.ts'

const [state = '', name = ''] = process.argv.slice(2)
const ended = new AbortController()
process.once('SIGTERM', () => ended.abort())
try {
  await runSandbox({
    folder: new SandboxFolders(state, systemProcesses).named(name),
    sandbox: {},
    signal: ended.signal,
    ready: tellReady,
  })
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
