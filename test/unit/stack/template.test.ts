import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { rollbackTarget } from '#core/stack/history.ts'
import { chooseParameters } from '#core/stack/parameters.ts'
import { compareVersions, planOf, skewOf } from '#core/stack/plan.ts'
import { labelled, releaseId, releaseOf, takenBy } from '#core/stack/release.ts'
import { markOf, parameterise } from '#core/stack/template.ts'

const [WORKSPACE, SUBNETS] = [markOf('workspace'), markOf('subnets')]
const SPECS = { workspace: { pattern: '^a$' }, subnets: { default: 'subnet-a' }, unused: {} }

describe('a template with marks', () => {
  const cases: [name: string, before: unknown, after: unknown][] = [
    ['a whole text', WORKSPACE, { Ref: 'Workspace' }],
    ['part of one', `${WORKSPACE}-x`, { 'Fn::Sub': `\${Workspace}-x` }],
    ['two in one', `${WORKSPACE}/${SUBNETS}`, { 'Fn::Sub': `\${Workspace}/\${Subnets}` }],
    [
      'inside a Sub',
      { 'Fn::Sub': `arn:\${AWS::Region}:${WORKSPACE}` },
      { 'Fn::Sub': `arn:\${AWS::Region}:\${Workspace}` },
    ],
    ['beside a literal', `\${x}${WORKSPACE}`, { 'Fn::Sub': `\${!x}\${Workspace}` }],
    ['in a list', { 'Fn::Split': [',', SUBNETS] }, { 'Fn::Split': [',', { Ref: 'Subnets' }] }],
    ['no mark', ['a', 1, true, null], ['a', 1, true, null]],
  ]
  for (const [name, before, after] of cases)
    it(`${name} becomes a parameter where it has one`, () => {
      assert.deepEqual(parameterise({ It: before as string }, SPECS)['It'], after)
    })

  it('takes the parameters that it uses, with what is said of them', () => {
    const template = parameterise({ It: `${WORKSPACE}${SUBNETS}` }, SPECS)
    assert.deepEqual(template['Parameters'], {
      Workspace: { Type: 'String', AllowedPattern: '^a$' },
      Subnets: { Type: 'String', Default: 'subnet-a' },
    })
    assert.deepEqual(
      takenBy(template).map(({ name, initial }) => [name, initial]),
      [
        ['Workspace', undefined],
        ['Subnets', 'subnet-a'],
      ],
    )
  })

  it('is refused with a mark of nothing', () => {
    assert.throws(() => parameterise({ It: markOf('other') }, SPECS), /other/)
  })

  it('says which release it is of, and another content is another one', () => {
    const one = labelled('1.0.0', { a: 1 })
    assert.equal(releaseOf(one), releaseId('1.0.0', { a: 1 }))
    assert.notEqual(releaseOf(labelled('1.0.0', { a: 2 })), releaseOf(one))
  })
})

describe('the parameters of a stack', () => {
  const takes = [
    { name: 'Workspace', initial: undefined, description: 'the prefix' },
    { name: 'Topic', initial: undefined, description: 'for alarms' },
    { name: 'Lock', initial: 'none', description: undefined },
  ]
  const none = new Map<string, string>()

  it('are what is given, else what is known, else what the stack has, else what the template begins with', () => {
    const given = new Map([['topic', 'given']])
    const known = new Map([['Workspace', 'known']])
    const deployed = new Map([
      ['Topic', 'old'],
      ['Lock', 'GOVERNANCE'],
    ])
    assert.deepEqual(chooseParameters(takes, { given, known, deployed }), [
      { name: 'Workspace', value: 'known' },
      { name: 'Topic', value: 'given' },
      { name: 'Lock', value: undefined },
    ])
    assert.deepEqual(chooseParameters(takes, { given, known, deployed: none }).at(-1), {
      name: 'Topic',
      value: 'given',
    })
  })

  it('that nobody has said are named, each with what it is', () => {
    assert.throws(
      () => chooseParameters(takes, { given: none, known: none, deployed: none }),
      (error) =>
        isPgctlError(error, 'usage') && /Workspace: the prefix; Topic: for alarms/.test(error.why ?? ''),
    )
  })

  it('that there are not are refused', () => {
    const given = new Map([['tpoic', 'x']])
    assert.throws(
      () => chooseParameters(takes, { given, known: none, deployed: none }),
      (error) => isPgctlError(error, 'usage') && /Tpoic/.test(error.message),
    )
  })
})

