import type { Datastore } from '#core/installation/datastores.ts'
import type { Finding } from '#core/installation/findings.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { windowsOverlap } from '#core/installation/windows.ts'

/** States in which a datastore answers, whatever else is being done to it: of RDS, ElastiCache and MSK. */
const ANSWERING = new Set([
  ...['available', 'backing-up', 'modifying', 'maintenance', 'configuring-enhanced-monitoring'],
  ...['configuring-iam-database-auth', 'configuring-log-exports', 'resetting-master-credentials'],
  ...['storage-config-upgrade', 'storage-initialization', 'storage-optimization'],
  'snapshotting',
  ...['active', 'healing', 'rebooting_broker', 'updating'],
  // Not said.
  'unknown',
])

/**
 * What there is to say of datastores. An address on the internet is an open door; everything else is told once for
 * all that it is true of, as an installation of one zone has ten of them.
 */
export function judgeDatastores({ datastores, region }: Inventory): Finding[] {
  return [
    ...datastores.filter((store) => store.public === true).map((store) => judgePublic(store, region)),
    ...datastores.filter(({ status }) => !ANSWERING.has(status)).map((store) => judgeStatus(store, region)),
    ...judgeZones(datastores),
    ...judgeEncryption(datastores),
    ...judgeBackups(datastores),
    ...datastores.flatMap(judgeWindows),
  ]
}

function judgePublic({ name, id, engine }: Datastore, region: string): Finding {
  const command = `aws rds modify-db-instance --region ${region} --db-instance-identifier ${id} --no-publicly-accessible --apply-immediately`
  return {
    code: 'datastore-public',
    severity: 'failed',
    message: `${name} (${id}) has an address on the internet, and pgctl reaches it without`,
    next: engine === 'postgres' ? `take it away: ${command}` : 'take its public access away',
  }
}

function judgeStatus({ name, id, status, engine }: Datastore, region: string): Finding {
  const events = `aws rds describe-events --region ${region} --source-type db-instance --source-identifier ${id}`
  return {
    code: 'datastore-unavailable',
    severity: 'warning',
    message: `${name} (${id}) is ${status}`,
    next:
      engine === 'postgres' ? `see what happened to it: ${events}` : 'see in the console what happened to it',
  }
}

function judgeZones(datastores: readonly Datastore[]): Finding[] {
  const single = datastores.filter(({ multiZone, topology }) => !multiZone && topology !== 'replica')
  if (single.length === 0) return []
  return [
    {
      code: 'datastore-single-zone',
      severity: 'warning',
      message: `${listed(single)} ${single.length === 1 ? 'is' : 'are'} in one zone only`,
      why: 'if that zone fails, what they hold cannot be reached, and the last minutes may be lost',
      next: 'make them multi-zone, where the installation is to outlive the loss of a zone',
    },
  ]
}

function judgeEncryption(datastores: readonly Datastore[]): Finding[] {
  return [
    ...unencrypted(
      datastores.filter(({ encryptedAtRest }) => encryptedAtRest === false),
      'stored unencrypted',
      'restore a backup into a new one that is encrypted: an old one cannot be made so',
    ),
    ...unencrypted(
      datastores.filter(({ encryptedInTransit }) => encryptedInTransit === false),
      'sent unencrypted inside the network',
      'let it speak TLS, and its clients with it',
    ),
  ]
}

function unencrypted(stores: readonly Datastore[], how: string, next: string): Finding[] {
  if (stores.length === 0) return []
  return [
    {
      code: 'datastore-unencrypted',
      severity: 'warning',
      message: `what ${listed(stores)} ${stores.length === 1 ? 'holds' : 'hold'} is ${how}`,
      next,
    },
  ]
}

function judgeBackups(datastores: readonly Datastore[]): Finding[] {
  const without = datastores.filter(({ retentionDays }) => retentionDays === 0)
  if (without.length === 0) return []
  return [
    {
      code: 'datastore-without-backups',
      severity: 'warning',
      message: `${listed(without)} ${without.length === 1 ? 'has' : 'have'} no automatic backups`,
      why: 'backups are kept for 0 days, which makes none',
      next: 'keep them for some days: the retention of its backups',
    },
  ]
}

function judgeWindows({ name, backupWindow, maintenanceWindow }: Datastore): Finding[] {
  if (backupWindow === undefined || maintenanceWindow === undefined) return []
  if (!windowsOverlap(backupWindow, maintenanceWindow)) return []
  return [
    {
      code: 'windows-overlap',
      severity: 'warning',
      message: `backup and maintenance of ${name} can meet`,
      why: `backups ${backupWindow} UTC, maintenance ${maintenanceWindow} UTC`,
      next: 'move one of the windows',
    },
  ]
}

function listed(stores: readonly Datastore[]): string {
  return stores.map(({ name }) => name).join(', ')
}
