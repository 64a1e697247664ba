import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packCli } from '../support/packaged-cli.ts'
import { describeWith, programOf } from '../support/peers.ts'

/**
 * The packaged template in an emulator of AWS that others have made: its scheduler fires the function as it is packed,
 * which makes snapshots of a database there, deletes the oldest by the other role, and tells its figures.
 */

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const WORKSPACE = 'paragon-acme-5d1f0c2e'

describeWith(['ministack'], 'the schedule of snapshots in an emulator', { timeout: 300_000 }, () => {
  it('fires the function, which makes, keeps two and deletes the oldest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-stack-'))
    try {
      await using _cli = await packCli()
      const words = Object.entries({
        ...{ workspace: WORKSPACE, installationId: `ins-${'ab'.repeat(16)}`, licenseSecret: 'arn:aws:x' },
        ...{ subnets: 'subnet-a,subnet-b', securityGroup: 'sg-1' },
        topic: 'arn:aws:sns:eu-central-1:000000000000:alerts',
        // Its moment has come: it fires as soon as it is there.
        snapshotSchedule: 'at(2026-01-01T00:00:00)',
      }).flatMap(([name, value]) => ['--param', `${name}=${value}`])
      const environment = { PATH: `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder }
      await run(
        process.execPath,
        [join(root, 'node_modules/.bin/osls'), 'package', '--package', folder, ...words],
        { cwd: root, env: environment },
      )
      const script = fileURLToPath(new URL('snapshot-stack.ts', import.meta.url))
      const { stdout } = await run(
        'unshare',
        ['-rnm', process.execPath, script, folder, programOf('ministack')],
        { cwd: root, env: environment, maxBuffer: 1 << 26 },
      )
      const seen = JSON.parse(stdout.trim().split('\n').at(-1) as string)
      const counts = (each: Record<string, unknown>) => [each['started'], each['deleted'], each['failed']]
      assert.deepEqual(
        [...seen.runs, seen.idle].map(counts),
        // The third is there before the first goes: what a run has begun, a later one counts.
        [
          [1, 0, 0],
          [1, 0, 0],
          [1, 0, 0],
          [1, 1, 0],
          [0, 1, 0],
        ],
        JSON.stringify(seen),
      )
      assert.equal(seen.snapshots.length, 2)
      for (const { name, tags } of seen.snapshots) {
        assert.match(name, /^pgctl-\d{12}-[0-9a-f]{12}$/)
        assert.equal(tags['pgctl:installation'], WORKSPACE)
      }
      assert.deepEqual(
        seen.keys.filter((key: string) => !key.includes('/points/')),
        [`snapshots/${WORKSPACE}/policies`, `snapshots/${WORKSPACE}/sources/rds-instance/${WORKSPACE}`],
      )
      const ofDatabase = seen.figures.filter((line: { Datastore?: string }) => line.Datastore !== undefined)
      assert.equal(ofDatabase.length, 5)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
