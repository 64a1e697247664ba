import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { installationEntrySchema } from '#core/installation/installation.ts'
import { bucketNames, parseProfile, resourceName } from '#core/installation/profile.ts'
import { PARAGON } from '../../support/product-profile.ts'
import { thrownBy } from './support.ts'

const TEXT = readFileSync(new URL('../../../profiles/paragon.yaml', import.meta.url), 'utf8')

describe('the product profile', () => {
  it('that ships is valid, and names the resources of a workspace', () => {
    const profile = parseProfile(TEXT, 'profiles/paragon.yaml')
    assert.equal(profile.monitors['grafana']?.port, 4500)
    assert.equal(resourceName(profile, 'bastion', 'paragon-acme-5d1f0c2e'), 'paragon-acme-5d1f0c2e-bastion')
    assert.equal(resourceName(profile, 'cluster', 'paragon-acme-5d1f0c2e'), 'paragon-acme-5d1f0c2e')
  })

  it('names what a person works with as a monitor, each with its port, and MinIO as a service', () => {
    const { monitors, services } = PARAGON
    const ports = ['grafana', 'kibana', 'openobserve', 'pgadmin', 'redis-insight'].map(
      (name) => monitors[name]?.port,
    )
    assert.deepEqual(ports, [4500, 5601, 5080, 5050, 8500])
    assert.equal(services['minio']?.port, 9000)
  })

  it('says which buckets are meant to be public, and which keep no versions', () => {
    const buckets = bucketNames(PARAGON, 'ws')
    assert.deepEqual(
      buckets.filter((bucket) => bucket.public).map(({ id }) => id),
      ['ws-cdn'],
    )
    assert.deepEqual(
      buckets.filter(({ versioned }) => !versioned).map(({ id }) => id),
      ['ws-logs'],
    )
  })

  const broken = [
    {
      reason: 'a datastore pattern with two stars',
      text: TEXT.replace('WORKSPACE-redis-*', 'WORKSPACE-*-*'),
      why: /datastores\.redis\.1: a pattern has at most one \*/,
    },
    {
      reason: 'a bucket outside the workspace',
      text: TEXT.replace('WORKSPACE-app', 'app'),
      why: /buckets\.app\.name/,
    },
    { reason: 'an engine that nobody finds', text: TEXT.replace('  kafka: [', '  mongo: ['), why: /mongo/ },
    { reason: 'a key that it does not know', text: `${TEXT}\nservces: {}`, why: /servces/ },
    { reason: 'a port that is none', text: TEXT.replace('4500', '70000'), why: /monitors\.grafana\.port/ },
    {
      reason: 'a pattern without the workspace',
      text: TEXT.replace('WORKSPACE-bastion', 'bastion'),
      why: /resources\.bastion/,
    },
    {
      reason: 'a health path that is none',
      text: TEXT.replace('/api/health', 'api/health'),
      why: /grafana\.health/,
    },
    { reason: 'text that is not YAML', text: 'name: [', why: /./ },
    { reason: 'an empty file', text: '', why: /./ },
  ]
  for (const { reason, text, why } of broken) {
    it(`refuses ${reason}, naming file and place`, () => {
      const error = thrownBy(() => parseProfile(text, 'profiles/mine.yaml'))
      assert.ok(isPgctlError(error, 'config-invalid'))
      assert.match(error.message, /profiles\/mine\.yaml/)
      assert.match(error.why ?? '', why)
    })
  }
})

describe("an installation's entry", () => {
  const ENTRY = { workspace: 'paragon-acme-5d1f0c2e', account: '111122223333', region: 'eu-central-1' }

  it('needs workspace, account and region, and fills in the rest', () => {
    assert.deepEqual(installationEntrySchema.parse(ENTRY), { ...ENTRY, cloud: 'aws', product: 'paragon' })
  })

  const rows = [
    { reason: 'no account to pin', entry: { workspace: ENTRY.workspace, region: ENTRY.region } },
    { reason: 'an account that YAML read as a number', entry: { ...ENTRY, account: 111122223333 } },
    { reason: 'a region that is none', entry: { ...ENTRY, region: 'frankfurt' } },
    { reason: 'a role without its ARN', entry: { ...ENTRY, role: 'Support' } },
    { reason: 'a bastion that is no instance id', entry: { ...ENTRY, bastion: 'bastion' } },
    { reason: 'a key that is misspelt', entry: { ...ENTRY, regoin: 'eu-west-1' } },
    { reason: 'a cloud without an adapter', entry: { ...ENTRY, cloud: 'gcp' } },
  ]
  for (const { reason, entry } of rows)
    it(`is refused for ${reason}`, () =>
      assert.equal(installationEntrySchema.safeParse(entry).success, false))

  for (const region of ['eu-central-1', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-4'])
    it(`takes the region ${region}`, () =>
      assert.ok(installationEntrySchema.safeParse({ ...ENTRY, region }).success))
})
