import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { acceptStreamUrl } from '#core/ssm/stream-url.ts'

const path = '/v1/data-channel/user-1?role=publish_subscribe'

describe('acceptStreamUrl', { timeout: 5_000 }, () => {
  const accepted: { url: string; region: string; override?: string; why: string }[] = [
    { url: 'wss://ssmmessages.us-east-1.amazonaws.com', region: 'us-east-1', why: 'the service' },
    {
      url: 'wss://ssmmessages.us-east-1.amazonaws.com:443',
      region: 'us-east-1',
      why: 'the port of wss, named',
    },
    {
      url: 'wss://ssmmessages-fips.us-gov-west-1.amazonaws.com',
      region: 'us-gov-west-1',
      why: 'FIPS, GovCloud',
    },
    { url: 'wss://ssmmessages.cn-north-1.amazonaws.com.cn', region: 'cn-north-1', why: 'China' },
    { url: 'wss://ssmmessages.eu-central-1.api.aws', region: 'eu-central-1', why: 'dual stack' },
    { url: 'wss://ssmmessages.cn-north-1.api.amazonwebservices.com.cn', region: 'cn-north-1', why: 'both' },
    { url: 'ws://127.0.0.1:4566', region: 'us-east-1', override: 'http://127.0.0.1:4566', why: 'a sandbox' },
    { url: 'ws://[::1]:4566', region: 'us-east-1', override: 'http://[::1]:4566/', why: 'a sandbox, IPv6' },
    {
      url: 'wss://vpce-1.internal:8443',
      region: 'us-east-1',
      override: 'https://vpce-1.internal:8443',
      why: 'an override',
    },
  ]
  for (const { url, why, region, override } of accepted) {
    it(`accepts ${url} (${why})`, () => {
      assert.equal(acceptStreamUrl(url + path, { region, override }).href, new URL(url + path).href)
    })
  }

  const override = 'http://127.0.0.1:4566'
  const refused: { url: string; override?: string; why: string }[] = [
    { url: '', why: 'no URL' },
    { url: 'ssmmessages.us-east-1.amazonaws.com', why: 'no scheme' },
    { url: 'https://ssmmessages.us-east-1.amazonaws.com', why: 'another scheme' },
    { url: 'ws://ssmmessages.us-east-1.amazonaws.com', why: 'in the clear' },
    { url: 'wss://ssmmessages.eu-west-1.amazonaws.com', why: 'another region' },
    { url: 'wss://ssm.us-east-1.amazonaws.com', why: 'another service' },
    { url: 'wss://ssmmessages.us-east-1.amazonaws.com.evil.example', why: 'a longer name' },
    { url: 'wss://evil-ssmmessages.us-east-1.amazonaws.com', why: 'a longer first label' },
    { url: 'wss://ssmmessages.us-east-1.amazonaws.com@evil.example', why: 'a user that looks like a host' },
    { url: 'wss://me:pw@ssmmessages.us-east-1.amazonaws.com', why: 'a user' },
    { url: 'wss://ssmmessages.us-east-1.amazonaws.com:8443', why: 'another port' },
    { url: 'wss://127.0.0.1:4566', why: 'loopback that nobody configured' },
    { url: 'ws://127.0.0.1:4566', why: 'plain loopback that nobody configured' },
    { url: 'ws://127.0.0.1:4567', override, why: 'another port than the override' },
    { url: 'wss://127.0.0.1:4566', override, why: 'another scheme than the override' },
    { url: 'ws://vpce-1.internal', override: 'http://vpce-1.internal', why: 'an override in the clear' },
    {
      url: 'ws://127.0.0.1.evil.example',
      override: 'http://127.0.0.1.evil.example',
      why: 'no loopback address',
    },
    { url: 'wss://evil.example', override: 'no url', why: 'an override that is none' },
  ]
  for (const { url, override, why } of refused) {
    it(`refuses ${JSON.stringify(url)} (${why})`, () => {
      assert.throws(
        () => acceptStreamUrl(url === '' ? url : url + path, { region: 'us-east-1', override }),
        (error) => isPgctlError(error, 'stream-url-refused') && !error.message.includes('role='),
      )
    })
  }

  it('opens the service’s own address at the endpoint that is configured for it, under TLS', () => {
    const url = `wss://ssmmessages.us-east-1.amazonaws.com${path}`
    const at = (override: string) => acceptStreamUrl(url, { region: 'us-east-1', override }).href
    const vpce = 'vpce-0a1b.ssmmessages.us-east-1.vpce.amazonaws.com'
    assert.equal(at(`https://${vpce}`), `wss://${vpce}${path}`)
    assert.equal(at(`https://${vpce}:8443/`), `wss://${vpce}:8443${path}`)
    assert.equal(at('http://127.0.0.1:4566'), url, 'what is in the clear takes nothing over')
  })

  it('takes no region that could leave its place in the host’s name', () => {
    for (const region of ['evil.example#', 'us-east-1.evil.example/', '', '..']) {
      assert.throws(() => acceptStreamUrl(`wss://ssmmessages.${region}.amazonaws.com${path}`, { region }))
    }
  })
})
