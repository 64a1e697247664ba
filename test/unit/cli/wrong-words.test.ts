import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toFailure } from '#cli/failure.ts'
import { namesOf } from '#cli/wrong-words.ts'

const COMMANDS = ['config', 'sandbox down', 'sandbox up', 'tunnel']
const TUNNEL = { name: 'tunnel', flags: ['bind', 'json', 'port'] }
const HELP = '\nSee more help with --help'

/** As the framework throws them: an exit status of its own, and on some errors what it is about. */
function thrown(message: string, about: object = {}): Error {
  return Object.assign(new Error(message), { oclif: { exit: 2 }, ...about })
}

const ROWS: ReadonlyArray<{
  readonly reason: string
  readonly error: Error
  readonly outside?: boolean
  readonly message: string
  readonly why?: string
  readonly next: string
}> = [
  {
    reason: 'a slip of the fingers in a command',
    error: thrown('command tunel not found'),
    outside: true,
    message: 'there is no command "tunel"',
    next: 'did you mean pgctl tunnel?',
  },
  {
    reason: 'a slip in the second word',
    error: thrown('Command sandbox:upp not found.'),
    outside: true,
    message: 'there is no command "sandbox upp"',
    next: 'did you mean pgctl sandbox up?',
  },
  {
    reason: 'a slip before an argument',
    error: thrown('command tunel:grafana not found'),
    outside: true,
    message: 'there is no command "tunel"',
    next: 'did you mean pgctl tunnel?',
  },
  {
    reason: 'a slip in a topic',
    error: thrown('command sandbx:up not found'),
    outside: true,
    message: 'there is no command "sandbx"',
    next: 'did you mean pgctl sandbox?',
  },
  {
    reason: 'nothing near behind a topic',
    error: thrown('command sandbox:frobnicate not found'),
    outside: true,
    message: 'there is no command "sandbox frobnicate"',
    next: 'see all commands: pgctl sandbox --help',
  },
  {
    reason: 'nothing near',
    error: thrown('command frobnicate not found'),
    outside: true,
    message: 'there is no command "frobnicate"',
    next: 'see all commands: pgctl --help',
  },
  {
    reason: 'a word behind a command that takes none reads as a command of that name',
    error: thrown('command config:now not found'),
    outside: true,
    message: 'pgctl config takes no argument "now"',
    next: 'leave it out; what it takes: pgctl config --help',
  },
  {
    reason: 'a flag that is nearly one',
    error: thrown(`Nonexistent flag: --prt${HELP}`, { flags: ['--prt'] }),
    message: 'there is no flag --prt',
    next: 'did you mean --port?',
  },
  {
    reason: 'a flag that is near to none',
    error: thrown(`Nonexistent flags: --frobnicate, -z${HELP}`, { flags: ['--frobnicate', '-z'] }),
    message: 'there is no flag --frobnicate, -z',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'an argument that must be there',
    error: thrown(`Missing 1 required arg:\ntarget  What to reach.${HELP}`, {
      args: [{ name: 'target', description: 'What to reach.' }],
    }),
    message: 'the argument TARGET is missing',
    why: 'what to reach',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'an argument that nobody asked for',
    error: thrown(`Unexpected argument: x${HELP}`, { args: ['x'] }),
    message: 'one argument too many: "x"',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'a value that is none of those there are',
    error: thrown(`Expected --route=way to be one of: direct, cluster${HELP}`),
    message: '--route cannot be "way"',
    why: 'it is one of direct, cluster',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'an argument that is none of those there are',
    error: thrown(`Expected csh to be one of: bash, zsh, fish${HELP}`),
    message: 'the argument cannot be "csh"',
    why: 'it is one of bash, zsh, fish',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'a value of the wrong kind',
    error: thrown(`Parsing --port \n\tExpected an integer but received: abc${HELP}`),
    message: 'the value of --port does not fit',
    why: 'expected an integer but received: abc',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'flags that do not go together',
    error: thrown(
      `The following errors occurred:\n  --a cannot go with --b\n  --b cannot go with --a${HELP}`,
    ),
    message: '--a cannot go with --b',
    why: '--b cannot go with --a',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
  {
    reason: 'anything else that the framework says, in its own words',
    error: thrown('Flag --port expects a value'),
    message: 'flag --port expects a value',
    next: 'see its arguments, flags and examples: pgctl tunnel --help',
  },
]

describe('wrong words', () => {
  for (const { reason, error, outside, message, why, next } of ROWS)
    it(reason, () => {
      const words = { bin: 'pgctl', commands: COMMANDS }
      const failure = toFailure(error, outside ? words : { ...words, command: TUNNEL })
      assert.deepEqual(
        { code: failure.code, message: failure.message, why: failure.why, next: failure.next },
        { code: 'usage', message, why, next },
      )
    })

  it('hidden commands are not suggested', () => {
    const commands = [
      { id: 'sandbox:up', hidden: false },
      { id: 'complete', hidden: true },
    ]
    assert.deepEqual(namesOf(commands), ['sandbox up'])
  })
})
