import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseQuickPsql } from '#cli/quick-psql.ts'

const PLAIN = {
  ...{ engine: 'postgres', name: undefined, reader: false, credentials: undefined, user: undefined },
  ...{ reason: undefined, database: undefined, write: false, words: [] as string[] },
}

describe('command lines of psql that need nothing but a tunnel that is there', { timeout: 10_000 }, () => {
  const rows = [
    ['psql', {}, {}],
    ['psql -- -c select', {}, { words: ['-c', 'select'] }],
    ['psql hermes -i acme --write', { installation: 'acme' }, { name: 'hermes', write: true }],
    ['psql --installation=acme hermes', { installation: 'acme' }, { name: 'hermes' }],
    [
      'psql zeus --credentials iam --user alice --database d --reader --region r --profile p',
      { region: 'r', profile: 'p' },
      { name: 'zeus', credentials: 'iam', user: 'alice', database: 'd', reader: true },
    ],
    ['psql -- --recipe -- -i x', {}, { words: ['--recipe', '--', '-i', 'x'] }],
  ] as const
  for (const [text, flags, run] of rows)
    it(text, () => assert.deepEqual(parseQuickPsql(text.split(' ')), { flags, run: { ...PLAIN, ...run } }))

  for (const [text, why] of [
    ['', 'nothing'],
    ['redis', 'another command'],
    ['psql --recipe', 'nothing is run'],
    ['psql --ca file', 'a file of authorities: it is read first'],
    ['psql --reason INC-1', 'a session of its own'],
    ['psql --background off', 'as well'],
    ['psql --help', 'help is wanted'],
    ['psql --json', 'that is refused, in words'],
    ['psql --debug', 'diagnostics are wanted'],
    ['psql hermes zeus', 'which of them'],
    ['psql -i', 'a flag without its value'],
    ['psql -i=acme', 'a value that is none'],
    ['psql --user=', 'an empty one'],
    ['psql --credentials guess', 'a word that is refused'],
    ['psql --constructor x', 'no flag of ours'],
  ] as const)
    it(`not ${JSON.stringify(text)}: ${why}`, () => assert.equal(parseQuickPsql(text.split(' ')), undefined))
})
