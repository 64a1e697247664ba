import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

/**
 * Every error reads alike: a clause with a small letter and without a full stop, since it stands behind "error:",
 * "why:" or "next:" and in the middle of other sentences; plain quotes, as people paste what they read.
 */

const root = fileURLToPath(new URL('..', import.meta.url))

/** The message behind the code, and the two details; only text that begins here, not what a variable holds. */
const CLAUSES = [
  /new PgctlError\(\s*[\w'?.:\s-]+?,\s*(['"`])((?:\\.|(?!\1).)*)\1/gs,
  /\b(?:why|next|what|message):\s*(['"`])((?:\\.|(?!\1).)*)\1/gs,
]

interface Clause {
  readonly place: string
  readonly text: string
}

describe('the words of errors', () => {
  const clauses: Clause[] = []

  before(async () => {
    for await (const path of glob(['core/**/*.ts', 'cli/**/*.ts', 'sandbox/*.ts'], { cwd: root })) {
      const source = readFileSync(join(root, path), 'utf8')
      for (const pattern of CLAUSES)
        for (const match of source.matchAll(pattern)) {
          const line = source.slice(0, match.index).split('\n').length
          clauses.push({ place: `${path}:${line}`, text: match[2] as string })
        }
    }
    assert.ok(clauses.length > 200, `only ${clauses.length} were found`)
  })

  function none(isWrong: (text: string) => boolean): void {
    assert.deepEqual(
      clauses.filter(({ text }) => isWrong(text)).map(({ place, text }) => `${place}: ${text}`),
      [],
    )
  }

  // A word all in capitals is a name: KMS, AWS_REGION.
  it('begin with a small letter, but for names', () => none((text) => /^[A-Z][a-z]/.test(text)))

  it('end without a full stop', () => none((text) => /[a-z)]\.$/.test(text)))

  it('quote with plain quotes', () => none((text) => /[‘’“”«»]/.test(text)))

  it('never ask to try "again" without saying what', () =>
    none((text) => /\b(try|start) again\b/i.test(text)))
})
