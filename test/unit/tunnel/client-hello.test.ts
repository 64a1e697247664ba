import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeClientHello, isTlsAnswer } from '#core/tunnel/client-hello.ts'

const RANDOM = Uint8Array.from({ length: 32 }, (_, index) => index)

describe('encodeClientHello', { timeout: 10_000 }, () => {
  it('is the record of RFC 5246, byte by byte', () => {
    assert.equal(
      Buffer.from(encodeClientHello(RANDOM, undefined)).toString('hex'),
      [
        '16 0301 005d', // record: handshake, of 93 bytes
        '01 000059', // ClientHello, of 89
        '0303', // TLS 1.2
        Buffer.from(RANDOM).toString('hex'),
        '00', // no session id
        '000c c02b c02f c02c c030 cca9 cca8', // cipher suites
        '01 00', // no compression
        '0024', // extensions
        '000a 0008 0006 001d 0017 0018', // groups
        '000b 0002 01 00', // point formats
        '000d 000e 000c 0403 0804 0401 0503 0805 0501', // signatures
      ]
        .join('')
        .replaceAll(' ', ''),
    )
  })

  it('names the server, where it has a name', () => {
    const hello = Buffer.from(encodeClientHello(RANDOM, 'a.example')).toString('hex')
    assert.ok(hello.includes(`0000000e000c000009${Buffer.from('a.example').toString('hex')}`))
    assert.equal(Number.parseInt(hello.slice(6, 10), 16), hello.length / 2 - 5)
  })
})

describe('isTlsAnswer', { timeout: 10_000 }, () => {
  for (const [bytes, expected, why] of [
    [[0x16, 3, 3], true, 'a handshake message'],
    [[0x15, 3, 1], true, 'an alert'],
    [[0x16], true, 'only the first byte so far'],
    [[0x16, 2], false, 'another version of records'],
    [[0x17, 3, 3], false, 'application data before a handshake'],
    [[0x48, 0x54, 0x54, 0x50], false, 'HTTP'],
    [[], false, 'nothing'],
  ] as const)
    it(why, () => assert.equal(isTlsAnswer(Uint8Array.from(bytes)), expected))
})
