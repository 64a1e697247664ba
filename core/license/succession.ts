import type { License } from './document.ts'

/** How a genuine document relates to the one that is installed. */
export type Succession =
  /** Nothing was installed. */
  | { readonly kind: 'first' }
  /** `chain`: it names the installed one as the one before it; or others lie between; or it names another one. */
  | { readonly kind: 'newer'; readonly chain: 'follows' | 'skips' | 'differs' }
  | { readonly kind: 'same' }
  /** A lower number: an old file, or a replay. The installed one stays. */
  | { readonly kind: 'superseded' }
  /** The same number on another document. The installed one stays. */
  | { readonly kind: 'conflict' }
  /** Another license altogether: a new contract, which a person installs. */
  | { readonly kind: 'other-license' }

export interface Installed {
  readonly license: License
  readonly digest: string
}

export function judgeSuccession(installed: Installed | undefined, next: Installed): Succession {
  if (installed === undefined) return { kind: 'first' }
  if (installed.digest === next.digest) return { kind: 'same' }
  const [before, after] = [installed.license, next.license]
  if (before.license !== after.license) return { kind: 'other-license' }
  if (after.sequence < before.sequence) return { kind: 'superseded' }
  if (after.sequence === before.sequence) return { kind: 'conflict' }
  if (after.previous === installed.digest) return { kind: 'newer', chain: 'follows' }
  return { kind: 'newer', chain: after.sequence === before.sequence + 1 ? 'differs' : 'skips' }
}
