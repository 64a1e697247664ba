import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startSandboxCli } from '../support/sandbox-cli.ts'

/** A person who presses Ctrl-C while snapshots are begun is told what stands, as the provider goes on. */
describe('snapshots create, interrupted', { timeout: 60_000 }, () => {
  for (const [flags, says] of [
    [['--no-fingerprint'], /what was begun goes on by itself: pgctl snapshots list; .* begins another point/],
    [['--no-fingerprint', '--json'], /"code": "interrupted"/],
  ] as const)
    it(`with ${flags.join(' ')} ends as interrupted, and its point is there`, async () => {
      await using cli = await startSandboxCli()
      // The cache's request fails again and again, and is waited for, once the database's was taken on.
      cli.sandbox.cloud.state.turn({ fail: { 'elasticache:CreateSnapshot': 'always' } })
      await using command = cli.start(['snapshots', 'create', ...flags])
      await eventually(() =>
        cli.sandbox.cloud.calls.since().some(({ action }) => action === 'CreateSnapshot'),
      )
      command.kill('SIGINT')
      const { status, stdout, stderr } = await command.outcome
      assert.equal(status, 130)
      assert.match(stdout + stderr, says)
      const list = await cli.run(['snapshots', 'list', '--json'])
      const { points } = JSON.parse(list.stdout) as { points: { missing: string[]; beingMade: string[] }[] }
      assert.equal(points.length, 1)
      assert.deepEqual(points[0]?.beingMade.length, 1)
      assert.deepEqual(points[0]?.missing.length, 2)
    })
})
