import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type JournalLine, readJournal } from '#core/tunnel/control/journal.ts'

const write = (...lines: JournalLine[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const BEGIN = { journal: 1, pid: 7, version: '0.1.0', at: 0 }
const opened = (id: number, target: string) => ({ opened: id, target, installation: 'acme', at: 0 })
const names = (text: string) => readJournal(text).lost.map(({ target }) => target)

describe("a supervisor's journal", { timeout: 10_000 }, () => {
  it('names what was open when its supervisor was killed', () => {
    const text = write(BEGIN, opened(1, 'grafana'), opened(2, 'cluster'))
    assert.deepEqual(readJournal(text), {
      pid: 7,
      lost: [
        { target: 'grafana', installation: 'acme', cause: undefined },
        { target: 'cluster', installation: 'acme', cause: undefined },
      ],
    })
  })

  it('does not name what was stopped, and what was open when it ended in order', () => {
    const closed = { ended: 1, cause: { code: 'closed', message: 'closed' }, at: 0 } as const
    assert.deepEqual(names(write(BEGIN, opened(1, 'grafana'), opened(2, 'cluster'), closed)), ['cluster'])
    assert.deepEqual(names(write(BEGIN, opened(1, 'grafana'), { over: true, at: 0 })), [])
  })

  it('names what had ended by a failure, with its cause', () => {
    const cause = { code: 'session-ended', message: 'the maximum was reached' } as const
    const { lost } = readJournal(
      write(BEGIN, opened(1, 'grafana'), { ended: 1, cause, at: 0 }, { over: true, at: 0 }),
    )
    assert.deepEqual(lost, [{ target: 'grafana', installation: 'acme', cause }])
  })

  it('is read up to where it is cut, wherever that is', () => {
    const lines = [BEGIN, opened(1, 'grafana'), opened(2, 'cluster'), opened(3, 'postgres')]
    const text = write(...lines)
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index)
    for (let cut = 0; cut <= text.length; cut++) {
      // A line that lacks only its line feed is whole.
      const whole = ends.filter((end) => end <= cut).length
      const expected = ['grafana', 'cluster', 'postgres'].slice(0, Math.max(0, whole - 1))
      assert.deepEqual(names(text.slice(0, cut)), expected, `cut at ${cut}`)
    }
  })

  it('believes nothing behind a line that is spoilt', () => {
    assert.deepEqual(names(`${write(BEGIN, opened(1, 'grafana'))}{"op${write(opened(2, 'cluster'))}`), [
      'grafana',
    ])
  })

  it('that is empty, or not there, names nothing', () =>
    assert.deepEqual(readJournal(''), { pid: undefined, lost: [] }))
})
