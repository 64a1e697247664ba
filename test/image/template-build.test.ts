import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { EC2, type Tag } from '@aws-sdk/client-ec2'
import { peersFolder } from '../peers/places.ts'
import { NOT_IN_THE_TREE } from '../peers/recipes.ts'
import {
  type BuildSurroundings,
  ENDPOINT,
  MINE,
  SOURCES,
  startSurroundings,
} from '../support/build-surroundings.ts'
import { describeImage, packInto, root } from '../support/image-tree.ts'
import { packCli } from '../support/packaged-cli.ts'
import { type Packer, packerIn } from '../support/packer.ts'
import { programOf } from '../support/peers.ts'
import { startInstance } from '../support/throwaway-instance.ts'

/**
 * `packer build` of the template as it is committed, nothing taken away and nothing added: with the plugin that it
 * names, against an emulator of EC2, on an instance that is this computer's programs behind an sshd
 * (test/support/build-surroundings.ts). Its provisioners run, and put a whole image on a disk.
 *
 * What the emulator keeps is asked of it afterwards; what it takes no notice of (how the AMI boots, its encryption,
 * metadata, deprecation and protection) is read from what it was asked.
 */

const run = promisify(execFile)
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
const source = SOURCES[architecture]
const ACCOUNT = '123456789012'
const KEY = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/0f9c0d3e-5d3b-4a0e-9d4c-9a1f0a3f7c11`
const DAY_MS = 24 * 60 * 60 * 1000
const PEERS = [
  ...(['packer', 'packer-plugin-amazon', 'moto', 'aws', 'sshd', 'ssh', 'sudo', 'curl', 'jq'] as const),
  ...(['mmdebstrap', 'sfdisk', 'mkfs.vfat', 'mcopy'] as const),
]

describeImage(PEERS, 'the build of an AMI', { timeout: 30 * 60_000 }, () => {
  let home: string
  let parts: string
  let packer: Packer

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'pgctl-packer-'))
    parts = join(home, 'parts')
    await partsOfPeers(parts)
    packer = await packerIn(home)
  })
  after(() => rm(home, { recursive: true, force: true }))

  /** Does something with a cloud of its own, and an instance in it. */
  async function inSurroundings(action: (around: BuildSurroundings, disk: string) => Promise<void>) {
    await using stack = new AsyncDisposableStack()
    const around = stack.use(await startSurroundings())
    const environment = {
      // Nothing is installed on this computer, and what could not be fetched is not looked for.
      ...{ PGCTL_PREPARED: '1', PGCTL_WITHOUT: NOT_IN_THE_TREE.join(' ') },
      PGCTL_SKIP: 'agent-version agent-starts',
    }
    const { disk } = stack.use(
      await startInstance({ network: around.network, endpoint: ENDPOINT, environment }),
    )
    await action(around, disk)
  }

  async function build(around: BuildSurroundings, values: Readonly<Record<string, string>> = {}) {
    const given = { account: ACCOUNT, region: 'eu-central-1', architecture, parts, ...values }
    const words = Object.entries(given).flatMap(([name, value]) => ['-var', `${name}=${value}`])
    const environment = { ...packer.environment, ...around.environment, AWS: programOf('aws') }
    const command = ['build', ...words, join(root, 'packer')]
    await using building = around.start(packer.program, command, { environment, cwd: home })
    return await building.outcome
  }

  it('makes an image, and leaves nothing else', { timeout: 20 * 60_000 }, () =>
    inSurroundings(async (around, disk) => {
      const before = Date.now()
      const { status, stdout, stderr } = await build(around, { kms_key: KEY })
      assert.equal(status, 0, `${stdout.slice(-6_000)}${stderr}`)

      const [registered] = around.cloud.asked('RegisterImage')
      holds(registered, {
        ...{ Architecture: source.machine, BootMode: 'uefi', EnaSupport: 'true', VirtualizationType: 'hvm' },
        ...{ RootDeviceName: '/dev/xvda', 'BlockDeviceMapping.1.DeviceName': '/dev/xvda' },
        'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
        'BlockDeviceMapping.2.DeviceName': null,
      })
      const [copied] = around.cloud.asked('CopyImage')
      holds(copied, { Encrypted: 'true', KmsKeyId: KEY })

      // All that is done to an image is done to the copy, which is encrypted.
      const [, ami] = /AMIs were created:\s+eu-central-1: (ami-\w+)/.exec(stdout) ?? []
      assert.ok(ami !== undefined, stdout.slice(-2_000))
      assert.notEqual(copied?.get('SourceImageId'), ami)
      holds(around.cloud.asked('ModifyImageAttribute')[0], { ImageId: ami, 'ImdsSupport.Value': 'v2.0' })
      holds(around.cloud.asked('EnableImageDeregistrationProtection')[0], { ImageId: ami })
      const [deprecated] = around.cloud.asked('EnableImageDeprecation')
      holds(deprecated, { ImageId: ami })
      const days = (Date.parse(deprecated?.get('DeprecateAt') ?? '') - before) / DAY_MS
      assert.ok(days > 59.9 && days < 60.1, `${days}`)

      const ec2 = clientOf(around)
      const { Images: [image, ...others] = [] } = await ec2.describeImages({ Owners: ['self'] })
      assert.equal(image?.ImageId, ami)
      assert.deepEqual(others, [])
      const digest = (await readFile(join(parts, 'digest'), 'utf8')).trim()
      const { 'pgctl:built': built = '', ...tags } = tagsOf(image?.Tags)
      assert.deepEqual(tags, {
        Name: `pgctl-bastion-${architecture}`,
        'pgctl:image': 'bastion',
        'pgctl:lock': sha256(await readFile(join(parts, 'tools.lock.json'))),
        'pgctl:manifest': digest,
        'pgctl:source-ami': source.ami,
      })
      assert.ok(Math.abs(Date.parse(built) - before) < DAY_MS, built)
      assert.deepEqual(
        (await ec2.describeImageAttribute({ ImageId: ami, Attribute: 'launchPermission' }))
          .LaunchPermissions ?? [],
        [],
      )

      // The instance, while it was there.
      holds(around.cloud.asked('RunInstances')[0], {
        ...{ ImageId: source.ami, InstanceType: source.type, MaxCount: '1' },
        ...{ 'MetadataOptions.HttpTokens': 'required', 'MetadataOptions.HttpPutResponseHopLimit': '1' },
        ...{ 'MetadataOptions.HttpEndpoint': 'enabled', UserData: null, 'IamInstanceProfile.Name': null },
        ...{ 'BlockDeviceMapping.1.DeviceName': '/dev/xvdf', 'BlockDeviceMapping.1.Ebs.Encrypted': 'true' },
        'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
      })
      const [rule, ...more] = around.cloud.asked('AuthorizeSecurityGroupIngress')
      assert.deepEqual(more, [])
      holds(rule, {
        ...{
          'IpPermissions.1.IpProtocol': 'tcp',
          'IpPermissions.1.FromPort': '22',
          'IpPermissions.1.ToPort': '22',
        },
        ...{ 'IpPermissions.1.IpRanges.1.CidrIp': `${MINE}/32`, 'IpPermissions.1.IpRanges.2.CidrIp': null },
        ...{ 'IpPermissions.1.Ipv6Ranges.1.CidrIpv6': null, 'IpPermissions.2.IpProtocol': null },
      })
      await nothingTemporary(ec2)
      console.log(JSON.stringify((await ec2.describeSnapshots({ OwnerIds: ['self'] })).Snapshots, null, 1))
      console.log(JSON.stringify(image, null, 1))

      // What is on the disk is what the tag says.
      const words = ['-R', 'cat /usr/share/pgctl-image/manifest', `${disk}p2`]
      const { stdout: manifest } = await run('debugfs', words, {
        encoding: 'buffer',
        maxBuffer: 64 * 1024 ** 2,
      })
      assert.equal(sha256(manifest), digest)
    }),
  )

  it('makes none in another account, and leaves nothing', { timeout: 5 * 60_000 }, () =>
    inSurroundings(async (around) => {
      const { status, stdout } = await build(around, { account: '999988887777' })
      assert.equal(status, 1)
      assert.match(
        stdout,
        /account\.sh: these credentials are of account 123456789012, and not of 999988887777/,
      )
      for (const action of ['CreateSnapshot', 'RegisterImage', 'CopyImage'])
        assert.deepEqual(around.cloud.asked(action), [])
      const ec2 = clientOf(around)
      assert.deepEqual((await ec2.describeImages({ Owners: ['self'] })).Images ?? [], [])
      await nothingTemporary(ec2)
    }),
  )
})

const clientOf = (around: BuildSurroundings) =>
  new EC2({
    endpoint: around.emulator.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'none' },
  })

const tagsOf = (tags: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The instance is gone, and with it its disks, its key, and the group that let us in. */
async function nothingTemporary(ec2: EC2): Promise<void> {
  const { Reservations = [] } = await ec2.describeInstances()
  const instances = Reservations.flatMap(({ Instances = [] }) => Instances)
  assert.deepEqual(
    instances.map(({ State, Tags }) => [State?.Name, tagsOf(Tags)['Name']]),
    [['terminated', 'pgctl-image-build']],
  )
  assert.deepEqual((await ec2.describeVolumes()).Volumes ?? [], [])
  assert.deepEqual((await ec2.describeKeyPairs()).KeyPairs ?? [], [])
  const { SecurityGroups = [] } = await ec2.describeSecurityGroups()
  assert.deepEqual(
    SecurityGroups.map(({ GroupName }) => GroupName),
    ['default'],
  )
}

/** What `npm run peers` has fetched for the image, with pgctl beside it. */
async function partsOfPeers(parts: string): Promise<void> {
  const fetched = join(peersFolder(), 'image-parts')
  await mkdir(parts)
  for (const name of ['packages', 'tools']) await symlink(join(fetched, name), join(parts, name))
  await cp(join(fetched, 'tools.lock.json'), join(parts, 'tools.lock.json'))
  await using cli = await packCli()
  await packInto(parts, cli.folder)
}

/** What is asked for in a request; `null` is what is not. */
function holds(request: URLSearchParams | undefined, wanted: Readonly<Record<string, string | null>>): void {
  assert.ok(request !== undefined, 'it was never asked')
  const is = Object.fromEntries(Object.keys(wanted).map((name) => [name, request.get(name)]))
  assert.deepEqual(is, wanted)
}
