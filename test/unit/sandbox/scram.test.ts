import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scramChallenge } from '#sandbox/datastores/scram.ts'

/** The exchange of RFC 7677, section 3. */
const RFC = {
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  secret: {
    password: 'pencil',
    salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
    nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  },
  challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
    'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  signature: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

describe('SCRAM-SHA-256, as the server', () => {
  it('goes as in the RFC', () => {
    const challenge = scramChallenge(RFC.first, RFC.secret)
    assert.equal(challenge?.text, RFC.challenge)
    assert.equal(challenge?.verify(RFC.final), RFC.signature)
  })

  const ROWS: ReadonlyArray<[why: string, final: string, password: string]> = [
    ['another password', RFC.final, 'pen'],
    ['another nonce', RFC.final.replace('r=rO', 'r=rX'), 'pencil'],
    ['another binding', RFC.final.replace('c=biws', 'c=eSws'), 'pencil'],
    ['a changed proof', RFC.final.replace('p=dH', 'p=dX'), 'pencil'],
    ['a short proof', RFC.final.replace(/p=.*/, 'p=dHzb'), 'pencil'],
    ['no proof', RFC.final.replace(/,p=.*/, ''), 'pencil'],
  ]
  for (const [why, final, password] of ROWS)
    it(`refuses ${why}`, () => {
      assert.equal(scramChallenge(RFC.first, { ...RFC.secret, password })?.verify(final), undefined)
    })

  for (const first of ['', 'p=tls-server-end-point,,n=u,r=x', 'n,,n=u', 'n,,r=x', 'y,,n=u,r=a b'])
    it(`takes no "${first}" for a beginning`, () => {
      assert.equal(scramChallenge(first, RFC.secret), undefined)
    })
})
