import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { WORLD } from '#sandbox/world.ts'
import { type Boot, bootDisk, makeDisk } from '../support/booted-disk.ts'
import { type CloudOutside, startCloudOutside } from '../support/cloud-outside.ts'
import { eventually } from '../support/eventually.ts'
import { describeImage } from '../support/image-tree.ts'

/**
 * The vendor's own agent on the disk that boots by itself: with the image's kernel and its settings, its audit and
 * AppArmor, which a container has another's of. As `vendor-agent.test.ts`, for whoever has the package.
 */

const AGENT = process.env['PGCTL_VENDOR_AGENT'] ?? ''
const LACKS = AGENT === '' ? "needs the vendor's package: PGCTL_VENDOR_AGENT=amazon-ssm-agent.deb" : undefined
const TIMEOUT = 900_000
/** Without KVM a machine takes its time. */
const PATIENCE = 300_000
const DONE = '/var/tmp/done'

const QUESTIONS = {
  // It is asked when the operator is done.
  waited: `for second in $(seq 600); do test -e ${DONE} && break; sleep 1; done`,
  failed: 'systemctl list-units --failed --plain --no-legend',
  restarts: 'systemctl show --property NRestarts --value amazon-ssm-agent',
  verify: 'pgctl image verify --only agent-starts --only accounts --only no-listener --only audit-starts',
  denied: 'ausearch --input-logs --message AVC,ANOM_ABEND,SECCOMP --format raw | grep -c .',
  ran: 'ausearch --input-logs --key exec --format raw | grep "^type=SYSCALL" | grep -c " uid=1000 "',
}

describeImage(
  ['sfdisk', 'mkfs.vfat', 'mcopy', 'qemu-system-x86_64', 'ovmf', 'dnsmasq'],
  "the vendor's agent on the booted disk",
  { timeout: TIMEOUT, lacks: process.arch === 'x64' ? LACKS : 'the machine that is emulated is of amd64' },
  () => {
    const parts = new AsyncDisposableStack()
    let cloud: CloudOutside
    let boot: Promise<Boot>

    before(
      async () => {
        cloud = parts.use(await startCloudOutside())
        const disk = parts.use(await makeDisk({ skip: ['agent-version'], agent: AGENT }))
        const authority = Buffer.from(cloud.notes.authority).toString('base64')
        boot = bootDisk(disk, cloud.outside, QUESTIONS, {
          'systemd.unit-dropin.amazon-ssm-agent.service':
            '[Service]\nEnvironment=SSL_CERT_FILE=/run/authority.pem\n',
          'tmpfiles.extra': `f~ /run/authority.pem 0644 root root - ${authority}\n`,
        })
        await Promise.race([boot, online()])
      },
      { timeout: TIMEOUT },
    )
    after(() => parts.disposeAsync())

    const online = () =>
      eventually(async () => {
        await delay(2_000)
        return (await cloud.operator.run('bastion', 'status')).stdout.includes('agent online')
      }, PATIENCE)
    const pgctl = async (...words: string[]) => {
      const ran = await cloud.operator.run(...words)
      assert.equal(ran.status, 0, ran.stderr + ran.stdout)
      return ran.stdout
    }

    it('runs commands on it, as the account of sessions', async () => {
      const said = await pgctl('exec', '--', 'sh', '-c', 'id -un; uname -r')
      assert.match(said, /^ssm-user\n.*-cloud-amd64\n$/)
    })

    it('opens a login shell, and leads to the cluster', async () => {
      await using person = cloud.operator.at('login')
      await eventually(
        () => person.written.includes(`acme: ${WORLD.workspace} in ${WORLD.account}`),
        PATIENCE,
      )
      person.type('exit\n')
      assert.equal((await person.exit).exitCode, 0, person.written)
      const { stdout } = await cloud.operator.through(['grafana'], ({ port }) =>
        cloud.operator.runProgram('curl', '--silent', `http://127.0.0.1:${port}/api/health`),
      )
      assert.match(stdout, /"database"/)
      assert.match(await cloud.sessionLog('read'), /exit/)
    })

    it('leaves the machine in good order, which has written down what was run', {
      timeout: PATIENCE,
    }, async () => {
      await pgctl('exec', '--', 'touch', DONE)
      const { answers } = await boot
      const said = (name: keyof typeof QUESTIONS) => answers.get(name)?.said
      assert.equal(said('failed'), '')
      assert.equal(said('restarts'), '0')
      assert.match(said('verify') ?? '', /4 checks of a bastion: pass/)
      assert.equal(said('denied'), '0')
      assert.ok(Number(said('ran')) > 0, said('ran'))
    })
  },
)
