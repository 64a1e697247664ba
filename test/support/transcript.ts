import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * A transcript is a text file: what a person types, and all that they see.
 *
 * ```
 * # why this scenario is here
 * @ knob bastion=stopped            set up, in the words of the test that runs it
 * $ pgctl tunnel nosuch
 * 2| error: …                       a line of stderr
 * 1| …                              a line of stdout
 * exit 3
 * ```
 *
 * stdout comes before stderr, as the order between two pipes is not defined.
 */
export interface Step {
  readonly kind: 'comment' | 'setup' | 'command'
  readonly line: string
  /** For a command: the lines that follow it in the file. */
  readonly expected: readonly string[]
}

export function parseTranscript(text: string): Step[] {
  const steps: Array<{ kind: Step['kind']; line: string; expected: string[] }> = []
  for (const line of text.split('\n')) {
    const command = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ kind: 'command', line: line.slice(2), expected: [] })
    else if (line.startsWith('@ ')) steps.push({ kind: 'setup', line: line.slice(2), expected: [] })
    else if (/^[12]\| ?|^exit /.test(line) && command?.kind === 'command') command.expected.push(line)
    else steps.push({ kind: 'comment', line, expected: [] })
  }
  return steps
}

export function formatTranscript(steps: readonly Step[]): string {
  const prefix = { comment: '', setup: '@ ', command: '$ ' }
  return steps.flatMap((step) => [`${prefix[step.kind]}${step.line}`, ...step.expected]).join('\n')
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

/** The words of a command line: split on spaces, with single and double quotes. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  )
}
