import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type PackagedCli, packCli } from './support/packaged-cli.ts'
import { formatTranscript, parseTranscript, type Step } from './support/transcript.ts'
import { Scene } from './support/transcript-scene.ts'

/**
 * Every scenario of `test/transcripts/`, through the built CLI as a process: what it shows on stdout and stderr, and
 * its exit status. `UPDATE=1 node --test test/transcripts.test.ts` writes down what it shows now.
 */
const folder = fileURLToPath(new URL('transcripts/', import.meta.url))
const update = process.env['UPDATE'] === '1'

/** More would only wait for a processor. */
const AT_ONCE = 4

const names = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort()

describe('transcripts', { concurrency: AT_ONCE, timeout: 900_000 }, () => {
  let cli: PackagedCli

  before(async () => {
    cli = await packCli()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  it('there are some', () => assert.ok(names.length > 0))

  for (const name of names)
    it(name, { timeout: 60_000 }, async () => {
      const text = readFileSync(join(folder, name), 'utf8')
      const steps = parseTranscript(text)
      assert.ok(
        steps.some(({ kind }) => kind === 'command'),
        'it holds no command',
      )
      await using scene = await Scene.open(cli)
      const played = await scene.play(steps)
      assert.equal(scene.openSessions, 0, 'a session is left open')
      assertErrorsHelp(played)
      const shown = formatTranscript(played)
      if (update && shown !== text) writeFileSync(join(folder, name), shown)
      else assert.ok(shown === text, describeDifference(text, shown))
    })
})

/** Each error says in one clause what failed, and what to do next. */
function assertErrorsHelp(steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.kind !== 'command') continue
    const [, message] = /^2\| error: (.*)$/m.exec(step.expected.join('\n')) ?? []
    if (message === undefined) continue
    assert.doesNotMatch(message, /^unexpected failure/, `${step.line}: that is a defect`)
    assert.match(message, /^(?![A-Z][a-z]).*[^.:]$/s, `${step.line}: a small letter, and no full stop`)
    assert.ok(
      step.expected.some((line) => line.startsWith('2|  next: ')),
      `${step.line}: nothing says what to do next`,
    )
  }
}

/** Only the lines that differ: a whole transcript twice says nothing to a reader. */
function describeDifference(known: string, shown: string): string {
  const [before, now] = [known.split('\n'), shown.split('\n')]
  const first = before.findIndex((line, at) => line !== now[at])
  const last = before.toReversed().findIndex((line, at) => line !== now.at(-1 - at))
  const part = (lines: string[], mark: string) =>
    lines.slice(first, Math.max(first, lines.length - last)).map((line) => `${mark} ${line}`)
  return [
    `from line ${first + 1} on:`,
    ...part(before, '-'),
    ...part(now, '+'),
    'if this is how it should be: UPDATE=1 node --test test/transcripts.test.ts',
  ].join('\n')
}
