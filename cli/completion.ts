/**
 * What the shell offers at Tab: pure, so that it can be tested as a table. The scripts that shells load only call
 * `pgctl complete`, so names of installations and services are those of now.
 */

export interface CompletableFlag {
  readonly name: string
  readonly char?: string | undefined
  /** Whether a value follows. */
  readonly takesValue: boolean
  readonly options?: readonly string[] | undefined
}

export interface CompletableCommand {
  /** Its words: `sandbox up` is `['sandbox', 'up']`. */
  readonly path: readonly string[]
  readonly flags: readonly CompletableFlag[]
}

export interface CompletionModel {
  readonly commands: readonly CompletableCommand[]
  /** The words that fit as an argument of a command, or as a flag's value. */
  readonly names: {
    readonly installations: readonly string[]
    readonly services: readonly string[]
    readonly monitors: readonly string[]
    /** Those that were found by the last look. */
    readonly datastores: readonly string[]
    /** Targets of tunnels in the background. */
    readonly background: readonly string[]
    /** Sets of targets in the configuration. */
    readonly sets: readonly string[]
  }
}

/** The words that may stand where the last of `words` is being typed; it may be empty. */
export function complete(words: readonly string[], model: CompletionModel): string[] {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  return candidates(before, typed, model)
    .filter((word) => word.startsWith(typed))
    .sort()
}

function candidates(before: readonly string[], typed: string, model: CompletionModel): readonly string[] {
  if (before.includes('--')) return []
  const command = commandOf(before, model)
  if (command === undefined) return nextWords(before, model)
  const asked = flagOf(before.at(-1), command)
  if (asked?.takesValue) return asked.options ?? valuesOf(asked, model)
  if (typed.startsWith('-')) return [...command.flags.map(({ name }) => `--${name}`), '--help']
  // Behind the words of a command that has subcommands, either may follow.
  const subcommands = command.path.length === before.length ? nextWords(before, model) : []
  return [...subcommands, ...argumentsOf(command, before, model)]
}

/** The command that is already there in full. */
function commandOf(before: readonly string[], { commands }: CompletionModel): CompletableCommand | undefined {
  return commands
    .filter(({ path }) => path.every((word, at) => before[at] === word))
    .sort((a, b) => b.path.length - a.path.length)[0]
}

function nextWords(before: readonly string[], { commands }: CompletionModel): string[] {
  const fitting = commands.filter(({ path }) => before.every((word, at) => path[at] === word))
  return [...new Set(fitting.flatMap(({ path }) => path[before.length] ?? []))]
}

function flagOf(word: string | undefined, command: CompletableCommand): CompletableFlag | undefined {
  return command.flags.find(
    ({ name, char }) => word === `--${name}` || (char !== undefined && word === `-${char}`),
  )
}

function valuesOf(flag: CompletableFlag, { names }: CompletionModel): readonly string[] {
  if (flag.name === 'installation') return names.installations
  return flag.name === 'set' ? names.sets : []
}

function argumentsOf(
  { path }: CompletableCommand,
  before: readonly string[],
  { names }: CompletionModel,
): readonly string[] {
  switch (path.join(' ')) {
    case 'tunnel':
    case 'tunnel run':
      return ['cluster', ...names.monitors, ...names.services, ...names.datastores]
    case 'tunnel stop':
    case 'tunnel attach':
    case 'tunnel logs':
      return names.background
    case 'logs':
      return [...names.services, ...names.monitors]
    case 'use':
      return names.installations.some((name) => before.includes(name, path.length)) ? [] : names.installations
    default:
      return []
  }
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** The script that a shell loads once. */
export function completionScript(shell: Shell, bin: string): string {
  switch (shell) {
    case 'bash':
      return [
        `_${bin}_complete() {`,
        "  local IFS=$'\\n'",
        `  COMPREPLY=($(${bin} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))`,
        '}',
        `complete -o default -F _${bin}_complete ${bin}`,
      ].join('\n')
    case 'zsh':
      return [
        `#compdef ${bin}`,
        `_${bin}() {`,
        `  local -a found=("\${(@f)$(${bin} complete -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")`,
        '  compadd -a found',
        '}',
        `compdef _${bin} ${bin}`,
      ].join('\n')
    case 'fish':
      return `complete -c ${bin} -f -a '(${bin} complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`
  }
}
