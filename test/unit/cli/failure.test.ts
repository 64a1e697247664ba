import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codesByStatus, EXIT_STATUSES, exitStatusOf } from '#cli/exit-codes.ts'
import { toFailure } from '#cli/failure.ts'
import { errorDocument, renderError } from '#cli/render/error.ts'
import { PgctlError } from '#core/errors.ts'

const NO_WORDS = { bin: 'pgctl', commands: [] }
const plain = (_style: unknown, text: string) => text

describe('what a person sees of a failure', () => {
  it('what, why, id and next, each on its line', () => {
    const error = new PgctlError('permission-denied', 'cannot start a session', {
      why: 'not authorized',
      requestId: 'r-1',
      next: 'ask for ssm:StartSession',
    })
    assert.equal(
      renderError(error, plain),
      'error: cannot start a session\n  why: not authorized\n   id: r-1\n next: ask for ssm:StartSession',
    )
  })

  it('control characters of whoever refused are shown, not obeyed', () => {
    assert.ok(!renderError(new PgctlError('failed', 'a\u001b[2Jb'), plain).includes('\u001b'))
  })

  it('a document holds the listed fields and no others, whatever hangs on the error', () => {
    const error = Object.assign(new PgctlError('port-taken', 'taken'), { secret: 'x', config: {} })
    assert.deepEqual(Object.keys(errorDocument(error)), ['code', 'message', 'exit'])
  })

  it('what nobody foresaw is a defect, and says so', () => {
    assert.equal(toFailure(new TypeError('x is undefined'), NO_WORDS).code, 'internal')
    assert.equal(toFailure('a text', NO_WORDS).code, 'internal')
  })
})

describe('exit statuses', () => {
  it('every code has a status that the help topic explains', () => {
    for (const [status, codes] of codesByStatus()) {
      assert.ok(status in EXIT_STATUSES)
      for (const code of codes) assert.equal(exitStatusOf(code), status)
    }
  })

  it('no failure is told as success', () => {
    assert.equal(codesByStatus().has(0), false)
  })
})
