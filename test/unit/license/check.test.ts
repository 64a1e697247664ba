import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PgctlError } from '#core/errors.ts'
import { checkLicense, type LicenseRequest, licenseRequest } from '#core/license/check.ts'
import { examineFile } from '#core/license/file.ts'
import { changeRecord, readRecord } from '#core/license/record-store.ts'
import { seal } from '#sandbox/vendor/keys.ts'
import {
  BEGINS,
  DAY,
  ENDS,
  FIRST,
  GRACE_DAYS,
  INSTALLATION,
  issue,
  keyList,
  LICENSE,
  PRODUCT,
  revocation,
  SECOND,
  STRANGER,
  seconds,
  severityOf,
  TRUST,
  utc,
} from '../../support/licenses.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryStore } from '../../support/memory-store.ts'

/** An installation that holds the first document, at a moment that a test chooses. */
class Installed {
  readonly store = new MemoryStore()
  clock = new ManualClock(BEGINS + DAY)

  static async at(now: number): Promise<Installed> {
    const installed = new Installed()
    await installed.install(issue())
    installed.clock = new ManualClock(now)
    return installed
  }

  get check() {
    return {
      store: this.store,
      base: TRUST,
      product: PRODUCT,
      installation: INSTALLATION,
      version: '0.1.0',
      clock: this.clock,
      random: (length: number) => new Uint8Array(length),
    }
  }

  async install(content: string): Promise<void> {
    const place = { base: TRUST, now: this.clock.now().wall, installation: INSTALLATION, product: PRODUCT }
    await changeRecord(this.store, INSTALLATION, (record) => ({
      record: examineFile(record, content, place).record,
      result: undefined,
    }))
  }

  ask(reply: (request: LicenseRequest, now: number) => string) {
    return checkLicense(this.check, async (request) => reply(request, this.clock.now().wall))
  }

  async numbers(): Promise<string[]> {
    return (await readRecord(this.store, INSTALLATION)).record.documents.map(({ text }) => text)
  }
}

const answer = (request: LicenseRequest, now: number, content: object = {}, key = FIRST) =>
  seal('answer', key, { nonce: request.nonce, lic: request.license, time: seconds(now), ...content })

describe('asking the vendor', () => {
  const NOW = utc('2026-05-01T00:00:00')

  it('tells the number of the newest document, and nothing that was not asked for', async () => {
    const { check } = await Installed.at(NOW)
    assert.deepEqual(await licenseRequest(check), {
      schema: 'license/1',
      license: LICENSE,
      installation: INSTALLATION,
      version: '0.1.0',
      sequence: 1,
      nonce: 'A'.repeat(22),
    })
  })

  it('takes a fresh document', async () => {
    const installed = await Installed.at(NOW)
    const fresh = { seq: 2, file_exp: seconds(NOW + 30 * DAY), iss_at: seconds(NOW) }
    const { standing, outcome } = await installed.ask((request, now) =>
      answer(request, now, { document: issue(fresh) }),
    )
    assert.deepEqual([outcome.kind, standing.verdict, standing.license?.sequence], ['answered', 'valid', 2])
  })

  it('takes an answer by a new key, where the root’s list comes with it', async () => {
    const installed = await Installed.at(NOW)
    const { outcome, standing } = await installed.ask((request, now) =>
      [
        answer(request, now, { document: issue({ seq: 2, iss_at: seconds(NOW) }, SECOND) }, SECOND),
        keyList(),
      ].join('\n'),
    )
    assert.deepEqual([outcome.kind, standing.license?.kid], ['answered', SECOND.kid])
  })

  it('takes a revocation with its notice', async () => {
    const installed = await Installed.at(utc('2026-08-01T00:00:00'))
    const { standing } = await installed.ask((request, now) =>
      answer(request, now, { revocation: revocation() }),
    )
    assert.equal(standing.verdict, 'revocation-pending')
  })

  it('does not take another license from an answer, nor an older document', async () => {
    const installed = await Installed.at(NOW)
    await installed.install(issue({ seq: 5 }))
    for (const document of [issue({ lic: 'lic-other', seq: 9 }), issue({ seq: 4 })])
      await installed.ask((request, now) => answer(request, now, { document }))
    assert.deepEqual(await installed.numbers(), [issue({ seq: 5 }), issue()])
  })

  const nobody: ReadonlyArray<
    readonly [what: string, reply: (r: LicenseRequest, now: number) => string, kind: string]
  > = [
    [
      'an outage',
      () => {
        throw new PgctlError('endpoint-unreachable', 'down')
      },
      'outage',
    ],
    [
      'silence',
      () => {
        throw new PgctlError('timed-out', 'slow')
      },
      'outage',
    ],
    ['a portal', () => '<html>Sign in</html>', 'no-answer'],
    ['nothing', () => '', 'no-answer'],
    ['an unsigned no', () => '{"status":"revoked"}', 'no-answer'],
    [
      'a stranger',
      (r, now) => answer(r, now, { document: issue({ seq: 2 }, STRANGER) }, STRANGER),
      'no-answer',
    ],
    [
      'a replay',
      (r, now) => answer({ ...r, nonce: 'B'.repeat(22) }, now, { document: issue({ seq: 2 }) }),
      'no-answer',
    ],
    ['another license', (r, now) => answer({ ...r, license: 'lic-other' }, now), 'no-answer'],
    ['another time', (r, now) => answer(r, now + 3_600_000, { document: issue({ seq: 2 }) }), 'other-time'],
  ]
  for (const [what, reply, kind] of nobody)
    it(`stands as it stood after ${what}`, async () => {
      const installed = await Installed.at(NOW)
      const { standing, outcome } = await installed.ask(reply)
      assert.equal(outcome.kind, kind)
      assert.deepEqual([standing.verdict, await installed.numbers()], ['refresh-due', [issue()]])
    })

  it('is not made worse by ninety days of outage, asked every hour', async () => {
    const installed = await Installed.at(BEGINS + 2 * DAY)
    for (let hour = 0; hour < 90 * 24; hour++) {
      installed.clock.advance(3_600_000)
      const { standing } = await installed.ask(() => {
        throw new PgctlError('endpoint-unreachable', 'down')
      })
      assert.ok(standing.verdict === 'valid' || standing.verdict === 'refresh-due', standing.verdict)
    }
    assert.deepEqual(await installed.numbers(), [issue()])
  })

  it('two at once both keep what they got, and the higher number counts', async () => {
    const installed = await Installed.at(NOW)
    await Promise.all(
      [2, 3, 4, 5].map((seq) =>
        installed.ask((request, now) => answer(request, now, { document: issue({ seq }) })),
      ),
    )
    const { standing } = await installed.ask((request, now) => answer(request, now))
    assert.equal(standing.license?.sequence, 5)
  })

  it('a record that was cut off is told, and its copy counts', async () => {
    const installed = await Installed.at(NOW)
    await installed.install(issue({ seq: 2 }))
    const place = `license/${INSTALLATION}/record`
    installed.store.documents.set(place, { value: { v: 1, documents: 'cut' }, version: 'x' })
    const { record, damage } = await readRecord(installed.store, INSTALLATION)
    assert.match(damage ?? '', /fields of a license/)
    assert.equal(record.documents[0]?.text, issue({ seq: 2 }))
    const { standing } = await installed.ask((request, now) =>
      answer(request, now, { document: issue({ seq: 3 }) }),
    )
    assert.equal(standing.license?.sequence, 3)
    assert.equal((await readRecord(installed.store, INSTALLATION)).damage, undefined)
  })
})

