import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headerOf, type WireRequest } from '#sandbox/aws/http-message.ts'
import { checkClaim, isFault, readClaim, type SignatureClaim, signatureOf } from '#sandbox/aws/signature.ts'

/** Key, time, and the signatures below are those of the vendor's own published test suite for SigV4. */
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const NOW = Date.parse('2015-08-30T12:36:00Z')
const MINUTE = 60_000

function request(line: string, headers: ReadonlyArray<readonly [string, string]>, body = ''): WireRequest {
  const [method = '', target = ''] = line.split(' ')
  const at = target.indexOf('?')
  return {
    method,
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? '' : target.slice(at + 1),
    headers: [['Host', 'example.amazonaws.com'], ['X-Amz-Date', '20150830T123600Z'], ...headers],
    body: Buffer.from(body),
    secure: true,
  }
}

function signed(unsigned: WireRequest, names: string, signature: string, date = '20150830'): WireRequest {
  const credential = `AKIDEXAMPLE/${date}/us-east-1/service/aws4_request`
  const value = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
  return { ...unsigned, headers: [...unsigned.headers, ['Authorization', value]] }
}

function claimOf(of: WireRequest): SignatureClaim {
  const claim = readClaim(of)
  if (isFault(claim)) assert.fail(claim.message)
  return claim
}

const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'

const KNOWN = [
  { why: 'nothing special', line: 'GET /', names: 'host;x-amz-date', signature: VANILLA },
  {
    why: 'a header given several times keeps its order',
    line: 'GET /',
    headers: [
      ['My-Header1', 'value2'],
      ['My-Header1', 'value2'],
      ['My-Header1', 'value1'],
    ],
    names: 'host;my-header1;x-amz-date',
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  {
    why: 'blanks around and inside values',
    line: 'GET /',
    headers: [
      ['My-Header1', ' value1'],
      ['My-Header2', ' "a   b   c"'],
    ],
    names: 'host;my-header1;my-header2;x-amz-date',
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    why: 'query sorted by name',
    line: 'GET /?Param2=value2&Param1=value1',
    names: 'host;x-amz-date',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    why: 'query sorted by value',
    line: 'GET /?Param1=value2&Param1=value1',
    names: 'host;x-amz-date',
    signature: '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  },
  {
    why: 'unreserved characters stay as they are',
    line: 'GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    names: 'host;x-amz-date',
    signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  },
  {
    why: 'a path of other letters',
    line: 'GET /ሴ',
    names: 'host;x-amz-date',
    signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
  },
  { why: 'dot segments', line: 'GET /example/..', names: 'host;x-amz-date', signature: VANILLA },
  { why: 'double slashes', line: 'GET //./', names: 'host;x-amz-date', signature: VANILLA },
  {
    why: 'a body',
    line: 'POST /',
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: 'Param1=value1',
    names: 'content-type;host;x-amz-date',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
] as const

describe('signature version 4', () => {
  for (const row of KNOWN)
    it(`accepts the published signature: ${row.why}`, () => {
      const plain = request(row.line, 'headers' in row ? row.headers : [], 'body' in row ? row.body : '')
      const whole = signed(plain, row.names, row.signature)
      assert.equal(checkClaim(claimOf(whole), whole, SECRET, NOW), undefined)
    })

  const good = signed(request('GET /', []), 'host;x-amz-date', VANILLA)
  const WRONG = [
    { why: 'another secret', request: good, secret: 'x', now: NOW, kind: 'mismatch' },
    { why: 'another body', request: { ...good, body: Buffer.from('x') }, kind: 'mismatch' },
    { why: 'another path', request: { ...good, path: '/x' }, kind: 'mismatch' },
    { why: 'another query', request: { ...good, query: 'x=1' }, kind: 'mismatch' },
    { why: 'another method', request: { ...good, method: 'PUT' }, kind: 'mismatch' },
    {
      why: 'a signature cut short',
      request: signed(request('GET /', []), 'host;x-amz-date', VANILLA.slice(0, 60)),
      kind: 'mismatch',
    },
    {
      why: 'an amazon header that is not covered',
      request: { ...good, headers: [...good.headers, ['X-Amz-Target', 'AmazonSSM.StartSession'] as const] },
      kind: 'mismatch',
    },
    {
      why: 'the host not covered',
      request: signed(request('GET /', []), 'x-amz-date', VANILLA),
      kind: 'mismatch',
    },
    {
      why: 'the scope of another day',
      request: signed(request('GET /', []), 'host;x-amz-date', VANILLA, '20150831'),
      kind: 'mismatch',
    },
    { why: '16 minutes late', request: good, now: NOW + 16 * MINUTE, kind: 'expired' },
    { why: '16 minutes early', request: good, now: NOW - 16 * MINUTE, kind: 'early' },
  ] as const
  for (const row of WRONG)
    it(`refuses ${row.why}`, () => {
      const secret = 'secret' in row ? row.secret : SECRET
      const fault = checkClaim(claimOf(row.request), row.request, secret, 'now' in row ? row.now : NOW)
      assert.equal(fault?.kind, row.kind)
    })

  it('accepts a clock that is 14 minutes off, either way', () => {
    for (const off of [-14, 14])
      assert.equal(checkClaim(claimOf(good), good, SECRET, NOW + off * MINUTE), undefined)
  })

  const MALFORMED = [
    { why: 'no signature', value: undefined, kind: 'no-token' },
    { why: 'another algorithm', value: 'Bearer abc', kind: 'incomplete' },
    { why: 'no credential', value: 'AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00', kind: 'incomplete' },
    {
      why: 'a credential of four parts',
      value: 'AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/ssm, SignedHeaders=host, Signature=00',
      kind: 'incomplete',
    },
  ] as const
  for (const row of MALFORMED)
    it(`tells what is missing: ${row.why}`, () => {
      const plain = request('GET /', row.value === undefined ? [] : [['Authorization', row.value]])
      const outcome = readClaim(plain)
      assert.ok(isFault(outcome))
      assert.equal(outcome.kind, row.kind)
    })

  it('reads a presigned request from its query, and checks it', () => {
    const query = (signature: string) =>
      [
        'Action=GetCallerIdentity',
        'X-Amz-Algorithm=AWS4-HMAC-SHA256',
        'X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fsts%2Faws4_request',
        'X-Amz-Date=20150830T123600Z',
        'X-Amz-Expires=60',
        'X-Amz-SignedHeaders=host',
        `X-Amz-Signature=${signature}`,
      ].join('&')
    const unsigned: WireRequest = {
      method: 'GET',
      path: '/',
      query: query('00'),
      headers: [['Host', 'sts.us-east-1.amazonaws.com']],
      body: Buffer.alloc(0),
      secure: true,
    }
    const signature = signatureOf(claimOf(unsigned), unsigned, SECRET)
    const whole = { ...unsigned, query: query(signature) }
    const claim = claimOf(whole)
    assert.equal(claim.expires, 60_000)
    assert.equal(checkClaim(claim, whole, SECRET, NOW + 14 * MINUTE), undefined)
    assert.equal(checkClaim(claim, whole, SECRET, NOW + 16 * MINUTE)?.kind, 'expired')
    const tampered = { ...whole, query: whole.query.replace('GetCallerIdentity', 'GetSessionToken') }
    assert.equal(checkClaim(claimOf(tampered), tampered, SECRET, NOW)?.kind, 'mismatch')
    assert.equal(headerOf(whole, 'host'), 'sts.us-east-1.amazonaws.com')
  })
})
