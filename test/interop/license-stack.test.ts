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
 * The packaged template in an emulator of AWS that others have made (ministack, from PyPI): CloudFormation takes it, the
 * function runs as it is packed, and what it did is found where it should be. It has a network of its own, in which
 * every address is the loopback's.
 */

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
describeWith(['ministack'], 'the stack in an emulator', { timeout: 300_000 }, () => {
  it('is created and updated, and its function asks, keeps and publishes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-stack-'))
    try {
      await using _cli = await packCli()
      const words = Object.entries({
        workspace: 'paragon-acme-5d1f0c2e',
        installationId: `ins-${'ab'.repeat(16)}`,
        licenseSecret: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:acme',
        subnets: 'subnet-a,subnet-b',
        securityGroup: 'sg-1',
        topic: 'arn:aws:sns:eu-central-1:000000000000:alerts',
      }).flatMap(([name, value]) => ['--param', `${name}=${value}`])
      const node = dirname(process.execPath)
      const environment = { PATH: `${node}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder }
      await run(
        process.execPath,
        [join(root, 'node_modules/.bin/osls'), 'package', '--package', folder, ...words],
        { cwd: root, env: environment },
      )
      const script = fileURLToPath(new URL('license-stack.ts', import.meta.url))
      const { stdout } = await run(
        'unshare',
        ['-rnm', process.execPath, script, folder, programOf('ministack')],
        {
          cwd: root,
          env: environment,
          maxBuffer: 1 << 26,
        },
      )
      const seen = JSON.parse(stdout.trim().split('\n').at(-1) as string)

      assert.deepEqual(
        seen.runs.map(({ error }: { error: unknown }) => error),
        [null, null],
        JSON.stringify(seen.runs),
      )
      assert.equal(seen.runs[0].payload.asked, 'answered', seen.review.first)
      assert.equal(seen.runs[1].payload.asked, 'outage')
      assert.deepEqual([seen.third.verdict, seen.third.asked], ['valid', 'outage'])
      assert.equal(seen.bastion.version, '0.0.9')
      assert.deepEqual(
        [seen.published.verdict, seen.published.stands, seen.published.sequence],
        ['valid', true, 1],
      )
      assert.deepEqual(
        [seen.review.faults, seen.review.open, seen.review.sent.license],
        [[], [], seen.asked.length],
      )
      assert.deepEqual([seen.runtime, seen.timeout], ['nodejs24.x', 90])
      for (const type of ['AWS::Scheduler::Schedule', 'AWS::CloudWatch::Alarm', 'AWS::DynamoDB::Table'])
        assert.ok(seen.resources.includes(type), type)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
