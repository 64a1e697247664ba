/**
 * A whole life in one process: a sandbox, sessions, transfers, a loss, and the end of all. Run by a test that waits for
 * this process to end by itself: what is still open then would keep it.
 */
import assert from 'node:assert/strict'
import { runCommand } from '#core/ssm/io/exec.ts'
import { WORLD } from '#sandbox/world.ts'
import { Collected } from './collected.ts'
import { connectEcho } from './echo-connection.ts'
import { fetchOver } from './http-over.ts'
import { startSandboxSessions } from './sandbox-sessions.ts'

{
  await using lab = await startSandboxSessions()
  await using session = await lab.dial()
  const stays = await connectEcho(session.dialer)
  const answer = await fetchOver(await session.dialer.connect(), '/random/300000')
  assert.equal(answer.sha256, answer.promised)
  lab.sandbox.cloud.gateway.order({ kind: 'cut', end: 'both' })
  await session.event('resumed')
  const status = await runCommand(
    {
      context: lab.context,
      target: WORLD.bastion.instanceId,
      words: ['true'],
      stdout: new Collected(),
      stderr: new Collected(),
    },
    new AbortController().signal,
  )
  assert.equal(status, 0)
  assert.ok(!stays.destroyed)
}
process.stdout.write('done\n')
