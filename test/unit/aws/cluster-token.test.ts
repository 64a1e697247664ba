import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AwsConnection, AwsCredentials } from '#core/aws/clients.ts'
import { createClusterCredentials } from '#core/aws/cluster-token.ts'
import { stsEndpoint } from '#core/aws/presign.ts'
import { PgctlError } from '#core/errors.ts'
import type { WireRequest } from '#sandbox/aws/http-message.ts'
import { checkClaim, isFault, readClaim } from '#sandbox/aws/signature.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
const MINUTE = 60_000
const KEYS: AwsCredentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', expires: undefined }
const CLUSTER = 'paragon-acme-5d1f0c2e'

/** A connection that can only say who calls, at a time that the test sets. */
function setUp(credentials: () => Promise<AwsCredentials> = async () => KEYS, environment = {}) {
  const time = { now: NOW }
  const connection = {
    region: 'eu-central-1',
    environment,
    clock: { now: () => ({ mono: time.now, wall: time.now }), after: () => () => {} },
    credentials,
  } as unknown as AwsConnection
  return { time, api: createClusterCredentials(connection, CLUSTER) }
}

/** The request that a cluster makes of a token. */
function requestOf(token: string, cluster = CLUSTER): { url: URL; request: WireRequest } {
  const url = new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString('utf8'))
  const request: WireRequest = {
    method: 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    headers: [
      ['Host', url.host],
      ['x-k8s-aws-id', cluster],
    ],
    body: new Uint8Array(0),
    secure: url.protocol === 'https:',
  }
  return { url, request }
}

function faultOf(request: WireRequest, secret = 'secret') {
  const claim = readClaim(request)
  assert.ok(!isFault(claim))
  return checkClaim(claim, request, secret, NOW)
}

describe('a token of the cluster', { timeout: 10_000 }, () => {
  it('is a GetCallerIdentity of a minute, signed for this cluster and nothing else', async () => {
    const { value } = await setUp().api.token()
    assert.match(value, /^k8s-aws-v1\.[\w-]+$/)
    const { url, request } = requestOf(value)
    assert.equal(url.origin, 'https://sts.eu-central-1.amazonaws.com')
    assert.equal(url.searchParams.get('Action'), 'GetCallerIdentity')
    assert.equal(url.searchParams.get('X-Amz-Expires'), '60')
    assert.equal(url.searchParams.get('X-Amz-SignedHeaders'), 'host;x-k8s-aws-id')
    assert.equal(url.searchParams.get('X-Amz-Date'), '20261123T100000Z')
    assert.equal(faultOf(request), undefined)
    assert.equal(faultOf(requestOf(value, 'another-cluster').request)?.kind, 'mismatch')
    assert.equal(faultOf(request, 'another secret')?.kind, 'mismatch')
  })

  it('carries the session token of temporary credentials, whatever letters it has', async () => {
    const sessionToken = 'FwoGZXIvYXdzEJr//////+/=~*!()'
    const { value } = await setUp(async () => ({ ...KEYS, sessionToken })).api.token()
    const { url, request } = requestOf(value)
    assert.equal(url.searchParams.get('X-Amz-Security-Token'), sessionToken)
    assert.equal(faultOf(request), undefined)
  })

  it('is good for 15 minutes, kept for 14, and then renewed', async () => {
    const { api, time } = setUp()
    const first = await api.token()
    assert.equal(first.expires, NOW + 15 * MINUTE)
    time.now += 14 * MINUTE - 1
    assert.equal((await api.token()).value, first.value)
    time.now += 1
    const second = await api.token()
    assert.notEqual(second.value, first.value)
    assert.equal(second.expires, time.now + 15 * MINUTE)
  })

  it('is renewed early when the cluster turned it away, once for all who were', async () => {
    const { api, time } = setUp()
    const refused = await api.token()
    time.now += MINUTE
    const renewed = await Promise.all([api.token({ refused }), api.token({ refused }), api.token()])
    assert.equal(new Set(renewed.map(({ value }) => value)).size, 1)
    assert.notEqual(renewed[0]?.value, refused.value)
    time.now += MINUTE
    assert.equal((await api.token({ refused })).value, renewed[0]?.value, 'it has been replaced already')
  })

  it('ends with the credentials that signed it, if they end first', async () => {
    const { api } = setUp(async () => ({ ...KEYS, expires: NOW + 5 * MINUTE }))
    assert.equal((await api.token()).expires, NOW + 5 * MINUTE)
  })

  it('is signed once for many who ask together', async () => {
    let asked = 0
    const { api } = setUp(async () => {
      asked++
      return KEYS
    })
    const tokens = await Promise.all(Array.from({ length: 10 }, () => api.token()))
    assert.equal(new Set(tokens.map(({ value }) => value)).size, 1)
    assert.equal(asked, 1)
  })

  it('is asked for again after a failure', async () => {
    const expired = new PgctlError('credentials-expired', 'expired')
    let fails = true
    const { api } = setUp(async () => {
      if (fails) throw expired
      return KEYS
    })
    await assert.rejects(api.token(), expired)
    fails = false
    assert.match((await api.token()).value, /^k8s-aws-v1\./)
  })
})

describe('the STS that a token is signed for', () => {
  const rows = [
    {
      reason: 'the region',
      region: 'us-east-1',
      environment: {},
      endpoint: 'https://sts.us-east-1.amazonaws.com/',
    },
    {
      reason: 'GovCloud',
      region: 'us-gov-west-1',
      environment: {},
      endpoint: 'https://sts.us-gov-west-1.amazonaws.com/',
    },
    {
      reason: 'China',
      region: 'cn-north-1',
      environment: {},
      endpoint: 'https://sts.cn-north-1.amazonaws.com.cn/',
    },
    {
      reason: 'an endpoint for every service',
      region: 'eu-central-1',
      environment: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' },
      endpoint: 'http://127.0.0.1:4566',
    },
    {
      reason: 'an endpoint of its own',
      region: 'eu-central-1',
      environment: {
        AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
        AWS_ENDPOINT_URL_STS: 'https://vpce-1.sts.example',
      },
      endpoint: 'https://vpce-1.sts.example',
    },
    {
      reason: 'endpoints that are to be ignored',
      region: 'eu-central-1',
      environment: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      endpoint: 'https://sts.eu-central-1.amazonaws.com/',
    },
  ]
  for (const { reason, region, environment, endpoint } of rows)
    it(`follows ${reason}`, () => assert.equal(stsEndpoint(region, environment), endpoint))

  it('is the one that answers where an endpoint is configured', async () => {
    const { value } = await setUp(async () => KEYS, { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' }).api.token()
    const { url, request } = requestOf(value)
    assert.equal(url.origin, 'http://127.0.0.1:4566')
    assert.equal(faultOf(request), undefined)
  })
})
