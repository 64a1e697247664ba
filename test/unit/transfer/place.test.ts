import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { lastNameOf, parsePlaces } from '#core/transfer/place.ts'

describe('the two paths of a copy', () => {
  const DOWNLOADS = [
    [':/var/log', '.', '/var/log', '.'],
    ['bastion:/var/log', './here', '/var/log', './here'],
    [':notes.txt', 'C:\\Users\\me', 'notes.txt', 'C:\\Users\\me'],
    [':a:b', 'x', 'a:b', 'x'],
    [':', 'x', '.', 'x'],
    [':~/x', './a:b', '~/x', './a:b'],
    [':with\nbreak and "quotes"', 'x', 'with\nbreak and "quotes"', 'x'],
  ] as const
  for (const [source, destination, far, near] of DOWNLOADS)
    it(`${JSON.stringify(source)} to ${JSON.stringify(destination)} comes down`, () =>
      assert.deepEqual(parsePlaces(source, destination), { direction: 'download', near, far }))

  it('the other way round it goes up', () =>
    assert.deepEqual(parsePlaces('dir/a:b', 'bastion:/tmp'), {
      direction: 'upload',
      near: 'dir/a:b',
      far: '/tmp',
    }))

  const WRONG = [
    ['a', 'b', 'neither is on the bastion'],
    [':a', ':b', 'both are'],
    ['host:/a', 'b', 'there is only one bastion'],
    ['', ':b', 'an empty path'],
  ] as const
  for (const [source, destination, why] of WRONG)
    it(`refuses ${JSON.stringify([source, destination])}: ${why}`, () =>
      assert.throws(
        () => parsePlaces(source, destination),
        (error) => isPgctlError(error, 'usage') && error.next !== undefined,
      ))

  it('a copy into a folder has the last name', () => {
    assert.equal(lastNameOf('/var/log/'), 'log')
    assert.equal(lastNameOf('a b\nc'), 'a b\nc')
    for (const path of ['/', '.', '..', '/var/..', '~', ''])
      assert.throws(
        () => lastNameOf(path),
        (error) => isPgctlError(error, 'usage'),
        path,
      )
  })
})
