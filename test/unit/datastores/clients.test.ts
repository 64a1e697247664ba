import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { passwordLine, psqlEnvironment, readsPasswordLine } from '#core/datastores/psql.ts'
import { libpqWords, makeRecipe, type RecipeParts } from '#core/datastores/recipe.ts'
import { redisCliEnvironment, redisCliWords } from '#core/datastores/redis-cli.ts'
import { datastore } from '../installation/support.ts'

const CONNECTION = {
  ...{ host: 'db.example', address: '127.0.0.1', port: 24_817, user: 'ann', database: 'd', write: false },
  ...{ authoritiesFile: '/dev/fd/3', passwordFile: '/dev/fd/4' },
}

describe('the environment of psql', () => {
  it('leads to the address, checks the name, and begins read-only', () =>
    assert.deepEqual(psqlEnvironment({ PATH: '/bin' }, CONNECTION), {
      ...{ PATH: '/bin', PGHOST: 'db.example', PGHOSTADDR: '127.0.0.1', PGPORT: '24817', PGUSER: 'ann' },
      ...{ PGDATABASE: 'd', PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/dev/fd/3', PGGSSENCMODE: 'disable' },
      ...{ PGPASSFILE: '/dev/fd/4', PGAPPNAME: 'pgctl', PGOPTIONS: '-c default_transaction_read_only=on' },
    }))

  it('has nothing that would lead elsewhere, and keeps what would not', () => {
    const own = {
      PGSERVICE: 'x',
      PGSSLCERT: 'x',
      PGTZ: 'UTC',
      PSQLRC: 'x',
      PGAPPNAME: 'mine',
      PGPASSWORD: 'x',
    }
    const { PGSERVICE, PGSSLCERT, PGPASSWORD, ...rest } = psqlEnvironment(own, CONNECTION)
    assert.deepEqual([PGSERVICE, PGSSLCERT, PGPASSWORD], [undefined, undefined, undefined])
    assert.deepEqual([rest['PGTZ'], rest['PSQLRC'], rest['PGAPPNAME']], ['UTC', 'x', 'mine'])
  })

  it("lets the guard have the last word over the person's options, and none with --write", () => {
    const own = { PGOPTIONS: '-c default_transaction_read_only=off' }
    assert.match(
      psqlEnvironment(own, CONNECTION)['PGOPTIONS'] ?? '',
      /off -c default_transaction_read_only=on$/,
    )
    assert.equal(psqlEnvironment(own, { ...CONNECTION, write: true })['PGOPTIONS'], own.PGOPTIONS)
    assert.equal(psqlEnvironment({}, { ...CONNECTION, write: true })['PGOPTIONS'], undefined)
  })
})

describe('the line of a password file', () => {
  it('is for one server and one user, with what it separates by escaped', () =>
    assert.equal(passwordLine({ host: 'h', port: 1, user: 'a:b' }, 'p\\w:d'), 'h:1:*:a\\:b:p\\\\w\\:d\n'))

  it('gives back every password to who reads it as libpq does', () => {
    const readable = fc.string({ unit: 'binary' }).filter((text) => !/[\n\r\0]/.test(text))
    fc.assert(
      fc.property(readable, (password) => {
        const line = passwordLine({ host: 'h', port: 1, user: 'u' }, password).slice(0, -1)
        const fields = line.match(/(?:\\.|[^:\\])*(?::|$)/gs)?.slice(0, 5) ?? []
        assert.equal(fields[4]?.replace(/:$/, '').replaceAll(/\\(.)/gs, '$1'), password)
      }),
    )
  })

  it('is too long for clients before version 14 when it holds a token', () => {
    const token = passwordLine({ host: 'h', port: 1, user: 'u' }, 'x'.repeat(1_500))
    assert.deepEqual(
      [undefined, 13, 14, 17].map((version) => readsPasswordLine(token, version)),
      [false, false, true, true],
    )
    assert.ok(readsPasswordLine('short\n', undefined))
  })
})

describe('what redis-cli is given', () => {
  const near = {
    address: '127.0.0.1',
    port: 1,
    user: undefined,
    password: undefined,
    asks: false,
    sharded: false,
  }
  it('is where to go, and how', () => {
    assert.deepEqual(redisCliWords(near), ['-h', '127.0.0.1', '-p', '1'])
    const all = { ...near, user: 'ann', asks: true, sharded: true }
    assert.deepEqual(redisCliWords(all).slice(4), ['--user', 'ann', '--askpass', '-c'])
  })

  it('is the password in a variable alone, and no other that was there', () => {
    assert.deepEqual(redisCliEnvironment({ A: '1', REDISCLI_AUTH: 'old' }, { password: undefined }), {
      A: '1',
    })
    assert.deepEqual(redisCliEnvironment({ A: '1' }, { password: 'p' }), { A: '1', REDISCLI_AUTH: 'p' })
    assert.ok(!redisCliWords({ ...near, password: 'p' }).includes('p'))
  })
})

describe('a recipe', () => {
  const PARTS: RecipeParts = {
    ...{ store: datastore(), endpoint: { host: 'db.example', port: 5432 }, port: 24_817 },
    login: { user: 'u', password: 'secret', database: 'd', from: 'Secret s, P' },
    ...{ user: 'u', database: 'd', authorities: '/my files/ca.pem', where: ' --installation acme' },
    ...{ how: ' --credentials secret', showPassword: false },
  }

  it('says how the password is shown, and holds it only when that was asked for', () => {
    const recipe = makeRecipe(PARTS)
    assert.doesNotMatch(JSON.stringify(recipe), /:"secret"/)
    assert.equal(recipe.tunnel, 'pgctl tunnel postgres --installation acme')
    assert.equal(
      recipe.passwordCommand,
      'pgctl psql postgres --installation acme --credentials secret --recipe --show-password',
    )
    assert.equal(makeRecipe({ ...PARTS, showPassword: true }).password, 'secret')
  })

  it('has words for libpq, quoted as that reads them', () =>
    assert.equal(
      libpqWords(makeRecipe(PARTS)),
      "host=db.example hostaddr=127.0.0.1 port=24817 dbname=d user=u sslmode=verify-full sslrootcert='/my files/ca.pem'",
    ))
})
