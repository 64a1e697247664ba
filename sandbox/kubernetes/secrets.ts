import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Ms } from '#core/clock.ts'
import { datastoreEntries } from '#sandbox/datastores/logins.ts'
import { WORLD } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { type Draft, timeOf, uidOf } from './objects.ts'

/** The secrets of an installation's namespace: the product's own, and what Helm keeps of its releases in some. */

const CHARTS: Readonly<Record<string, string>> = {
  'paragon-on-prem': '2026.11.3',
  'paragon-logging': '1.4.0',
  'paragon-monitoring': '1.9.2',
}

const DAY: Ms = 86_400_000

export function secretObjects(world: World, now: Ms): Draft[] {
  const releases = Object.entries(CHARTS).filter(([name]) => world.managed || name !== 'paragon-monitoring')
  return [
    secretObject('paragon-secrets', 'Opaque', {}, productEntries(world), now),
    ...releases.map(([name, version]) => releaseObject(world, name, version, now)),
  ]
}

export function secretObject(
  name: string,
  type: string,
  labels: Readonly<Record<string, string>>,
  entries: Readonly<Record<string, string>>,
  now: Ms,
): Draft {
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', type },
    metadata: {
      ...{ name, namespace: WORLD.namespace, uid: uidOf(`secret ${name}`), labels },
      creationTimestamp: timeOf(now - 30 * DAY),
    },
    data: Object.fromEntries(
      Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  }
}

/** Made up, and the same from start to start, so that a sandbox remembers what it encrypted. */
function productEntries(world: World): Record<string, string> {
  const made = (name: string) => createHash('sha256').update(`${world.workspace} ${name}`).digest('base64url')
  const names = ['CREDENTIALS_ENCRYPTION_KEY', 'JWT_PRIVATE_KEY', 'LICENSE']
  return {
    ...Object.fromEntries(names.map((name) => [name, made(name)])),
    ...datastoreEntries(world),
  }
}

/** As Helm writes it: JSON, packed by gzip, in base64, which the API wraps in base64 once more. */
function releaseObject(world: World, name: string, version: string, now: Ms): Draft {
  const revision = 7
  const release = {
    ...{ name, namespace: WORLD.namespace, version: revision, info: { status: 'deployed' } },
    chart: { metadata: { name, version, apiVersion: 'v2' }, values: {} },
    config: { global: { env: { ORGANIZATION: world.organization, REGION: world.region } } },
    manifest: '',
  }
  const packed = gzipSync(JSON.stringify(release)).toString('base64')
  const labels = { owner: 'helm', name, status: 'deployed', version: String(revision) }
  return secretObject(
    `sh.helm.release.v1.${name}.v${revision}`,
    'helm.sh/release.v1',
    labels,
    { release: packed },
    now,
  )
}
