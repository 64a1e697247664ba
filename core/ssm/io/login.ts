import { Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Clock, Ms } from '#core/clock.ts'
import { type EscapeState, watchForEscape } from '#core/ssm/escape.ts'
import { LocalTerminal } from '#core/ssm/io/terminal.ts'
import { failureOf, TerminalRun, type TerminalRunOptions } from '#core/ssm/io/terminal-run.ts'

/** Has words with programs of the far side, in the same terminal and beside the person. */
export interface SideTalk {
  /** Told what the person types. */
  typed(bytes: Uint8Array): void
  /**
   * What of `output` is for the person; what is to be typed in answer, before any key that is pressed meanwhile; and
   * that the far side is done with an answer, having taken so many keys that were before it.
   */
  output(output: Uint8Array): {
    readonly shown: Uint8Array
    readonly answer?: Promise<string>
    readonly done?: number
  }
}

export interface LoginOptions extends Omit<TerminalRunOptions, 'stdout' | 'stderr' | 'size' | 'onInputFull'> {
  readonly input: ReadStream
  readonly output: WriteStream
  /** Told how to put the terminal back at once, for the last moment of a process. */
  readonly onRaw: (restore: () => void) => void
  /** The shell is there; what is returned is called when it is not any more. */
  readonly onStarted?: ((run: Pick<TerminalRun, 'lastActivity'>) => () => void) | undefined
  readonly sideTalk?: SideTalk | undefined
}

/**
 * A shell on the bastion in the person's own terminal, until either side ends it; `~.` leaves one that hangs.
 * The terminal is as before when this returns or throws.
 */
export async function runLogin(options: LoginOptions, signal: AbortSignal): Promise<void> {
  const { input, output, sideTalk } = options
  const terminal = new LocalTerminal(input, output)
  const size = terminal.size
  const keys = new Keys(options.context.clock)
  const shown = sideTalk === undefined ? output : withoutWords(output, sideTalk, keys)
  const run = await TerminalRun.start(
    {
      ...options,
      stdout: shown,
      stderr: output,
      size,
      onInputFull: (full) => (full ? input.pause() : input.resume()),
    },
    signal,
  )
  keys.goTo((bytes) => run.type(bytes))
  const stopped = options.onStarted?.(run)
  const left = Promise.withResolvers<void>()
  let progress: EscapeState = 'line-start'
  const onData = (typed: Buffer) => {
    const { state, bytes, leave } = watchForEscape(progress, typed)
    progress = state
    if (bytes.length > 0) {
      sideTalk?.typed(bytes)
      keys.press(bytes)
    }
    if (leave) left.resolve()
  }
  const onAbort = () => left.resolve()
  const stopResizing = terminal.onResize((size) => run.resize(size))
  // A window that was resized while the session opened told nobody.
  if (terminal.size.columns !== size.columns || terminal.size.rows !== size.rows) run.resize(terminal.size)
  options.onRaw(() => terminal.restore())
  try {
    terminal.enterRaw()
    input.on('data', onData)
    input.once('end', onAbort)
    input.on('error', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) left.resolve()
    const outcome = await Promise.race([run.outcome, left.promise])
    const failure = outcome === undefined ? undefined : failureOf(outcome)
    // The far side's cursor stands where it was; a shell that ends by itself has left it at the start of a line.
    if (outcome === undefined || failure !== undefined) output.write('\r\n')
    if (failure !== undefined) throw failure
    signal.throwIfAborted()
  } finally {
    input.off('data', onData)
    input.off('end', onAbort)
    signal.removeEventListener('abort', onAbort)
    stopResizing()
    keys.close()
    stopped?.()
    terminal.restore()
    await run[Symbol.asyncDispose]()
  }
}

/** How long keys wait for a far side that has its answer, and says nothing. */
const DONE_WITHIN: Ms = 2_000
/** Keys that are remembered, in case that somebody takes them who waits for an answer. */
const REMEMBERED = 4_096

/** What is typed, in order: from an answer's being made until the far side is done with it, keys wait. */
class Keys {
  readonly #clock: Clock
  #type: ((bytes: Uint8Array) => void) | undefined
  #waiting: Uint8Array[] = []
  #typed: Uint8Array = new Uint8Array()
  #isHeld = false
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  goTo(type: (bytes: Uint8Array) => void): void {
    this.#type = type
    this.#flush()
  }

  press(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    this.#flush()
  }

  async answer(answer: Promise<string>): Promise<void> {
    this.#isHeld = true
    this.#cancel?.()
    const text = await answer
    this.#type?.(Buffer.from(text))
    this.#cancel = this.#clock.after(DONE_WITHIN, () => this.done(0))
  }

  /** The last `count` keys that were typed are typed again, and then those that waited. */
  done(count: number): void {
    this.#cancel?.()
    this.#isHeld = false
    if (count > 0) this.#waiting.unshift(this.#typed.slice(-count))
    this.#flush()
  }

  close(): void {
    this.#cancel?.()
  }

  #flush(): void {
    if (this.#isHeld || this.#type === undefined) return
    for (const bytes of this.#waiting.splice(0)) {
      this.#typed = Buffer.concat([this.#typed, bytes]).subarray(-REMEMBERED)
      this.#type(bytes)
    }
  }
}

/** What the far side prints, without what is not for the person. */
function withoutWords(output: Writable, sideTalk: SideTalk, keys: Keys): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const heard = sideTalk.output(chunk)
      if (heard.answer !== undefined) void keys.answer(heard.answer)
      if (heard.done !== undefined) keys.done(heard.done)
      output.write(heard.shown, () => done())
    },
  })
}
