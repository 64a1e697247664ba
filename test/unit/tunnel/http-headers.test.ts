import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forBrowser, forFarEnd, refusalPage, withoutDomain } from '#core/tunnel/http-headers.ts'

describe('the headers of a request on its way', () => {
  it('are those that came, in order and twice where they came twice, less those of one connection', () => {
    const raw = [
      'Host',
      'a',
      'X-One',
      '1',
      'Connection',
      'close, X-Two',
      'x-two',
      '2',
      'X-One',
      '3',
      'TE',
      'trailers',
    ]
    assert.deepEqual(forFarEnd(raw, 'keep-alive'), [
      ...['Host', 'a', 'X-One', '1', 'X-One', '3'],
      ...['Connection', 'keep-alive'],
    ])
  })

  it('keep a framing, so that it is made again as it was', () =>
    assert.deepEqual(forFarEnd(['Transfer-Encoding', 'chunked'], 'keep-alive').slice(0, 2), [
      'Transfer-Encoding',
      'chunked',
    ]))

  it('ask for an upgrade where one is asked for, and offer none that is not taken', () => {
    const raw = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13']
    assert.deepEqual(forFarEnd(raw, 'upgrade').slice(2), ['Connection', 'Upgrade', 'Upgrade', 'websocket'])
    assert.deepEqual(forFarEnd(raw, 'keep-alive').slice(2), ['Connection', 'keep-alive'])
  })
})

describe('the headers of an answer', () => {
  it('say that the connection ends where it does', () => {
    assert.deepEqual(forBrowser(['Connection', 'close', 'A', 'b']), ['A', 'b', 'Connection', 'close'])
    assert.deepEqual(forBrowser(['Connection', 'keep-alive', 'A', 'b']), ['A', 'b'])
  })

  it('of one that is passed on until its end have no framing', () =>
    assert.deepEqual(forBrowser(['Transfer-Encoding', 'chunked', 'A', 'b'], 'close'), [
      ...['A', 'b', 'Connection', 'close'],
    ]))

  for (const [cookie, wanted] of [
    ['s=1; Path=/; Domain=grafana.customer.example; HttpOnly', 's=1; Path=/; HttpOnly'],
    ['s=1; domain=.localhost', 's=1'],
    ['s=1; Domain=; Secure', 's=1; Secure'],
    ['s=1;DOMAIN = a ; Path=/', 's=1; Path=/'],
    ['s=domain=x; Path=/', 's=domain=x; Path=/'],
    ['s=1; SubDomain=x', 's=1; SubDomain=x'],
  ] as const)
    it(`keep a cookie to the host that was asked: ${cookie}`, () => {
      assert.equal(withoutDomain(cookie), wanted)
      assert.deepEqual(forBrowser(['Set-Cookie', cookie]), ['Set-Cookie', wanted])
    })
})

describe('the page of a refusal', () => {
  it('is text, may stand in no frame, and holds nothing that a browser would obey', () => {
    const { headers, body } = refusalPage({ why: 'pages of <script> have no business here', maySayYes: true })
    assert.match(body, /pages of &lt;script&gt; have/)
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
    assert.match(headers['content-security-policy'] ?? '', /frame-ancestors 'none'/)
  })

  it('offers a click only where that may be', () => {
    assert.match(refusalPage({ why: 'x', maySayYes: true }).body, /<a href="">/)
    assert.doesNotMatch(refusalPage({ why: 'x', maySayYes: false }).body, /</)
  })
})