/** The whole, as a model sees it: what was signed and taken decides, and the dates of that alone. */
describe('asking again and again (model)', () => {
  const step = fc.record({
    days: fc.integer({ min: 0, max: 60 }),
    what: fc.constantFrom(
      'outage',
      'portal',
      'forged',
      'replayed',
      'quiet',
      'renewed',
      'older',
      'rotated',
      'cut',
    ),
  })

  it('stands by the newest document that the vendor has signed and sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const installed = await Installed.at(BEGINS + DAY)
        let sequence = 1
        let ends = ENDS
        let now = BEGINS + DAY
        for (const { days, what } of steps) {
          installed.clock.advance(days * DAY)
          now += days * DAY
          if (what === 'cut')
            installed.store.documents.set(`license/${INSTALLATION}/record`, { value: null, version: 'x' })
          const { standing } = await installed.ask((request, at) => {
            switch (what) {
              case 'portal':
                return '<html>'
              case 'forged':
                return answer(
                  request,
                  at,
                  { document: issue({ seq: 99, exp: 1 + seconds(BEGINS) }, STRANGER) },
                  STRANGER,
                )
              case 'replayed':
                return answer({ ...request, nonce: 'x' }, at, { revocation: revocation() })
              case 'renewed':
                sequence++
                ends += 30 * DAY
                return answer(request, at, {
                  document: issue({
                    seq: sequence,
                    exp: seconds(ends),
                    iss_at: seconds(at),
                    file_exp: seconds(at + 30 * DAY),
                  }),
                })
              case 'older':
                return answer(request, at, { document: issue({ seq: 1, exp: seconds(BEGINS + DAY) }) })
              case 'rotated':
                return `${keyList()}\n${answer(request, at)}`
              case 'quiet':
                return answer(request, at)
              default:
                throw new PgctlError('endpoint-unreachable', 'down')
            }
          })
          const expected = now < ends ? 0 : now < ends + GRACE_DAYS * DAY ? 1 : 2
          assert.equal(severityOf(standing.verdict), expected, `${what}: ${standing.verdict}`)
          assert.equal(standing.license?.sequence, sequence, what)
        }
      }),
      { numRuns: 150 },
    )
  })
})