describe('a plan', () => {
  const change = (
    resource: string,
    type: string,
    action: 'add' | 'change' | 'remove',
    replaces: 'yes' | 'no' | 'maybe' = 'no',
  ) => ({
    action,
    resource,
    type,
    physical: undefined,
    replaces,
    properties: [],
  })

  it('says which parts give rights, and which take something away', () => {
    const { changes, rights, losses } = planOf([
      change('Queue', 'AWS::SQS::Queue', 'add'),
      change('Role', 'AWS::IAM::Role', 'change'),
      change('Key', 'AWS::KMS::Key', 'change', 'yes'),
      change('Alias', 'AWS::KMS::Alias', 'remove'),
      change('Bucket', 'AWS::S3::Bucket', 'change', 'maybe'),
    ])
    const names = (list: typeof changes) => list.map(({ resource }) => resource)
    assert.deepEqual(names(changes), ['Alias', 'Bucket', 'Key', 'Role', 'Queue'])
    assert.deepEqual(names(rights), ['Key', 'Role'])
    assert.deepEqual(names(losses), ['Alias', 'Bucket', 'Key'])
  })
})

describe('versions', () => {
  it('go by their numbers, and one that is not finished comes before', () => {
    const sorted = ['0.1.0', '0.2.0-beta', '0.2.0', '0.10.0', '1.0.0']
    for (const [at, one] of sorted.entries())
      for (const [place, other] of sorted.entries())
        assert.equal(Math.sign(compareVersions(one, other)), Math.sign(at - place), `${one} ${other}`)
  })

  it('that are equal, or not known, are nothing to be said (property)', () => {
    fc.assert(
      fc.property(fc.constantFrom('0.1.0', '2.3.4', '2.3.4-rc.1'), (version) => {
        assert.deepEqual(skewOf({ here: version, functions: version, bastion: version }), [])
        assert.deepEqual(skewOf({ here: version, functions: undefined, bastion: undefined }), [])
      }),
    )
  })

  it('that differ are told where somebody must do something', () => {
    assert.deepEqual(skewOf({ here: '0.2.0', functions: '0.1.0', bastion: '0.1.0' }), [])
    assert.match(
      skewOf({ here: '0.1.0', functions: '0.2.0', bastion: undefined })[0] ?? '',
      /takes them back/,
    )
    assert.match(
      skewOf({ here: '0.2.0', functions: '0.2.0', bastion: '0.1.0' })[0] ?? '',
      /refresh its image/,
    )
    assert.match(
      skewOf({ here: '0.1.0', functions: '0.1.0', bastion: '0.3.0' })[0] ?? '',
      /newer than this pgctl/,
    )
  })
})

describe('going back', () => {
  const entry = (release: string, version: string) => ({ release, version, at: '2026-01-01T00:00:00Z' })
  const history = [entry('0.2.0-b', '0.2.0'), entry('0.1.0-a', '0.1.0'), entry('0.0.9-z', '0.0.9')]

  it('is to what was deployed before what runs, or to the one that is named', () => {
    assert.equal(rollbackTarget(history, '0.2.0-b', undefined).release, '0.1.0-a')
    assert.equal(rollbackTarget(history, '0.1.0-a', undefined).release, '0.2.0-b')
    assert.equal(rollbackTarget(history, '0.2.0-b', '0.0.9').release, '0.0.9-z')
    assert.equal(rollbackTarget(history, '0.2.0-b', '0.0.9-z').release, '0.0.9-z')
  })

  it('is refused where there is nothing, with what there is', () => {
    for (const [list, running, wanted, why] of [
      [[], undefined, undefined, /only what runs/],
      [history, '0.2.0-b', '3.0.0', /0\.1\.0-a, 0\.0\.9-z/],
    ] as const)
      assert.throws(
        () => rollbackTarget(list, running, wanted),
        (error) => isPgctlError(error, 'usage') && why.test(error.why ?? ''),
      )
  })
})
