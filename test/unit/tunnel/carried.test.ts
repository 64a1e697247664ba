import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { carriedEnvironment, whoOf } from '#core/tunnel/control/carried.ts'

const MINE = {
  HOME: '/home/me',
  AWS_PROFILE: 'acme',
  AWS_SECRET_ACCESS_KEY: 'secret',
  PATH: '/bin',
  SHLVL: '2',
}
const who = (change: Record<string, string | undefined>, installation?: object) =>
  whoOf(carriedEnvironment({ ...MINE, ...change }), installation)

describe('what of an environment goes to the supervisor', { timeout: 10_000 }, () => {
  it('is what chooses credentials, configuration and ways out, and nothing else', () => {
    const { SHLVL: _, ...wanted } = MINE
    assert.deepEqual(
      carriedEnvironment({ ...MINE, DATABASE_PASSWORD: 'x', PGPASSWORD: 'y', GONE: undefined }),
      wanted,
    )
  })

  for (const [why, change, isSame] of [
    ['another terminal', { SHLVL: '3', TERM: 'dumb' }, true],
    ['another path to helpers', { PATH: '/usr/bin' }, true],
    ['another installation of the same configuration', { PGCTL_INSTALLATION: 'globex' }, true],
    ['another profile', { AWS_PROFILE: 'globex' }, false],
    ['other keys', { AWS_SECRET_ACCESS_KEY: 'other' }, false],
    ['another configuration', { PGCTL_CONFIG: '/tmp/config.yaml' }, false],
    ['a proxy', { HTTPS_PROXY: 'http://proxy:3128' }, false],
  ] as const)
    it(`${isSame ? 'the same' : 'somebody else'}: ${why}`, () =>
      assert.equal(who(change) === who({}), isSame))

  it('two installations of one name are two', () => {
    assert.notEqual(who({}, { name: 'prod', account: '1' }), who({}, { name: 'prod', account: '2' }))
  })

  it('tells nothing of what it stands for', () => assert.match(who({}), /^[0-9a-f]{32}$/))
})
