import { Command, Flags } from '@oclif/core'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { type Logger, silentLogger } from '#core/logger.ts'
import { createLogger } from './debug-log.ts'
import type { Surroundings } from './deps.ts'
import { exitStatusOf } from './exit-codes.ts'
import { outputFailure, toFailure } from './failure.ts'
import { type Interrupts, listenForInterrupts } from './interrupts.ts'
import { errorDocument, type Paint, painter, renderError } from './render/error.ts'
import { toJson } from './render/json.ts'
import { namesOf, type Vocabulary } from './wrong-words.ts'

/**
 * What every command shares: output, errors, exit status, signals, diagnostics.
 *
 * The rules of the output: stdout holds the result and nothing else; progress, notices and errors go to stderr.
 * With `--json` a command prints one document, or one event a line if it streams, and a failure is a document too.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    debug: Flags.boolean({
      summary: 'Print diagnostics to stderr.',
      helpGroup: 'GLOBAL',
      env: 'PGCTL_DEBUG',
    }),
    'debug-file': Flags.string({
      summary: 'Append diagnostics to a file instead.',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
      env: 'PGCTL_DEBUG_FILE',
    }),
  }

  /** Commands that print one event a line set this, so that a failure is a line as well. */
  protected readonly streams: boolean = false

  protected logger: Logger = silentLogger
  /** Colours for stdout and stderr, each by what that stream is. */
  protected readonly paint: Paint = painter(process.stdout)
  protected readonly paintNotice: Paint = painter(process.stderr)

  #interrupts: Interrupts | undefined
  #outputClosed = new AbortController()

  /** Aborts when the command should end: a signal from the person, or a reader that has gone away. */
  protected get signal(): AbortSignal {
    if (this.#interrupts === undefined) throw new Error('the signal is there only while a command runs')
    return AbortSignal.any([this.#interrupts.signal, this.#outputClosed.signal])
  }

  /** Something that must happen even when a second signal ends the process at once. */
  protected onAbruptEnd(action: () => void): void {
    this.#interrupts?.onSecond(action)
  }

  /**
   * Leaves Ctrl-C to a program that shares our terminal while it runs: it cancels a query there. Without a terminal
   * only we may have been told, and so it stays ours.
   */
  protected lendCtrlC(): Disposable {
    const takeBack = process.stdin.isTTY ? this.#interrupts?.lendCtrlC() : undefined
    return { [Symbol.dispose]: () => takeBack?.() }
  }

  /** What wiring needs of this run; `flags` are the parsed ones. */
  protected surroundings(
    flags: Surroundings['flags'] & { readonly reason?: string | undefined },
  ): Surroundings {
    const { root, version } = this.config
    const { reason, ...settings } = flags
    return { flags: settings, environment: process.env, root, version, logger: this.logger, reason }
  }

  /** The same for a command that opens a session: it starts a bastion that has been stopped, and says so. */
  protected sessionSurroundings({
    start,
    ...flags
  }: Surroundings['flags'] & { readonly start: boolean }): Surroundings {
    const onStart = start ? (text: string) => this.notice(text) : undefined
    return { ...this.surroundings(flags), onStart }
  }

  protected override async init(): Promise<void> {
    await super.init()
    this.#interrupts = listenForInterrupts((status) => process.exit(status))
    process.stdout.on('error', this.#onOutputError)
    this.logger = await createLogger(this.argv)
  }

  /** A line of the result. Under `--json` only documents and events are printed. */
  override log(message = ''): void {
    if (!this.jsonEnabled()) process.stdout.write(`${message}\n`)
  }

  /** A line about what goes on: to stderr, and not at all under `--json`. */
  protected notice(message: string): void {
    if (!this.jsonEnabled()) process.stderr.write(`${message}\n`)
  }

  /** One event of a streaming command's `--json` output. */
  protected event(event: object): void {
    process.stdout.write(`${toJson(event)}\n`)
  }

  /** Ends an unhealthy run: the result has been printed, the status says that a check failed. */
  protected unhealthy(): void {
    process.exitCode = exitStatusOf('unhealthy')
  }

  override logJson(document: unknown): void {
    process.stdout.write(`${toJson(document, 2)}\n`)
  }

  protected override async catch(thrown: unknown): Promise<void> {
    if (this.#isEnough) return
    const output: unknown = this.#outputClosed.signal.reason
    const error = this.#interrupts?.signal.aborted
      ? asInterrupt(thrown, this.#interrupts.signal)
      : toFailure(isPgctlError(output) ? output : thrown, this.#vocabulary())
    this.logger.debug(
      { code: error.code, stack: (error.cause as Error | undefined)?.stack ?? error.stack },
      'failed',
    )
    process.exitCode = exitStatusOf(error.code)
    if (this.jsonEnabled()) {
      const document = errorDocument(error)
      if (this.streams) this.event({ event: 'error', ...document })
      else this.logJson({ error: document })
    } else if (error.code !== 'interrupted') process.stderr.write(`${renderError(error, this.paintNotice)}\n`)
  }

  #vocabulary(): Vocabulary {
    const { bin, commands } = this.config
    const name = (this.id ?? '').replaceAll(':', ' ')
    return { bin, commands: namesOf(commands), command: { name, flags: Object.keys(this.ctor.flags ?? {}) } }
  }

  /** Whether the reader of stdout has gone away: whatever becomes of the command then, it has done its part. */
  get #isEnough(): boolean {
    return isPgctlError(this.#outputClosed.signal.reason, 'interrupted')
  }

  protected override async finally(_: Error | undefined): Promise<void> {
    if (this.#isEnough) process.exitCode = 0
    this.#interrupts?.stop()
    process.stdout.off('error', this.#onOutputError)
  }

  readonly #onOutputError = (error: NodeJS.ErrnoException) => {
    // The reader of a pipe (`| head`) has seen enough: that is an end, not a failure.
    if (error.code === 'EPIPE')
      this.#outputClosed.abort(new PgctlError('interrupted', 'the output was closed'))
    else this.#outputClosed.abort(outputFailure(error))
  }
}

/** After a signal whatever is thrown is its consequence, unless the command had a failure of its own to tell. */
function asInterrupt(thrown: unknown, signal: AbortSignal): PgctlError {
  return isPgctlError(thrown) && thrown.code !== 'internal' ? thrown : (signal.reason as PgctlError)
}
