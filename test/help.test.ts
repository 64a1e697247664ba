import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type PackagedCli, packCli } from './support/packaged-cli.ts'
import { parseTranscript } from './support/transcript.ts'

/** The rules of help, over every command of the manifest: what nothing checks is kept by half of the commands. */

interface Flag {
  readonly name: string
  readonly char?: string
  readonly type: 'boolean' | 'option'
  readonly summary?: string
  readonly description?: string
  readonly helpValue?: string
  readonly options?: readonly string[]
}

interface CommandHelp {
  readonly id: string
  readonly hidden?: boolean
  readonly summary?: string
  readonly description?: string
  readonly examples?: readonly string[]
  readonly flags: Readonly<Record<string, Flag>>
  readonly args: Readonly<Record<string, { readonly description?: string }>>
}

const BIN = '<%= config.bin %>'
const SENTENCE = /^[A-Z].*\.$/
/** Said by the framework itself. */
const FRAMEWORK_FLAGS = new Set(['json'])

describe('help', { timeout: 60_000 }, () => {
  let cli: PackagedCli
  let commands: CommandHelp[]

  before(async () => {
    cli = await packCli()
    const manifest = JSON.parse(readFileSync(join(cli.folder, 'oclif.manifest.json'), 'utf8'))
    commands = Object.values(manifest.commands as Record<string, CommandHelp>)
    assert.ok(commands.length > 0)
  })
  after(() => cli?.[Symbol.asyncDispose]())

  /** Collects what every command does wrong, so that one run names all of it. */
  function holds(rule: (command: CommandHelp) => Iterable<string>): void {
    const broken = commands.flatMap((command) => [...rule(command)].map((what) => `${command.id}: ${what}`))
    assert.deepEqual(broken, [])
  }

  it('every command has a summary of one line, a sentence', () =>
    holds(function* ({ summary = '' }) {
      if (!SENTENCE.test(summary)) yield `"${summary}" is no sentence`
      if (summary.length > 90) yield `a summary of ${summary.length} characters`
    }))

  it('a description flows to the width of the terminal: it breaks no line itself', () =>
    holds(function* ({ description = '' }) {
      if (/[^\n]\n[^\n]/.test(description)) yield 'a line end within a paragraph'
      if (description !== '' && !/[.:]$/.test(description)) yield 'a description that does not end'
    }))

  it('every command has an example, of itself', () =>
    holds(function* ({ id, examples = [] }) {
      if (examples.length === 0) yield 'no example'
      const words = `${BIN} ${id.replaceAll(':', ' ')}`
      for (const example of examples) if (!example.includes(words)) yield `"${example}" is of another command`
    }))

  it('examples write flags in full, and only flags that there are', () =>
    holds(function* ({ id, examples = [], flags }) {
      for (const example of examples)
        for (const flag of flagsOf(example, id))
          if (!flag.startsWith('--')) yield `the short ${flag}`
          else if (!Object.hasOwn(flags, flag.slice(2))) yield `there is no ${flag}`
    }))

  it('every flag and argument says what it is, and what its value is', () =>
    holds(function* ({ flags, args }) {
      for (const [name, { type, summary = '', helpValue, options }] of Object.entries(flags)) {
        if (FRAMEWORK_FLAGS.has(name)) continue
        if (!SENTENCE.test(summary)) yield `--${name}: "${summary}" is no sentence`
        if (type === 'option' && helpValue === undefined && options === undefined)
          yield `--${name}: of what kind?`
      }
      for (const [name, { description = '' }] of Object.entries(args))
        if (!SENTENCE.test(description)) yield `${name}: "${description}" is no sentence`
    }))

  it('one letter stands for one flag, and one flag has one letter, in all commands', () => {
    const letters = new Map<string, string>()
    const flagLetters = new Map<string, string>()
    for (const { id, flags } of commands)
      for (const [name, { char = '' }] of Object.entries(flags)) {
        assert.equal(flagLetters.get(name) ?? char, char, `${id}: --${name}`)
        flagLetters.set(name, char)
        if (char === '') continue
        assert.equal(letters.get(char) ?? name, name, `${id}: -${char}`)
        letters.set(char, name)
      }
  })

  it('every command that help lists has its help in a transcript', () => {
    const folder = fileURLToPath(new URL('transcripts/', import.meta.url))
    const lines = new Set(
      readdirSync(folder).flatMap((name) =>
        parseTranscript(readFileSync(join(folder, name), 'utf8')).map((step) => step.line),
      ),
    )
    for (const { id, hidden } of commands) {
      const name = id.replaceAll(':', ' ')
      if (hidden) continue
      assert.ok(lines.has(`pgctl ${name} --help`) || lines.has(`pgctl help ${name}`), name)
    }
  })
})

/** The flags that an example gives to the command itself: not those of other programs, nor what follows `--`. */
function flagsOf(example: string, id: string): string[] {
  const own = example.split(`${BIN} ${id.replaceAll(':', ' ')}`)[1] ?? ''
  const words = (own.split(/ -- | && |\)/)[0] ?? '').split(' ')
  return words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0] as string)
}
