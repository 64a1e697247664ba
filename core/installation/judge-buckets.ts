import type { Finding } from '#core/installation/findings.ts'
import { type Inventory, isUnreadable } from '#core/installation/inventory.ts'

/** What there is to say of buckets: everybody may read one that is not meant for everybody, or versions are not kept. */
export function judgeBuckets({ buckets }: Inventory): Finding[] {
  const open = buckets.filter((bucket) => bucket.public === true && !bucket.meantPublic)
  const unversioned = buckets.filter(
    ({ versioning, meantVersioned }) =>
      meantVersioned && (versioning === 'off' || versioning === 'suspended'),
  )
  return [
    ...open.map(
      ({ id }): Finding => ({
        code: 'bucket-public',
        severity: 'failed',
        message: `everybody may read the bucket ${id}, which is not meant to be public`,
        next: `block public access: aws s3api put-public-access-block --bucket ${id} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
      }),
    ),
    ...unversioned.map(
      ({ id, versioning }): Finding => ({
        code: 'bucket-unversioned',
        severity: 'warning',
        message: `the bucket ${id} keeps no versions: what is deleted or written over is gone`,
        why: `its versioning is ${versioning}`,
        next: `aws s3api put-bucket-versioning --bucket ${id} --versioning-configuration Status=Enabled`,
      }),
    ),
  ]
}

/** Whether the account's calls are written down. */
export function judgeTrail(inventory: Inventory, wanted: string): Finding[] {
  const { trail, region } = inventory
  if (trail?.logging === false)
    return [
      {
        code: 'trail-off',
        severity: 'warning',
        message: `the trail ${trail.name} writes nothing: who opened a session is not kept`,
        next: `start it: aws cloudtrail start-logging --region ${region} --name ${trail.name}`,
      },
    ]
  if (trail !== undefined || isUnreadable(inventory, 'trail')) return []
  return [
    {
      code: 'trail-missing',
      severity: 'warning',
      message: `there is no trail ${wanted}: who opened a session may not be kept`,
      next: `see whether another one serves: aws cloudtrail describe-trails --region ${region}`,
    },
  ]
}
