import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type Boot, bootDisk, makeDisk } from '../support/booted-disk.ts'
import { describeImage } from '../support/image-tree.ts'
import { startOutside } from '../support/outside-network.ts'

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
  records: 'ausearch --message EXECVE --start boot --format raw | wc -l',
  apparmor: 'cat /sys/module/apparmor/parameters/enabled /sys/module/apparmor/parameters/mode',
  profiles: 'grep -c "(enforce)" /sys/kernel/security/apparmor/profiles',
  root: 'findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS /',
  sockets: 'ss --no-header --listening --tcp --udp --numeric',
  installation: 'jq -r .installation.name /etc/pgctl/installation.yaml',
}

describeImage(
  ['sfdisk', 'mkfs.vfat', 'mcopy', 'qemu-system-x86_64', 'ovmf', 'dnsmasq'],
  'the disk of the image, booted',
  { timeout: 900_000, lacks: process.arch === 'x64' ? undefined : 'the machine that is emulated is of amd64' },
  () => {
    let boot: Boot
    before(async () => {
      await using disk = await makeDisk(SKIPPED)
      await using outside = await startOutside({ userData: USER_DATA })
      boot = await bootDisk(disk, outside, QUESTIONS)
    })
    const said = (name: keyof typeof QUESTIONS) => boot.answers.get(name)?.said

    it('boots', () => {
      console.log(boot.answers)
      assert.equal(said('state'), 'running')
    })
  },
)
