import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { EC2, type Tag } from '@aws-sdk/client-ec2'
import { ACCOUNT, type AmiBuild, ARCHITECTURE, BUILD_PEERS, buildAmi } from '../support/ami-build.ts'
import { MINE, SOURCES } from '../support/build-surroundings.ts'
import { describeImage } from '../support/image-tree.ts'
import { programOf } from '../support/peers.ts'

/**
 * `packer build` of the template as it is committed, nothing taken away and nothing added: with the plugin that it
 * names, against an emulator of EC2, on an instance that is this computer's programs behind an sshd
 * (test/support/build-surroundings.ts). Its provisioners run, and put a whole image on a disk.
 *
 * What the emulator keeps is asked of it afterwards; what it takes no notice of (how the AMI boots, its encryption,
 * metadata, deprecation and protection) is read from what it was asked.
 */

const run = promisify(execFile)
const source = SOURCES[ARCHITECTURE]
const KEY = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/0f9c0d3e-5d3b-4a0e-9d4c-9a1f0a3f7c11`
const DAY_MS = 24 * 60 * 60 * 1000
const BUILD_MS = 20 * 60_000

describeImage(BUILD_PEERS, 'an AMI that Packer builds', { timeout: BUILD_MS + 60_000 }, () => {
  const began = Date.now()
  let built: AmiBuild
  let ec2: EC2
  /** The AMI that it says it has made. */
  let ami: string
  const only = (action: string) => onlyOf(built, action)

  before(
    async () => {
      built = await buildAmi({ kms_key: KEY })
      const { status, stdout, stderr } = built.outcome
      assert.equal(status, 0, `${stdout.slice(-6_000)}${stderr}`)
      ami = /AMIs were created:\s+eu-central-1: (ami-\w+)/.exec(stdout)?.[1] ?? ''
      ec2 = clientOf(built)
    },
    { timeout: BUILD_MS },
  )
  after(() => built?.[Symbol.asyncDispose]())

  it('has one disk, that of the image, and boots by UEFI with ENA', () =>
    holds(only('RegisterImage'), {
      ...{ Architecture: source.machine, BootMode: 'uefi', EnaSupport: 'true', VirtualizationType: 'hvm' },
      ...{ RootDeviceName: '/dev/xvda', 'BlockDeviceMapping.1.DeviceName': '/dev/xvda' },
      'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
      'BlockDeviceMapping.1.Ebs.SnapshotId': /^snap-/,
      'BlockDeviceMapping.2.DeviceName': undefined,
    }))

  it('is a copy that is encrypted with the key, and the only one there is', async () => {
    holds(only('CopyImage'), { Encrypted: 'true', KmsKeyId: KEY })
    const { Images = [] } = await ec2.describeImages({ Owners: ['self'] })
    assert.deepEqual(
      Images.map(({ ImageId }) => ImageId),
      [ami],
    )
    assert.notEqual(only('CopyImage')?.get('SourceImageId'), ami)
  })

  it('asks for version 2 of the metadata, is not found any more after 60 days, and is protected', () => {
    holds(only('ModifyImageAttribute'), { ImageId: ami, 'ImdsSupport.Value': 'v2.0' })
    holds(only('EnableImageDeregistrationProtection'), { ImageId: ami })
    holds(only('EnableImageDeprecation'), { ImageId: ami })
    const days = (Date.parse(only('EnableImageDeprecation').get('DeprecateAt') ?? '') - began) / DAY_MS
    assert.ok(days > 59.9 && days < 60.1, `${days}`)
  })

  it("is nobody else's", async () => {
    const asked = { ImageId: ami, Attribute: 'launchPermission' } as const
    assert.deepEqual((await ec2.describeImageAttribute(asked)).LaunchPermissions ?? [], [])
  })

  it('says of what it was made, and the digest of the manifest that is on the disk; so does its snapshot', async () => {
    const words = ['-R', 'cat /usr/share/pgctl-image/manifest', `${built.disk}p2`]
    const limits = { encoding: 'buffer', maxBuffer: 64 * 1024 ** 2 } as const
    const { stdout: manifest } = await run('debugfs', words, limits)
    const { Images: [image] = [] } = await ec2.describeImages({ ImageIds: [ami] })
    const { 'pgctl:built': time = '', ...tags } = tagsOf(image?.Tags)
    assert.deepEqual(tags, {
      Name: `pgctl-bastion-${ARCHITECTURE}`,
      'pgctl:image': 'bastion',
      'pgctl:lock': sha256(await readFile(join(built.parts, 'tools.lock.json'))),
      'pgctl:manifest': sha256(manifest),
      'pgctl:source-ami': source.ami,
    })
    assert.ok(Math.abs(Date.parse(time) - began) < DAY_MS, time)
    const SnapshotIds = (image?.BlockDeviceMappings ?? []).map(({ Ebs }) => Ebs?.SnapshotId ?? '')
    const { Snapshots: [snapshot] = [] } = await ec2.describeSnapshots({ SnapshotIds })
    assert.deepEqual(tagsOf(snapshot?.Tags), tagsOf(image?.Tags))
  })

  it('is on a disk with the partitions that the firmware and the kernel look for', async () => {
    const { stdout } = await run(programOf('sfdisk'), ['--json', built.disk])
    const { partitiontable } = JSON.parse(stdout)
    const labels = ['1', '2'].map(async (number) => {
      const probe = ['--probe', '--output', 'value', '--match-tag', 'LABEL', `${built.disk}p${number}`]
      return (await run('blkid', probe)).stdout.trim()
    })
    assert.equal(partitiontable.label, 'gpt')
    assert.deepEqual(
      partitiontable.partitions.map(({ type, name }: { type: string; name: string }) => ({ type, name })),
      [
        { type: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', name: 'pgctl-esp' },
        { type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4', name: 'pgctl-root' },
      ],
    )
    assert.deepEqual(await Promise.all(labels), ['PGCTL-ESP', 'pgctl-root'])
  })

  it("was made on an instance of the distribution's, without any right, reached from here only", () => {
    holds(only('RunInstances'), {
      ...{ ImageId: source.ami, InstanceType: source.type, MaxCount: '1', UserData: '' },
      ...{ 'MetadataOptions.HttpTokens': 'required', 'MetadataOptions.HttpPutResponseHopLimit': '1' },
      ...{ 'MetadataOptions.HttpEndpoint': 'enabled', 'IamInstanceProfile.Name': '' },
      ...{ 'BlockDeviceMapping.1.DeviceName': '/dev/xvdf', 'BlockDeviceMapping.1.Ebs.Encrypted': 'true' },
      'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
    })
    holds(only('AuthorizeSecurityGroupIngress'), {
      ...{ 'IpPermissions.1.IpProtocol': 'tcp', 'IpPermissions.2.IpProtocol': undefined },
      ...{ 'IpPermissions.1.FromPort': '22', 'IpPermissions.1.ToPort': '22' },
      ...{
        'IpPermissions.1.IpRanges.1.CidrIp': `${MINE}/32`,
        'IpPermissions.1.IpRanges.2.CidrIp': undefined,
      },
      'IpPermissions.1.Ipv6Ranges.1.CidrIpv6': undefined,
    })
  })

  it('leaves nothing else', () => nothingTemporary(ec2))
})

describeImage(BUILD_PEERS, "an AMI that isn't built", { timeout: 5 * 60_000 }, () => {
  it('is that of another account, and leaves nothing', async () => {
    await using failed = await buildAmi({ account: '999988887777' })
    assert.equal(failed.outcome.status, 1)
    const why = new RegExp(
      `account\\.sh: these credentials are of account ${ACCOUNT}, and not of 999988887777`,
    )
    assert.match(failed.outcome.stdout, why)
    for (const action of ['CreateSnapshot', 'RegisterImage', 'CopyImage'])
      assert.deepEqual(failed.around.cloud.asked(action), [])
    await nothingTemporary(clientOf(failed))
  })
})

const clientOf = ({ around }: AmiBuild) =>
  new EC2({
    endpoint: around.emulator.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'none' },
  })

const tagsOf = (tags: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The one request for an action. */
function onlyOf({ around }: AmiBuild, action: string): URLSearchParams {
  const [request, ...others] = around.cloud.asked(action)
  assert.ok(request !== undefined && others.length === 0, `${action} was not asked for once`)
  return request
}

/** What is asked for in a request; `undefined` is what is not. */
function holds(
  request: URLSearchParams,
  wanted: Readonly<Record<string, string | RegExp | undefined>>,
): void {
  for (const [name, value] of Object.entries(wanted)) {
    const is = request.get(name) ?? undefined
    if (value instanceof RegExp) assert.match(is ?? '', value, name)
    else assert.equal(is, value, name)
  }
}

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
