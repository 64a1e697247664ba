import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { type Boot, bootDisk, makeDisk } from '../support/booted-disk.ts'
import { describeImage } from '../support/image-tree.ts'
import { startOutside, userDataDocument } from '../support/outside-network.ts'

/** The disk that an AMI is made of, booted by its own firmware, loader and kernel: what a container cannot show. */

const USER_DATA = {
  pgctl: 1,
  installation: {
    name: 'acme',
    workspace: 'paragon-acme-5d1f0c2e',
    account: '111122223333',
    region: 'eu-central-1',
  },
}
/** The agent is not in the tree, as its host cannot be reached from where tests run. */
const SKIPPED = ['agent-version', 'agent-starts']

const QUESTIONS = {
  state: 'systemctl is-system-running',
  failed: 'systemctl list-units --failed --plain --no-legend',
  target: 'systemctl is-active multi-user.target',
  took: 'systemd-analyze time',
  firmware: 'cat /sys/firmware/efi/fw_platform_size',
  where: 'systemd-detect-virt --container; systemd-detect-virt --vm',
  verify: `pgctl image verify --json ${SKIPPED.map((id) => `--skip ${id}`).join(' ')}`,
  audit: 'auditctl -s',
  rules: 'auditctl -l',
  locked: 'auditctl -D',
  // What whoever logs in runs is written down.
  ran: 'setpriv --reuid=ssm-user --regid=ssm-user --clear-groups /usr/bin/true',
  records: 'ausearch --input-logs --key exec --format raw | grep -c "^type=EXECVE"',
  apparmor: 'cat /sys/module/apparmor/parameters/enabled /sys/module/apparmor/parameters/mode',
  profiles: 'grep -c "(enforce)" /sys/kernel/security/apparmor/profiles',
  root: 'findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS /',
  sockets: 'ss --no-header --listening --tcp --udp --numeric',
  installation: 'jq -r .installation.name /etc/pgctl/installation.yaml',
}

const TIMEOUT = 900_000

describeImage(
  ['sfdisk', 'mkfs.vfat', 'mcopy', 'qemu-system-x86_64', 'ovmf', 'dnsmasq'],
  'the disk of the image, booted',
  {
    timeout: TIMEOUT,
    lacks: process.arch === 'x64' ? undefined : 'the machine that is emulated is of amd64',
  },
  () => {
    let boot: Boot
    before(
      async () => {
        await using disk = await makeDisk({ skip: SKIPPED })
        await using outside = await startOutside({ metadata: userDataDocument(USER_DATA) })
        boot = await bootDisk(disk, outside, QUESTIONS)
      },
      // Without KVM it takes minutes.
      { timeout: TIMEOUT },
    )
    const answer = (name: keyof typeof QUESTIONS) => {
      const found = boot.answers.get(name)
      assert.ok(found, `${name} was not answered: ${boot.console.slice(-2_000)}`)
      return found
    }
    const said = (name: keyof typeof QUESTIONS) => answer(name).said

    it('comes up by its firmware, with its own kernel, and no unit has failed', () => {
      assert.deepEqual([said('state'), said('failed'), said('target')], ['running', '', 'active'])
      assert.equal(said('firmware'), '64')
      assert.deepEqual(said('where').split('\n'), ['none', 'qemu'])
      assert.match(said('took'), /^multi-user\.target reached after /m)
    })

    it('passes every check of a bastion but those of the agent', () => {
      const { checks } = JSON.parse(said('verify')) as {
        checks: { id: string; passed: boolean; found: string[] }[]
      }
      assert.deepEqual(
        checks.filter(({ passed }) => !passed).map(({ id, found }) => [id, found]),
        [],
      )
      assert.equal(answer('verify').status, 0)
      // What a container cannot be asked is among them.
      for (const id of [
        'audit-starts',
        'kernel-settings',
        'confinement',
        'time-starts',
        'tmp-is-bare',
        'sealed',
      ])
        assert.ok(
          checks.some((check) => check.id === id),
          id,
        )
    })

    it('has the rules of the audit in its kernel, where not even root can change them', () => {
      assert.match(said('audit'), /^enabled 2$/m)
      assert.match(said('audit'), /^lost 0$/m)
      for (const arch of ['b64', 'b32'])
        assert.match(said('rules'), new RegExp(`^-a always,exit -F arch=${arch} -S execve`, 'm'))
      assert.match(said('locked'), /The audit system is in immutable mode|Operation not permitted/)
      assert.notEqual(answer('locked').status, 0)
      assert.ok(Number(said('records')) > 0, said('records'))
    })

    it('confines programs', () => {
      assert.equal(said('apparmor'), 'Y\nenforce')
      assert.ok(Number(said('profiles')) > 0, said('profiles'))
    })

    it('stands on its own disk', () => {
      assert.match(said('root'), /^\/dev\/nvme0n1p2 +ext4 +rw,noatime,errors=remount-ro$/)
    })

    it('listens on nothing but loopback', () => {
      const elsewhere = said('sockets')
        .split('\n')
        .map((line) => line.split(/\s+/)[4] ?? '')
        .filter((place) => !/^(127\.|\[::1\]:)/.test(place))
      // The client of DHCP.
      assert.deepEqual(
        elsewhere.filter((place) => !/%[a-z0-9]+:68$/.test(place)),
        [],
      )
    })

    it('learns which installation it belongs to', () => {
      assert.equal(said('installation'), 'acme')
    })
  },
)
