import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { guardOf, type HttpAsk, judgeRequest, localName, type NearPlace } from '#core/tunnel/http-guard.ts'

const PLACE: NearPlace = { target: 'grafana', installation: 'acme', bind: undefined }
const GUARD = guardOf(PLACE)

/** What a person's own browser asks when they have typed the address, but for `change`. */
function ask(change: Partial<HttpAsk> = {}): HttpAsk {
  return {
    ...{ method: 'GET', target: '/', hosts: ['grafana.acme.localhost:20123'], origins: [] },
    ...{ fetchSite: undefined, fetchMode: undefined, fetchDest: undefined },
    ...change,
  }
}

function whyNot(change: Partial<HttpAsk>, guard = GUARD): string {
  const verdict = judgeRequest(ask(change), guard)
  return verdict.allow ? 'allowed' : `${verdict.status} ${verdict.why}`
}

describe('the name of a target for browsers', () => {
  for (const [why, change, wanted] of [
    ['says what it is of which installation', {}, 'grafana.acme.localhost'],
    ['is there on every address, too', { bind: '0.0.0.0' }, 'grafana.acme.localhost'],
    ['is not there where no loopback listens', { bind: '192.168.1.5' }, undefined],
    ['is not there for what is no name', { target: 'hermes:1702' }, undefined],
  ] as const)
    it(why, () => assert.equal(localName({ ...PLACE, ...change }), wanted))
})

describe('a request by its host', () => {
  for (const host of [
    'grafana.acme.localhost:20123',
    'GRAFANA.acme.localhost',
    'localhost:20123',
    'localhost.:20123',
    '127.0.0.1:20123',
    '[::1]:20123',
    // Through a port of a container, say: a browser cannot be led to an address by a name.
    '127.0.0.1:8080',
  ])
    it(`is served as ${host}`, () => assert.equal(whyNot({ hosts: [host] }), 'allowed'))

  for (const host of [
    // A name that its owner has let point at this computer.
    'rebound.example:20123',
    'grafana.acme.localhost.example',
    // Another installation, or another target: their cookies are not for this one.
    'grafana.globex.localhost:20123',
    'prometheus.acme.localhost:20123',
    '192.168.1.5:20123',
    '127.0.0.1.nip.io',
    'user@localhost',
    '',
  ])
    it(`is refused as "${host}"`, () =>
      assert.equal(whyNot({ hosts: [host] }), `403 nothing here is called ${host}`))

  it('names one host, and a path', () => {
    assert.equal(whyNot({ hosts: [] }), '400 a request names one host')
    assert.equal(whyNot({ hosts: ['localhost', 'localhost'] }), '400 a request names one host')
    assert.equal(whyNot({ target: 'http://localhost/' }), '400 the target of a request is a path here')
    assert.equal(whyNot({ target: '*' }), '400 the target of a request is a path here')
    assert.equal(whyNot({ target: '*', method: 'OPTIONS' }), 'allowed')
  })

  it('goes by the address that was asked for to listen on', () => {
    const one = guardOf({ ...PLACE, bind: '192.168.1.5' })
    assert.equal(whyNot({ hosts: ['192.168.1.5:20123'] }, one), 'allowed')
    assert.equal(
      whyNot({ hosts: ['192.168.1.6:20123'] }, one),
      '403 nothing here is called 192.168.1.6:20123',
    )
    const every = guardOf({ ...PLACE, bind: '0.0.0.0' })
    assert.equal(whyNot({ hosts: ['192.168.1.6:20123'] }, every), 'allowed')
    assert.equal(whyNot({ hosts: ['rebound.example'] }, every), '403 nothing here is called rebound.example')
  })

  it('is never served under a name that is not on the list', () => {
    fc.assert(
      fc.property(fc.domain(), fc.option(fc.nat(65_535)), (domain, port) => {
        const host = port === null ? domain : `${domain}:${port}`
        assert.match(whyNot({ hosts: [host] }), /^403 /)
      }),
    )
  })
})

describe('a request of a page', () => {
  const SAME = 'http://grafana.acme.localhost:20123'
  for (const [why, change, wanted] of [
    ['of its own', { origins: [SAME], fetchSite: 'same-origin' }, 'allowed'],
    ['of its own, of a browser that tells no site', { origins: [SAME] }, 'allowed'],
    [
      'typed or from a bookmark',
      { fetchSite: 'none', fetchMode: 'navigate', fetchDest: 'document' },
      'allowed',
    ],
    [
      'of another site, by a form',
      { method: 'POST', origins: ['https://evil.example'], fetchSite: 'cross-site' },
      '403 pages of https://evil.example have no business here',
    ],
    [
      'of another port of this computer',
      { hosts: ['localhost:20123'], origins: ['http://localhost:3000'], fetchSite: 'same-site' },
      '403 pages of http://localhost:3000 have no business here',
    ],
    ['that hides where it is from', { origins: ['null'] }, '403 pages of null have no business here'],
    [
      'by TLS, which is not spoken here',
      { origins: ['https://grafana.acme.localhost:20123'] },
      '403 pages of https://grafana.acme.localhost:20123 have no business here',
    ],
    [
      'with two origins, of which one is its own',
      { origins: [SAME, 'http://evil.example'] },
      '403 pages of http://evil.example have no business here',
    ],
    [
      'of another site, as an image, which sends no origin',
      { fetchSite: 'cross-site', fetchMode: 'no-cors', fetchDest: 'image' },
      '403 a page of another site has asked for this',
    ],
    [
      'of another target of the same installation, as a script',
      { fetchSite: 'same-site', fetchMode: 'no-cors', fetchDest: 'script' },
      '403 a page of another site has asked for this',
    ],
  ] as const)
    it(why, () => assert.equal(whyNot(change), wanted))

  it('may be allowed by a click where a link has led to it as a whole, and by nothing else', () => {
    const link = { fetchSite: 'cross-site', fetchMode: 'navigate', fetchDest: 'document' }
    const maySayYes = (change: Partial<HttpAsk>) => {
      const verdict = judgeRequest(ask({ ...link, ...change }), GUARD)
      return !verdict.allow && verdict.maySayYes
    }
    assert.equal(maySayYes({}), true)
    assert.equal(maySayYes({ fetchDest: 'iframe' }), false)
    assert.equal(maySayYes({ method: 'POST' }), false)
    assert.equal(maySayYes({ hosts: ['rebound.example'] }), false)
  })

  it('of any other origin is refused, whatever the site says', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ validSchemes: ['http', 'https'] }),
        fc.constantFrom('none', 'same-origin'),
        (url, fetchSite) => {
          assert.match(whyNot({ origins: [new URL(url).origin], fetchSite }), /^403 /)
        },
      ),
    )
  })

  it('has long words cut short', () => {
    const [, why = ''] = /^403 (.*)/.exec(whyNot({ origins: [`http://${'x'.repeat(5_000)}`] })) ?? []
    assert.ok(why.length < 200)
  })
})
