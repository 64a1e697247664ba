import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from './bastion-sandbox.ts'

const MAC = '02:00:00:00:00:01'
const HOURS_MS = 6 * 60 * 60_000

/** What the metadata of the sandbox's bastion tell: where it is, what it is, and the credentials of its role. */
export function instanceDocuments({ agent }: SandboxNotes): Record<string, string> {
  const { instanceId } = WORLD.bastion
  const zone = `${WORLD.region}a`
  const credentials = JSON.stringify({
    Code: 'Success',
    Type: 'AWS-HMAC',
    LastUpdated: new Date().toISOString(),
    AccessKeyId: agent.accessKeyId,
    SecretAccessKey: agent.secretAccessKey,
    // Keys of the sandbox's machines are good without one.
    Token: '',
    Expiration: new Date(Date.now() + HOURS_MS).toISOString(),
  })
  const at = '/latest/meta-data'
  return {
    [`${at}/instance-id`]: instanceId,
    [`${at}/instance-type`]: 't3.small',
    [`${at}/placement/region`]: WORLD.region,
    [`${at}/placement/availability-zone`]: zone,
    [`${at}/placement/availability-zone-id`]: 'euc1-az2',
    [`${at}/iam/security-credentials/the-role-of-the-instance`]: credentials,
    [`${at}/network/interfaces/macs`]: `${MAC}/`,
    [`${at}/network/interfaces/macs/${MAC}/vpc-ipv4-cidr-block`]: '10.20.0.0/16',
    // The same as its agent puts it together.
    [`${at}/network/interfaces/macs/${MAC}//vpc-ipv4-cidr-block`]: '10.20.0.0/16',
    // The machine's own identity, by which an agent registers.
    [`${at}/identity-credentials/ec2/security-credentials/ec2-instance`]: credentials,
    '/latest/dynamic/instance-identity/document': JSON.stringify({
      version: '2017-09-30',
      accountId: WORLD.account,
      region: WORLD.region,
      availabilityZone: zone,
      instanceId,
      instanceType: 't3.small',
      architecture: 'x86_64',
    }),
  }
}
