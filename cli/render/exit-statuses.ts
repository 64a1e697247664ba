import { codesByStatus, EXIT_STATUSES, type ExitStatus } from '../exit-codes.ts'

/** The help topic on exit statuses: what each means, and the error codes behind it. */
export function renderExitStatuses(): string {
  const codes = codesByStatus()
  const rows = Object.entries(EXIT_STATUSES).map(([status, meaning]) => {
    const names = codes.get(Number(status) as ExitStatus) ?? []
    const list = wrap(names.join(', ')).map((line) => `\n       ${line}`)
    return `  ${status.padStart(3)}  ${meaning}${list.join('')}`
  })
  return [
    'EXIT STATUS',
    ...rows,
    '',
    '`exec` gives the exit status of the command that it ran. The names are the `code` of `--json` errors.',
  ].join('\n')
}

/** In lines that fit a terminal of 80 columns. */
function wrap(text: string): string[] {
  return text.match(/\S.{0,71}(?=\s|$)/g) ?? []
}
