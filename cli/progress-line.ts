import type { WriteStream } from 'node:tty'
import { systemClock } from '#core/io/system-clock.ts'
import type { CopyProgress } from '#core/transfer/report.ts'
import { renderProgress } from './render/cp.ts'

/** More often nobody can read it. */
const EVERY_MS = 100
const CLEAR_LINE = '\r\x1b[K'

/** One line on a terminal that is written over as a copy goes on. */
export class ProgressLine {
  readonly #output: WriteStream
  #began: { at: number; done: number } | undefined
  #shownAt = 0
  #isShown = false

  constructor(output: WriteStream) {
    this.#output = output
  }

  show(progress: CopyProgress): void {
    const now = systemClock.now().mono
    this.#began ??= { at: now, done: progress.done }
    if (now - this.#shownAt < EVERY_MS) return
    this.#shownAt = now
    const seconds = (now - this.#began.at) / 1000
    const rate = seconds > 0 ? Math.round((progress.done - this.#began.done) / seconds) : 0
    this.#output.write(`${CLEAR_LINE}${renderProgress(progress, rate, this.#output.columns)}`)
    this.#isShown = true
  }

  clear(): void {
    if (this.#isShown) this.#output.write(CLEAR_LINE)
    this.#isShown = false
  }
}
