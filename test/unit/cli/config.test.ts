import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ConfigFile, chooseInstallation, currentChoice, resolveConfig } from '#cli/config.ts'
import { isPgctlError } from '#core/errors.ts'

const entry = (region = 'eu-central-1') =>
  `{ workspace: paragon-acme-5d1f0c2e, account: "111122223333", region: ${region} }`
const user = (text: string): ConfigFile => ({ path: '/home/me/config.yaml', origin: 'user', text })
const project = (text: string): ConfigFile => ({ path: '/project/pgctl.yaml', origin: 'project', text })
const config = (
  files: ConfigFile[],
  {
    flags = {},
    environment = {},
  }: { flags?: Record<string, string>; environment?: Record<string, string> } = {},
) => resolveConfig({ flags, environment, files })

describe('where a setting comes from', () => {
  const files = [project('bind: 127.0.0.2'), user('bind: 127.0.0.3\ntail: 7')]
  const rows = [
    { flags: { bind: 'a' }, environment: { PGCTL_BIND: 'b' }, value: 'a', origin: 'flag', from: '--bind' },
    { flags: {}, environment: { PGCTL_BIND: 'b' }, value: 'b', origin: 'environment', from: 'PGCTL_BIND' },
    {
      flags: {},
      environment: { PGCTL_BIND: '' },
      value: '127.0.0.2',
      origin: 'project',
      from: '/project/pgctl.yaml',
    },
  ]
  for (const { flags, environment, ...setting } of rows)
    it(`${setting.origin} gives ${setting.value}`, () => {
      assert.deepEqual(config(files, { flags, environment }).settings.bind, setting)
    })

  it('the user file gives what the project file leaves open, and a number is as good as a text', () => {
    assert.deepEqual(config(files).settings.tail, {
      value: '7',
      origin: 'user',
      from: '/home/me/config.yaml',
    })
  })

  it('the default is what nobody has set', () => {
    assert.deepEqual(config([]).settings.bind, { value: 'localhost', origin: 'default', from: undefined })
  })
})

describe('installations', () => {
  it('the project file describes an installation anew', () => {
    const found = config([
      project(`installations: { acme: ${entry('eu-west-1')} }`),
      user(`installations: { acme: ${entry()} }`),
    ])
    assert.equal(found.installations.get('acme')?.entry.region, 'eu-west-1')
    assert.equal(found.installations.get('acme')?.from, '/project/pgctl.yaml')
  })

  it('the only one there is needs no choice', () => {
    assert.equal(chooseInstallation(config([user(`installations: { acme: ${entry()} }`)])).name, 'acme')
  })

  it('flags override region and profile of the entry', () => {
    const files = [user(`installations: { acme: ${entry()} }`)]
    const chosen = chooseInstallation(config(files, { flags: { region: 'us-east-1', profile: 'night' } }))
    assert.deepEqual([chosen.region, chosen.profile], ['us-east-1', 'night'])
  })

  const two = user(`installations: { acme: ${entry()}, apex: ${entry()} }`)
  const refusals = [
    {
      files: [],
      flags: {},
      code: 'installation-unknown',
      says: /pgctl sandbox up/,
      why: 'nothing is configured',
    },
    {
      files: [two],
      flags: {},
      code: 'ambiguous-name',
      says: /--installation acme/,
      why: 'two and no choice',
    },
    {
      files: [two],
      flags: {},
      code: 'ambiguous-name',
      says: /pgctl use acme/,
      why: 'a choice that lasts',
    },
    {
      files: [two],
      flags: { installation: 'acne' },
      code: 'installation-unknown',
      says: /acme/,
      why: 'the nearest name',
    },
  ] as const
  for (const { files, flags, code, says, why } of refusals)
    it(`${code}: ${why}`, () => {
      assert.throws(
        () => chooseInstallation(config([...files], { flags })),
        (error) => isPgctlError(error, code) && says.test(error.next ?? ''),
      )
    })
})

