import { PgctlError } from '#core/errors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How long a command may clean up after the first signal before the second one ends it at once. */
export interface Interrupts {
  /** Aborts with an `interrupted` error at the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal
  /** Runs at a second signal, synchronously, just before the process ends (a terminal is put back here). */
  onSecond(action: () => void): void
  /**
   * From here on a Ctrl-C is for a program that shares our terminal, which gets it as well; the function given back
   * ends that. Other signals stay ours.
   */
  lendCtrlC(): () => void
  stop(): void
}

/**
 * Turns signals into one cancellation: the first asks the command to end in order, a second Ctrl-C or SIGTERM ends
 * the process with status 130 at once.
 */
export function listenForInterrupts(exit: (status: number) => void): Interrupts {
  const controller = new AbortController()
  const last: Array<() => void> = []
  let lent = 0
  const onSignal = (name: NodeJS.Signals) => {
    if (name === 'SIGINT' && lent > 0) return
    if (controller.signal.aborted) {
      // A closed window says so twice (the kernel, then the shell): nobody is there who could be impatient.
      if (name === 'SIGHUP') return
      for (const action of last) action()
      exit(130)
      return
    }
    controller.abort(new PgctlError('interrupted', `interrupted by ${name}`))
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    onSecond: (action) => {
      last.push(action)
    },
    lendCtrlC: () => {
      lent += 1
      let isBack = false
      return () => {
        if (!isBack) lent -= 1
        isBack = true
      }
    },
    stop: () => {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}
