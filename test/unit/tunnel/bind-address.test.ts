import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { parseBindAddress } from '#core/tunnel/bind-address.ts'

describe('parseBindAddress', { timeout: 10_000 }, () => {
  for (const [text, address] of [
    [undefined, undefined],
    ['localhost', undefined],
    ['LocalHost', undefined],
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['192.0.2.1', '192.0.2.1'],
    ['[::1]', '::1'],
    ['FE80::0001', 'fe80::1'],
  ] as const)
    it(`${text} → ${address ?? 'both loopbacks'}`, () => assert.equal(parseBindAddress(text), address))

  for (const text of ['', 'foo', 'db.internal', '1.2.3', '1.2.3.400', '127.0.0.1:80', 'fe80::1%eth0'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseBindAddress(text),
        (error) => isPgctlError(error, 'usage') && error.message.startsWith(JSON.stringify(text)),
      )
    })
})