describe('what commands act on now', () => {
  const two = user(`installations: { acme: ${entry()}, apex: ${entry()} }\ninstallation: apex`)

  it('is what the file says, with the file', () => {
    assert.deepEqual(currentChoice(config([two])), { name: 'apex', from: '/home/me/config.yaml' })
  })

  it('is what a variable says before that', () => {
    const environment = { PGCTL_INSTALLATION: 'acme' }
    assert.deepEqual(currentChoice(config([two], { environment })), {
      name: 'acme',
      from: 'PGCTL_INSTALLATION',
    })
  })

  it('is the only one there is, though nothing says so', () => {
    const one = user(`installations: { acme: ${entry()} }`)
    assert.deepEqual(currentChoice(config([one])), { name: 'acme', from: undefined })
  })

  it('is nothing, and why, where what is asked for is not there', () => {
    const choice = currentChoice(config([two], { environment: { PGCTL_INSTALLATION: 'zebra' } }))
    assert.ok(isPgctlError(choice, 'installation-unknown'))
    assert.match(choice.why ?? '', /^PGCTL_INSTALLATION asks for it; configured: acme, apex$/)
  })
})

describe('a configuration file that cannot be used', () => {
  const rows = [
    { text: 'bind: [', says: /^line 1, column 8: it is no YAML: .*flow/i, why: 'it is no YAML' },
    {
      text: 'bnid: x',
      says: /^line 1, column 1: unknown key "bnid" \(did you mean bind\?\)$/,
      why: 'an unknown key is a typing error, and names itself',
    },
    {
      text: 'installations: { Acme: {} }',
      says: /^line 1, column 18: installations\.Acme: an installation's name is lower-case/,
      why: 'a name has a form',
    },
    {
      text: `installations: { acme: { workspace: w, account: 111122223333, region: eu-central-1 } }`,
      says: /^line 1, column 40: installations\.acme\.account: an AWS account is twelve digits in quotes/,
      why: 'an account is quoted',
    },
    {
      text: 'installations: { acme: { workspace: w, region: eu-central-1 } }',
      says: /^line 1, column 18: installations\.acme\.account: it is missing$/,
      why: 'an account is not guessed',
    },
    {
      text: `installations:\n  acme: ${entry()}\n  beta: ${entry()}\n  acme: ${entry('eu-west-1')}`,
      says: /^line 4, column 3: "acme" stands there a second time$/,
      why: 'of two installations of one name neither is meant',
    },
    {
      text: `installations:\n  7: ${entry()}\n  "7": ${entry()}`,
      says: /^line 3, column 3: "7" stands there a second time$/,
      why: 'a number and a text are one name',
    },
    {
      text: 'tail: 1\ntail: 2',
      says: /^line 2, column 1: "tail" stands there a second time$/,
      why: 'a setting is set once',
    },
    {
      text: 'tail: -1',
      says: /^line 1, column 1: tail: it is less than 0$/,
      why: 'no negative number of lines',
    },
    { text: 'bind: ""', says: /^line 1, column 1: bind: it is empty$/, why: 'an empty address' },
    {
      text: 'sets:\n  oncall: [grafana, postgres, "a b"]',
      says: /^line 2, column 31: sets\.oncall\.2: /,
      why: 'a word of a set is none that a tunnel leads to',
    },
    {
      text: 'sets:\n  oncall:\n    - grafana\n    - i-0123456789abcdef0',
      says: /^line 4, column 7: sets\.oncall\.1: /,
      why: 'an instance of a set lacks its address',
    },
    {
      text: 'sets:\n  oncall: []',
      says: /^line 2, column 3: sets\.oncall: a set has at least one target$/,
      why: 'a set is empty',
    },
    { text: '- a\n- b', says: /should be names with values/, why: 'it is a list' },
  ]
  for (const { text, says, why } of rows)
    it(why, () => {
      assert.throws(
        () => config([user(text)]),
        (error) =>
          isPgctlError(error, 'config-invalid') &&
          error.message.includes('/home/me/config.yaml') &&
          says.test(error.why ?? ''),
      )
    })

  it('an empty file says nothing, and is none', () => {
    assert.equal(config([user('')]).installations.size, 0)
  })
})
