import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { passes, readFilters } from '#sandbox/aws/services/ec2-filters.ts'

/** What a listing says of one row, by the name of the filter. */
const row: Readonly<Record<string, readonly string[]>> = {
  'instance-id': ['i-0a1b2c3d4e5f60718'],
  'private-ip-address': ['10.0.16.20'],
  'instance-state-name': ['running'],
  'tag-key': ['Name', 'odd*name'],
  'tag:Name': ['ws-bastion'],
  'tag:odd*name': ['a?b'],
}
const valuesOf = (name: string) => row[name] ?? []

describe('filters of EC2', () => {
  it('are read from the numbered parameters of a query', () => {
    assert.deepEqual(
      readFilters({
        'Filter.1.Name': 'tag:Name',
        'Filter.1.Value.1': 'a',
        'Filter.1.Value.2': 'b',
        'Filter.2.Name': 'instance-state-name',
        'Filter.2.Value.1': 'running',
        MaxResults: '5',
      }),
      [
        { name: 'tag:Name', values: ['a', 'b'] },
        { name: 'instance-state-name', values: ['running'] },
      ],
    )
  })

  const ROWS: ReadonlyArray<[name: string, values: string[], passes: boolean, why: string]> = [
    ['tag:Name', ['ws-bastion'], true, 'the whole value'],
    ['tag:Name', ['bastion'], false, 'no part of it'],
    ['tag:Name', ['WS-bastion'], false, 'case counts'],
    ['tag:Name', ['*-bastion'], true, 'any text before'],
    ['tag:Name', ['ws-*'], true, 'any text behind'],
    ['tag:Name', ['ws?bastion'], true, 'one character'],
    ['tag:Name', ['ws-bastio?n'], false, 'one character, not none'],
    ['tag:Name', ['ws.bastion'], false, 'a dot is a dot'],
    ['tag:Name', ['other', 'ws-bastion'], true, 'one of several values'],
    ['tag:Name', [], false, 'no value'],
    ['tag:Environment', ['*'], false, 'a tag that is not there'],
    ['tag:odd*name', ['a\\?b'], true, 'an escaped question mark is one'],
    ['tag:odd*name', ['a\\*b'], false, 'an escaped star is one'],
    ['tag-key', ['Name'], true, 'a tag by its key'],
    ['instance-state-name', ['stopped'], false, 'another state'],
    ['private-ip-address', ['10.0.16.*'], true, 'an address'],
    ['instance-id', ['i-0a1b2c3d4e5f60718'], true, 'an id'],
  ]
  for (const [name, values, expected, why] of ROWS)
    it(`${name} ${JSON.stringify(values)}: ${why}`, () => {
      assert.equal(passes([{ name, values }], valuesOf), expected)
    })

  it('all must pass', () => {
    const byName = { name: 'tag:Name', values: ['*'] }
    assert.equal(passes([byName, { name: 'instance-state-name', values: ['running'] }], valuesOf), true)
    assert.equal(passes([byName, { name: 'instance-state-name', values: ['stopped'] }], valuesOf), false)
  })
})
