import { neutralise } from '#core/text/neutralise.ts'
import type { UseResult } from '../use-installation.ts'
import type { Warning } from './warning.ts'

/** What has been done, for a person. */
export function renderUse({ installation, file, changed }: UseResult): string {
  return `${installation} is ${changed ? 'now' : 'already'} the default, in ${neutralise(file)}`
}

/** Where the default is not what commands act on. */
export function useWarnings({ installation, file, hidden, onlyIn }: UseResult): Warning[] {
  const warnings: Warning[] = []
  if (hidden !== undefined)
    warnings.push({
      message: `the choice of ${installation} is hidden here: ${hidden.by} says ${hidden.installation}`,
      next: hidden.isFile
        ? `take "installation:" out of that file, or choose each time: --installation ${installation}`
        : `go without it: unset ${hidden.by}`,
    })
  if (onlyIn !== undefined)
    warnings.push({
      message: `${installation} is known in this project alone: ${onlyIn} describes it`,
      next: `copy its entry into ${file}, for commands in other folders`,
    })
  return warnings
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function useDocument({ installation, file, changed, hidden }: UseResult): object {
  return { installation, file, changed, hiddenBy: hidden?.by ?? null }
}
