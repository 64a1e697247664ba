import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * A transcript is a text file: what a person types, and all that they see.
 *
 * ```
 * # why this scenario is here
 * @ knob bastion=stopped            sets the scene, in the words of `transcript-scene.ts`
 * @ file pgctl.yaml
 * @| installation: acme             a line of that file
 * $ pgctl tunnel grafana --port 0
 * > wait http://                    done while the command runs, one after the other
 * > signal SIGINT
 * 1| …                              a line of stdout
 * 2| …                              a line of stderr
 * exit 130
 * ```
 *
 * stdout comes before stderr, as the order between two pipes is not defined.
 */
export type Step =
  | { readonly kind: 'comment'; readonly line: string }
  | { readonly kind: 'setup'; readonly line: string; readonly body: readonly string[] }
  | CommandStep

export interface CommandStep {
  readonly kind: 'command'
  readonly line: string
  /** What is done while it runs. */
  readonly actions: readonly string[]
  /** The lines that it is known to show, with its exit status. */
  readonly expected: readonly string[]
}

/** Reads a transcript. @throws Error for a line that belongs to nothing, with its number. */
export function parseTranscript(text: string): Step[] {
  const steps: Step[] = []
  const replaceLast = (step: Step) => {
    steps[steps.length - 1] = step
  }
  for (const [index, line] of text.split('\n').entries()) {
    const last = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ kind: 'command', line: line.slice(2), actions: [], expected: [] })
    else if (line.startsWith('@ ')) steps.push({ kind: 'setup', line: line.slice(2), body: [] })
    else if (/^@\|( |$)/.test(line) && last?.kind === 'setup')
      replaceLast({ ...last, body: [...last.body, line.slice(3)] })
    else if (line.startsWith('> ') && last?.kind === 'command' && last.expected.length === 0)
      replaceLast({ ...last, actions: [...last.actions, line.slice(2)] })
    else if (/^[12]\|( |$)|^exit /.test(line) && last?.kind === 'command')
      replaceLast({ ...last, expected: [...last.expected, line] })
    else if (line === '' || line.startsWith('#')) steps.push({ kind: 'comment', line })
    else throw new Error(`line ${index + 1} of the transcript belongs to nothing: ${line}`)
  }
  return steps
}

export function formatTranscript(steps: readonly Step[]): string {
  return steps.flatMap(formatStep).join('\n')
}

function formatStep(step: Step): string[] {
  switch (step.kind) {
    case 'comment':
      return [step.line]
    case 'setup':
      return [`@ ${step.line}`, ...step.body.map((line) => `@| ${line}`.trimEnd())]
    case 'command':
      return [`$ ${step.line}`, ...step.actions.map((action) => `> ${action}`), ...step.expected]
  }
}

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** Runs the built CLI as a process of its own, with no standard input and no terminal. */
export function runCli(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  options: { cwd?: string; timeout?: number } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...argv], {
      env: environment,
      cwd: options.cwd,
      timeout: options.timeout ?? 30_000,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text
    })
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ ...output, status, signal }))
  })
}

/** What a command showed, as the lines of a transcript. */
export function outcomeLines(outcome: Outcome, mask: (text: string) => string): string[] {
  const lines = (text: string, mark: string) =>
    text === ''
      ? []
      : mask(text)
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark}| ${line}`.trimEnd())
  return [
    ...lines(outcome.stdout, '1'),
    ...lines(outcome.stderr, '2'),
    outcome.signal === null ? `exit ${outcome.status}` : `exit by ${outcome.signal}`,
  ]
}

/** The words of a line: split on spaces outside of single and double quotes, which stay. */
export function splitWords(line: string): string[] {
  return line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
}

/** A word without its quotes. */
export function unquote(word: string): string {
  return word.replaceAll(
    /"([^"]*)"|'([^']*)'/g,
    (_, double?: string, single?: string) => double ?? single ?? '',
  )
}
