import { PgctlError } from '#core/errors.ts'
import { nearest } from '#core/text/nearest.ts'

/** What the words of a command line were read against. */
export interface Vocabulary {
  readonly bin: string
  /** Every command, its words separated by spaces: `sandbox up`. */
  readonly commands: readonly string[]
  /** The command that was found, with its flags; undefined where none was. */
  readonly command?: { readonly name: string; readonly flags: readonly string[] } | undefined
}

/** What the command framework throws for words that do not fit; each of its errors has some of these. */
export interface WordsError extends Error {
  readonly args?: ReadonlyArray<string | { readonly name: string; readonly description?: string }>
  readonly flags?: readonly string[]
}

/** The commands that may be suggested, by what people type. */
export function namesOf(
  commands: ReadonlyArray<{ readonly id: string; readonly hidden: boolean }>,
): string[] {
  return commands.filter(({ hidden }) => !hidden).map(({ id }) => id.replaceAll(':', ' '))
}

interface Telling {
  readonly message: string
  readonly why?: string | undefined
  readonly next?: string | undefined
}

const HEADLINE = /^The following errors? occurred:?$/
const UNKNOWN_COMMAND = /^command (.+) not found\.?$/i

/** Words that do not fit, told as every other failure is: what, why, what to type next. */
export function describeWrongWords(thrown: WordsError, vocabulary: Vocabulary): PgctlError {
  const unknown = UNKNOWN_COMMAND.exec(thrown.message)?.[1]
  const { message, why, next } =
    unknown === undefined ? tellWords(thrown, vocabulary) : tellUnknown(unknown, vocabulary)
  return new PgctlError('usage', message, { why, next: next ?? seeHelp(vocabulary) })
}

/** `sandbox:upp`, or `config:extra` where the command exists and takes no such word. */
function tellUnknown(id: string, vocabulary: Vocabulary): Telling {
  const { bin, commands } = vocabulary
  const words = id.split(':')
  const known = commands
    .filter((name) => id.startsWith(`${name.replaceAll(' ', ':')}:`))
    .toSorted((a, b) => b.length - a.length)[0]
  if (known !== undefined) {
    const rest = words.slice(known.split(' ').length).join(' ')
    return {
      message: `${bin} ${known} takes no argument ${JSON.stringify(rest)}`,
      next: `leave it out; what it takes: ${bin} ${known} --help`,
    }
  }
  return tellNearest(words, vocabulary)
}

/** Behind a topic the second word is the wrong one, else the first: what follows is what the command was to take. */
function tellNearest([first = '', second]: readonly string[], { bin, commands }: Vocabulary): Telling {
  const siblings = commands
    .filter((name) => name.startsWith(`${first} `))
    .map((name) => name.split(' ')[1] ?? '')
  const isTopic = siblings.length > 0 && second !== undefined
  const near = isTopic
    ? nearest(second, siblings).map((name) => `${first} ${name}`)
    : nearest(
        first,
        commands.map((name) => name.split(' ')[0] ?? ''),
      )
  return {
    message: `there is no command ${JSON.stringify(isTopic ? `${first} ${second}` : first)}`,
    next:
      near.length > 0
        ? `did you mean ${near.map((name) => `${bin} ${name}`).join(' or ')}?`
        : `see all commands: ${bin} ${isTopic ? `${first} ` : ''}--help`,
  }
}

function tellWords(thrown: WordsError, vocabulary: Vocabulary): Telling {
  const { args, flags } = thrown
  const lines = thrown.message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('See more help'))
  // Flags that do not go together stand below a headline.
  const [first = 'wrong usage', ...rest] = lines.filter((line) => !HEADLINE.test(line))
  if (flags !== undefined && first.startsWith('Nonexistent')) return tellUnknownFlags(flags, vocabulary)
  if (args !== undefined && first.startsWith('Missing')) return tellMissing(args)
  if (args !== undefined && first.startsWith('Unexpected'))
    return { message: `one argument too many: ${args.map((word) => JSON.stringify(word)).join(', ')}` }
  const option = /^Expected (?:(--\S+)=)?(.*) to be one of: (.*)$/.exec(first)
  if (option !== null)
    return {
      message: `${option[1] ?? 'the argument'} cannot be ${JSON.stringify(option[2])}`,
      why: `it is one of ${option[3]}`,
    }
  const parsing = /^Parsing (--\S+)$/.exec(first)?.[1]
  if (parsing !== undefined)
    return { message: `the value of ${parsing} does not fit`, why: lowerFirst(rest.join('; ')) }
  return { message: lowerFirst(first), why: rest.length > 0 ? rest.join('; ') : undefined }
}

function tellMissing(args: NonNullable<WordsError['args']>): Telling {
  const missing = args.filter((arg) => typeof arg !== 'string')
  return {
    message: `the argument ${missing.map(({ name }) => name.toUpperCase()).join(' ')} is missing`,
    why: missing.map(({ description }) => lowerFirst((description ?? '').replace(/\.$/, ''))).join('; '),
  }
}

function tellUnknownFlags(flags: readonly string[], { command }: Vocabulary): Telling {
  const near = flags.flatMap((flag) => nearest(flag.replace(/^-+/, ''), command?.flags ?? []))
  return {
    message: `there is no flag ${flags.join(', ')}`,
    next: near.length > 0 ? `did you mean ${near.map((flag) => `--${flag}`).join(' or ')}?` : undefined,
  }
}

function seeHelp({ bin, command }: Vocabulary): string {
  const words = command === undefined ? bin : `${bin} ${command.name}`
  return `see its arguments, flags and examples: ${words} --help`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
