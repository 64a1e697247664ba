import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRdsName, rdsBundleUrl, rdsRegion } from '#core/datastores/rds-name.ts'

const DATABASES: ReadonlyArray<readonly [host: string, region: string, why: string]> = [
  ['hermes.3g6aqh0fmpfn.us-east-1.rds.amazonaws.com', 'us-east-1', 'an instance'],
  ['HERMES.3G6AQH0FMPFN.US-EAST-1.RDS.AMAZONAWS.COM', 'us-east-1', 'names have no case'],
  ['hermes.3g6aqh0fmpfn.us-east-1.rds.amazonaws.com.', 'us-east-1', 'a whole name may end with a dot'],
  ['zeus.cluster-3g6aqh0fmpfn.eu-central-1.rds.amazonaws.com', 'eu-central-1', 'a cluster'],
  ['zeus.cluster-ro-3g6aqh0fmpfn.eu-central-1.rds.amazonaws.com', 'eu-central-1', 'its readers'],
  ['zeus.cluster-custom-3g6aqh0fmpfn.eu-central-1.rds.amazonaws.com', 'eu-central-1', 'some of its members'],
  [
    'proxy-of-ours.3g6aqh0fmpfn.sa-east-1.rds.amazonaws.com',
    'sa-east-1',
    'an instance that is only called so',
  ],
  ['hermes.3g6aqh0fmpfn.us-gov-west-1.rds.amazonaws.com', 'us-gov-west-1', 'GovCloud'],
  ['hermes.3g6aqh0fmpfn.rds.cn-north-1.amazonaws.com.cn', 'cn-north-1', 'China: the region stands behind'],
  ['hermes.3g6aqh0fmpfn.cn-northwest-1.rds.amazonaws.com.cn', 'cn-northwest-1', 'and once stood before'],
]
const PROXIES = [
  'pool.proxy-3g6aqh0fmpfn.us-east-1.rds.amazonaws.com',
  'reads.endpoint.proxy-3g6aqh0fmpfn.us-east-1.rds.amazonaws.com',
  'pool.proxy-3g6aqh0fmpfn.rds.cn-north-1.amazonaws.com.cn',
]
const OTHERS = [
  ['', 'nothing'],
  ['localhost', 'no host of AWS'],
  ['10.0.1.5', 'an address'],
  ['db.example.com', "somebody's own name"],
  ['rds.us-east-1.amazonaws.com', 'the API, and no database'],
  ['us-east-1.rds.amazonaws.com', 'no database before the region'],
  ['hermes.3g6aqh0fmpfn.us-east-1.rds.amazonaws.com.evil.example', 'another domain behind'],
  ['hermes.3g6aqh0fmpfn.us-east-1.rds.amazonaws.comx', 'another domain'],
  ['hermes.3g6aqh0fmpfn.us-east-1.notrds.amazonaws.com', 'another service'],
  ['hermes.3g6aqh0fmpfn.rds.us-east-1.amazonaws.com.cn', 'a region that is not of China'],
  ['a.3g6aqh0fmpfn.us-east-1.rds.amazonaws.com\nb', 'more than a name'],
  ['paragon-sync.4z8wuf.use1.cache.amazonaws.com', 'ElastiCache'],
] as const

describe('the name of a database of RDS', () => {
  for (const [host, region, why] of DATABASES)
    it(`says its region: ${why}`, () => {
      assert.deepEqual(parseRdsName(host), { region, kind: 'database' })
      assert.equal(rdsRegion(host), region)
    })

  for (const host of PROXIES)
    it(`is a proxy's, whose certificate is of a public authority: ${host}`, () => {
      assert.equal(parseRdsName(host)?.kind, 'proxy')
      assert.equal(rdsRegion(host), undefined)
    })

  for (const [host, why] of OTHERS)
    it(`is not any other: ${why}`, () => assert.equal(parseRdsName(host), undefined))
})

describe('where RDS publishes its authorities', () =>
  it('is one place a partition', () =>
    assert.deepEqual(['il-central-1', 'us-gov-east-1', 'cn-northwest-1'].map(rdsBundleUrl), [
      'https://truststore.pki.rds.amazonaws.com/il-central-1/il-central-1-bundle.pem',
      'https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-east-1/us-gov-east-1-bundle.pem',
      'https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/cn-northwest-1/cn-northwest-1-bundle.pem',
    ])))
