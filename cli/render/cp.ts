import { neutralise } from '#core/text/neutralise.ts'
import { describeSize } from '#core/text/size.ts'
import type { CopyProgress, CopyReport, LeftOut } from '#core/transfer/report.ts'
import type { Warning } from './warning.ts'

/** What a copy has come to, for a person. */
export function renderCopy(report: CopyReport): string {
  const { kind, direction, destination, files, bytes, resumed } = report
  const what = kind === 'file' ? describeSize(bytes) : `${filesText(files)}, ${describeSize(bytes)},`
  const where = direction === 'upload' ? `bastion:${destination}` : destination
  const before = resumed === 0 ? '' : `; ${describeSize(resumed)} of it were there from before`
  return `${what} copied to ${neutralise(where)}${before}`
}

/** What of it stayed behind; one warning a reason, as there may be thousands of them. */
export function copyWarnings({ leftOut }: CopyReport): Warning[] {
  return (['leads-outside', 'special-file'] as const).flatMap((why) => {
    const paths = leftOut.filter((each) => each.why === why).map(({ path }) => path)
    return paths.length === 0 ? [] : [leftOutWarning(why, paths)]
  })
}

function leftOutWarning(why: LeftOut['why'], paths: readonly string[]): Warning {
  const names = paths.slice(0, 3).map(neutralise).join(', ')
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : ''
  const is = paths.length === 1 ? 'is' : 'are'
  return why === 'leads-outside'
    ? { message: `${names}${more} ${is} not copied: a link that leads out of the folder` }
    : { message: `${names}${more} ${is} not copied: neither a file, a folder nor a link` }
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function copyDocument(report: CopyReport): object {
  const { took, sha256, ...fields } = report
  return { ...fields, sha256: sha256 ?? null, tookMs: Math.round(took) }
}

/** One line that tells how far a copy is; `rate` is in bytes a second. */
export function renderProgress({ path, done, size }: CopyProgress, rate: number, columns: number): string {
  const share = size === 0 ? 100 : Math.min(100, Math.floor((100 * done) / size))
  const left = rate > 0 && size > done ? `, ${Math.ceil((size - done) / rate)} s left` : ''
  const figures = `${share}%  ${describeSize(done)} of ${describeSize(size)}, ${describeSize(rate)}/s${left}`
  const room = columns - figures.length - 3
  return room < 8 || path === '' ? figures : `${figures}  ${neutralise(path).slice(-room)}`
}

function filesText(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}
